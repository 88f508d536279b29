//! The columns of a file: decided from the declared form and all of its rows.

use std::collections::BTreeSet;

use super::format::{CHECKED, TableFileFormat};
use crate::error::{Error, ErrorKind, Result};
use crate::run_store::RowReader;
use crate::table::{
    CellRules, ColumnPlace, DECIMAL, Decimals, Findings, LoadColumn, OpenRows, OtherFields, RowScanner, TableForm,
    UnfitCell, Unfitting, ValueKind, Wider, same_name, scaled, survey,
};

/// The most columns: those of a sheet.
const COLUMNS_MAX: usize = 16_384;
/// The most rows of a sheet below its header.
const SHEET_ROWS_MAX: u64 = 1_048_575;
/// The longest text of a cell of a sheet, in UTF-16 units.
pub(super) const SHEET_TEXT_MAX: usize = 32_767;
/// Columns that a note names.
const NAMED: usize = 10;

/// The columns of a file, and what the user should know of them.
pub(super) struct FileColumns {
    pub(super) columns: Vec<LoadColumn>,
    pub(super) notes: Vec<String>,
}

/// What cells of a format hold.
pub(super) fn rules(format: &TableFileFormat) -> CellRules {
    match format {
        TableFileFormat::Parquet | TableFileFormat::Arrow => {
            CellRules { nul: true, second_digits: 6, text_max: None, first_year: 1, decimals: Decimals::All }
        }
        // Times that a sheet cannot hold are texts there.
        TableFileFormat::Xlsx(_) => CellRules {
            nul: false,
            second_digits: 9,
            text_max: Some(SHEET_TEXT_MAX),
            first_year: 1,
            decimals: Decimals::All,
        },
    }
}

impl FileColumns {
    /// Looks at all rows.
    pub(super) fn of(
        format: &TableFileFormat,
        form: &TableForm,
        rows: &OpenRows<'_>,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<FileColumns> {
        let known = form.known_columns();
        let mut findings = Findings::default();
        let mut counted = CountedRows { rows: rows()?, count: 0 };
        survey(&mut counted, (&known, form, &rules(format)), 0, &mut findings, check)?;
        let mut new = form.new_columns(&findings);
        let is_known = |own: &LoadColumn| known.iter().any(|column| column.path == own.path);
        if new.columns.iter().any(|column| form.said(&column.path).is_some() && !is_known(column)) {
            // Values of columns that were found must fit the kinds that the user says.
            survey(&mut *rows()?, (&new.columns, form, &rules(format)), 0, &mut findings, check)?;
            new = form.new_columns(&findings);
        }
        let mut own = FileColumns { columns: new.columns, notes: Vec::new() };
        if let Some((column, wider)) = &new.misfit {
            return Err(misfit(column, wider));
        }
        if let Some((path, row, why)) = &findings.refused {
            return Err(refused(path, row + 1, why));
        }
        own.check_none(counted.count)?;
        own.check_names(matches!(format, TableFileFormat::Xlsx(_)))?;
        match format {
            TableFileFormat::Xlsx(_) => check_sheet_rows(counted.count)?,
            TableFileFormat::Parquet | TableFileFormat::Arrow => own.decimals(rows, check)?,
        }
        Ok(own)
    }

    /// Refuses rows without any field, which would have no place.
    fn check_none(&mut self, rows: u64) -> Result<()> {
        if !self.columns.is_empty() {
            return Ok(());
        }
        if rows == 0 {
            self.notes.push(
                "there are no rows, and no declared columns: the file has no column, and some programs do not open it"
                    .to_owned(),
            );
            return Ok(());
        }
        let message = format!("no row has a field with a value, so the file would have no column for {rows} rows");
        Err(Error::new(ErrorKind::InvalidItems, message)
            .advise("name the columns in `columns`, or save the rows as NDJSON"))
    }

    /// Refuses names that cannot be those of columns, and too many columns.
    fn check_names(&mut self, is_sheet: bool) -> Result<()> {
        let wrong = |message: String| Error::new(ErrorKind::InvalidItems, message);
        let count = self.columns.len();
        if count > COLUMNS_MAX {
            let message = format!("the rows have {count} fields, and a file has {COLUMNS_MAX} columns at most");
            return Err(
                Error::new(ErrorKind::Limit, message).advise("name the columns in `columns`, or use `nested: json`")
            );
        }
        let is_long = |name: &str| is_sheet && name.encode_utf16().count() > SHEET_TEXT_MAX;
        let bad = |column: &&LoadColumn| column.name.is_empty() || column.name.contains('\0') || is_long(&column.name);
        if let Some(column) = self.columns.iter().find(bad) {
            let shown: String = column.path.join("/").replace('\0', "\\u0000").chars().take(60).collect();
            return Err(
                wrong(format!("the field `{shown}` cannot be a column")).advise("name the columns in `columns`")
            );
        }
        if let Some((first, second)) = same_name(&self.columns, false) {
            let message =
                format!("the fields `{}` and `{}` would be one column", first.path.join("/"), second.path.join("/"));
            return Err(wrong(message).advise("name the columns in `columns`, or rename a field with `map`"));
        }
        if let Some((first, second)) = same_name(&self.columns, true).filter(|_| !is_sheet) {
            self.notes.push(format!(
                "the columns {} and {} differ by the case of letters only, which some programs ignore",
                first.name, second.name
            ));
        }
        Ok(())
    }

    /// Decimal columns with a value that the files' decimals do not hold become texts.
    fn decimals(&mut self, rows: &OpenRows<'_>, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let is_decimal = |column: &LoadColumn| column.kind == ValueKind::Decimal;
        let mut open: Vec<LoadColumn> = self.columns.iter().filter(|column| is_decimal(column)).cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        let mut texts = BTreeSet::new();
        let place = |column: &LoadColumn| ColumnPlace { path: column.path.clone(), kind: column.kind };
        let scanner_of =
            |open: &[LoadColumn]| RowScanner::new(&open.iter().map(place).collect::<Vec<_>>(), OtherFields::Ignored);
        let (mut scanner, mut number) = (scanner_of(&open), 0_u64);
        let mut reader = rows()?;
        while let Some(row) = if open.is_empty() { None } else { reader.next_row()? } {
            scanner.scan(row);
            let fits = |at: usize| scanner.raw(row, at).is_none_or(|raw| raw == "null" || scaled(raw).is_some());
            let unfit: Vec<usize> = (0..open.len()).rev().filter(|at| !fits(*at)).collect();
            if !unfit.is_empty() {
                // Columns that are texts now are not looked at any more.
                texts.extend(unfit.into_iter().map(|at| open.remove(at).path));
                scanner = scanner_of(&open);
            }
            number += 1;
            if number.is_multiple_of(CHECKED) {
                check()?;
            }
        }
        let is_text = |column: &&mut LoadColumn| texts.contains(&column.path);
        self.columns.iter_mut().filter(is_text).for_each(|column| column.kind = ValueKind::Text);
        self.note_texts(&texts);
        Ok(())
    }

    fn note_texts(&mut self, texts: &BTreeSet<Vec<String>>) {
        let names: Vec<&str> =
            self.columns.iter().filter(|column| texts.contains(&column.path)).map(|c| c.name.as_str()).collect();
        let Some(first) = names.first() else { return };
        let (digits, scale) = DECIMAL;
        self.notes.push(format!(
            "numbers are texts in {}: some have more than {} digits before the point or {scale} behind it; as numbers of \
             64 bits: `types: {{ {first}: double }}`",
            listed(&names),
            i16::from(digits) - i16::from(scale)
        ));
    }

    /// The error of a value that is found to be unfit while it is written.
    pub(super) fn unfit(&self, unfit: &Unfitting, row: u64) -> Error {
        let path = self.columns.get(unfit.column).map_or_else(Vec::new, |column| column.path.clone());
        match unfit.why {
            UnfitCell::Value(why) => refused(&path, row, why),
            UnfitCell::Kind(kind) => {
                let message = format!(
                    "row {row}: {} is {} now, and was not when the rows were counted",
                    path.join("/"),
                    kind.name()
                );
                Error::new(ErrorKind::State, message).advise("run it again")
            }
        }
    }
}

/// Names of columns for a note.
pub(super) fn listed(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().copied().take(NAMED).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more columns", shown.join(", ")),
    }
}

fn misfit(column: &LoadColumn, wider: &Wider) -> Error {
    let Wider { row, raw, .. } = wider;
    let (row, path, kind) = (row + 1, column.path.join("/"), column.kind.name());
    let message = format!("row {row}: {path} is {raw}, and `types` says {kind}");
    Error::new(ErrorKind::InvalidItems, message).advise("correct the value, change it with `map`, or correct `types`")
}

fn refused(path: &[String], row: u64, why: &str) -> Error {
    let message = format!("row {row}: {} is {why}", path.join("/"));
    Error::new(ErrorKind::InvalidItems, message)
        .advise("correct the value, leave the field out with `columns` or `map`, or save the rows as CSV")
}

fn check_sheet_rows(count: u64) -> Result<()> {
    if count <= SHEET_ROWS_MAX {
        return Ok(());
    }
    let message = format!("there are {count} rows, and a sheet has {SHEET_ROWS_MAX} at most below its header");
    Err(Error::new(ErrorKind::Limit, message)
        .advise("save them as CSV or Parquet, or several files by a value of the row: `to: out/${{ item.year }}.xlsx`"))
}

/// Rows that are counted.
struct CountedRows {
    rows: Box<dyn RowReader>,
    count: u64,
}

impl RowReader for CountedRows {
    fn next_row(&mut self) -> Result<Option<&str>> {
        let row = self.rows.next_row()?;
        self.count += u64::from(row.is_some());
        Ok(row)
    }
}
