//! Looks at rows before they are written: the fields that no column holds, and the values that do not fit theirs.

use std::collections::HashSet;

use super::cell::{CellRules, Cells};
use super::names::CHECKED;
use super::row_scanner::{ColumnPlace, OtherFields, RowScanner};
use super::shape::{Findings, LoadColumn, TableForm};
use super::value_kind::ValueKind;
use crate::error::Result;
use crate::run_store::RowReader;

/// Adds what the rows have to the findings. The first row has this number.
pub(crate) fn survey(
    rows: &mut dyn RowReader,
    (columns, form, rules): (&[LoadColumn], &TableForm, &CellRules),
    first: u64,
    findings: &mut Findings,
    check: &dyn Fn() -> Result<()>,
) -> Result<()> {
    // Columns whose kind the rows decide.
    let is_open = |path: &Vec<String>| columns.iter().all(|column| column.path != *path);
    let open = form.declared.iter().map(|column| column.path.clone()).filter(|path| !form.is_list(path));
    let open: Vec<Vec<String>> = open.filter(is_open).collect();
    let mut open_scanner =
        RowScanner::new(&open.iter().map(|path| any_value(path)).collect::<Vec<_>>(), OtherFields::Ignored);
    let mut fields = FoundFields::of(columns, form);
    let mut scanner = fields.scanner();
    let (mut cells, mut number) = (Cells::default(), first);
    while let Some(row) = rows.next_row()? {
        scanner.scan(row);
        scanner.fill(row, &mut cells, rules, &mut |unfit| {
            if let Some(column) = columns.get(unfit.column) {
                findings.unfitting(column, unfit, number);
            }
        });
        fields.look(&scanner, row, number, findings);
        let known = fields.kinds.len();
        for (path, raw) in scanner.unknown(row) {
            findings.field(path, raw, number);
            fields.keep(path);
        }
        if fields.kinds.len() > known {
            scanner = fields.scanner();
        }
        if !open.is_empty() {
            open_scanner.scan(row);
            for (column, path) in open.iter().enumerate() {
                if let Some(raw) = open_scanner.raw(row, column) {
                    findings.field(path, raw, number);
                }
            }
        }
        number += 1;
        if number.is_multiple_of(CHECKED) {
            check()?;
        }
    }
    findings.is_whole = true;
    Ok(())
}

fn any_value(path: &[String]) -> ColumnPlace {
    ColumnPlace { path: path.to_vec(), kind: ValueKind::Json }
}

/// Fields that were found. Further rows have them as columns, and what is known of one is looked up only when its value is
/// of another kind than the last.
struct FoundFields<'f> {
    form: &'f TableForm,
    /// The columns, then the fields.
    columns: Vec<LoadColumn>,
    first: usize,
    kinds: Vec<Option<ValueKind>>,
    /// The first names of all of them, and of those that are declared.
    taken: HashSet<String>,
}

impl FoundFields<'_> {
    /// The most fields that are kept.
    const MOST: usize = 2_000;

    fn of<'f>(columns: &[LoadColumn], form: &'f TableForm) -> FoundFields<'f> {
        let all = columns.iter().map(|column| &column.path).chain(form.declared.iter().map(|column| &column.path));
        let taken = all.filter_map(|path| path.first().cloned()).collect();
        FoundFields { form, columns: columns.to_vec(), first: columns.len(), kinds: Vec::new(), taken }
    }

    fn scanner(&self) -> RowScanner {
        self.form.scanner(&self.columns)
    }

    /// Keeps a field, unless it can be an object whose fields count in another row.
    fn keep(&mut self, path: &[String]) {
        let [name] = path else { return };
        let keeps = self.form.others() == OtherFields::Found && self.kinds.len() < Self::MOST;
        if keeps && self.taken.insert(name.clone()) {
            let (name, path) = (name.clone(), path.to_vec());
            self.columns.push(LoadColumn { name, path, kind: ValueKind::Json, about: None });
            self.kinds.push(None);
        }
    }

    /// Adds the values that a row has in them to the findings.
    fn look(&mut self, scanner: &RowScanner, row: &str, number: u64, findings: &mut Findings) {
        let columns = self.columns.iter().enumerate().skip(self.first);
        for ((column, field), known) in columns.zip(&mut self.kinds) {
            let Some(raw) = scanner.raw(row, column) else { continue };
            let kind = ValueKind::of_value(raw);
            if kind.is_some() && *known != kind {
                findings.field(&field.path, raw, number);
                *known = kind;
            }
        }
    }
}
