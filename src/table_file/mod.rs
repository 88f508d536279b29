//! Rows as files of typed columns: Parquet, Arrow and Excel workbooks. All rows are looked at first, because the types of
//! such a file do not change later; then they are written with bounded memory.

#[cfg(feature = "parquet")]
mod arrow_file;
#[cfg(feature = "parquet")]
mod column_arrays;
mod exact_decimal;
mod file_columns;
#[cfg(feature = "parquet")]
mod parquet_file;
#[cfg(test)]
mod tests;
#[cfg(feature = "xlsx")]
mod workbook;
#[cfg(feature = "xlsx")]
mod workbook_cell;

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::table::{Cells, LoadColumn, OpenRows, OtherFields, RowScanner, TableForm, places};
use file_columns::FileColumns;

/// Receives the bytes of a file.
pub(crate) type ByteTarget<'o> = dyn FnMut(&[u8]) -> Result<()> + 'o;

/// Rows between two checks whether the writing must stop.
const CHECKED: u64 = 1_000;

/// The format of a file with typed columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TableFileFormat {
    Parquet,
    /// The file form of Arrow IPC, also called Feather.
    Arrow,
    Xlsx(WorkbookPlan),
}

/// How a workbook is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkbookPlan {
    /// The name of its sheet; `rows` if there is none.
    pub(crate) sheet: Option<String>,
    /// Where its temporary files are; the system's folder if there is none.
    pub(crate) folder: Option<PathBuf>,
}

/// A file that rows are written to.
trait RowTarget {
    /// Adds a row.
    fn put(&mut self, row: &str, cells: &Cells, out: &mut ByteTarget<'_>) -> Result<()>;

    /// Writes the rest. Returns notes for the user.
    fn finish(self: Box<Self>, out: &mut ByteTarget<'_>) -> Result<Vec<String>>;
}

impl TableFileFormat {
    /// The name in messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            TableFileFormat::Parquet => "parquet",
            TableFileFormat::Arrow => "arrow",
            TableFileFormat::Xlsx(_) => "xlsx",
        }
    }

    /// That of a file with this extension, without its dot.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "batches have their own names of formats"))]
    pub(crate) fn of_extension(extension: &str) -> Option<TableFileFormat> {
        match extension.to_lowercase().as_str() {
            "parquet" => Some(TableFileFormat::Parquet),
            "arrow" | "feather" => Some(TableFileFormat::Arrow),
            "xlsx" => Some(TableFileFormat::Xlsx(WorkbookPlan::default())),
            _ => None,
        }
    }

    /// Whether this build writes the format, and its options are valid.
    ///
    /// # Errors
    /// `unsupported` in a build without the feature; `invalid_options` for a name that a sheet cannot have.
    pub(crate) fn check(&self) -> Result<()> {
        let (has, what, feature) = match self {
            TableFileFormat::Parquet => (cfg!(feature = "parquet"), "Parquet files", "parquet"),
            TableFileFormat::Arrow => (cfg!(feature = "parquet"), "Arrow files", "parquet"),
            TableFileFormat::Xlsx(_) => (cfg!(feature = "xlsx"), "Excel workbooks", "xlsx"),
        };
        if !has {
            return Err(Error::new(ErrorKind::Unsupported, format!("this build does not write {what}"))
                .advise(format!("build opnode with the feature `{feature}`, or save the rows as CSV")));
        }
        match self {
            TableFileFormat::Xlsx(WorkbookPlan { sheet: Some(sheet), .. }) => check_sheet_name(sheet),
            TableFileFormat::Parquet | TableFileFormat::Arrow | TableFileFormat::Xlsx(_) => Ok(()),
        }
    }
}

/// What Excel accepts as the name of a sheet.
fn check_sheet_name(name: &str) -> Result<()> {
    const LONGEST: usize = 31;
    let fits = !name.is_empty()
        && name.encode_utf16().count() <= LONGEST
        && !name.contains(|c: char| "[]:*?/\\".contains(c) || c.is_control())
        && !name.starts_with('\'')
        && !name.ends_with('\'')
        && !name.eq_ignore_ascii_case("history");
    if fits {
        return Ok(());
    }
    let message = format!("`{}` cannot be the name of a sheet", name.escape_debug());
    let advice = "use 1 to 31 characters without [ ] : * ? / \\, without ' at its ends, and not `History`";
    Err(Error::new(ErrorKind::InvalidOptions, message).advise(advice))
}

/// Writes all rows as a file of a format, with the columns of a form. The rows are read two times or three. `check` says
/// whether the writing must stop. Returns notes for the user.
///
/// # Errors
/// `invalid_items` for a value or a name that the file cannot hold, with its row; `limit` for more rows or columns than it
/// can have; `unsupported` in a build without the format; `state` when a temporary file cannot be written; those of `rows`,
/// `out` and `check`.
pub(crate) fn write_table_file(
    format: &TableFileFormat,
    form: &TableForm,
    rows: &OpenRows<'_>,
    out: &mut ByteTarget<'_>,
    check: &dyn Fn() -> Result<()>,
) -> Result<Vec<String>> {
    format.check()?;
    let own = FileColumns::of(format, form, rows, check)?;
    let mut target = begin(format, &own.columns)?;
    let rules = file_columns::rules(format);
    let mut scanner = RowScanner::new(&places(&own.columns), OtherFields::Ignored);
    let (mut cells, mut reader, mut number) = (Cells::default(), rows()?, 0);
    while let Some(row) = reader.next_row()? {
        number += 1;
        scanner.scan(row);
        let mut unfitting = None;
        scanner.fill(row, &mut cells, &rules, &mut |unfit| {
            unfitting.get_or_insert(unfit);
        });
        if let Some(unfit) = unfitting {
            return Err(own.unfit(&unfit, number));
        }
        target.put(row, &cells, out)?;
        if number.is_multiple_of(CHECKED) {
            check()?;
        }
    }
    let mut notes = own.notes;
    notes.extend(target.finish(out)?);
    Ok(notes)
}

/// A new file of a format.
fn begin(format: &TableFileFormat, columns: &[LoadColumn]) -> Result<Box<dyn RowTarget>> {
    match format {
        #[cfg(feature = "parquet")]
        TableFileFormat::Parquet => Ok(Box::new(parquet_file::ParquetTarget::new(columns)?)),
        #[cfg(feature = "parquet")]
        TableFileFormat::Arrow => Ok(Box::new(arrow_file::ArrowTarget::new(columns)?)),
        #[cfg(feature = "xlsx")]
        TableFileFormat::Xlsx(plan) => Ok(Box::new(workbook::WorkbookTarget::new(columns, plan)?)),
        #[cfg(not(all(feature = "parquet", feature = "xlsx")))]
        other => {
            let message = format!("this build does not write {} with {} columns", other.name(), columns.len());
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}
