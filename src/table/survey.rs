//! Looks at rows before they are written: the fields that no column holds, and the values that do not fit theirs.

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
    let mut scanner = form.scanner(columns);
    // Columns whose kind the rows decide.
    let is_open = |path: &Vec<String>| columns.iter().all(|column| column.path != *path);
    let open = form.declared.iter().map(|column| column.path.clone()).filter(|path| !form.is_list(path));
    let open: Vec<Vec<String>> = open.filter(is_open).collect();
    let place = |path: &Vec<String>| ColumnPlace { path: path.clone(), kind: ValueKind::Json };
    let open_places: Vec<ColumnPlace> = open.iter().map(place).collect();
    let mut open_scanner = RowScanner::new(&open_places, OtherFields::Ignored);
    let (mut cells, mut number) = (Cells::default(), first);
    while let Some(row) = rows.next_row()? {
        scanner.scan(row);
        scanner.fill(row, &mut cells, rules, &mut |unfit| {
            if let Some(column) = columns.get(unfit.column) {
                findings.unfitting(column, unfit, number);
            }
        });
        scanner.unknown(row).for_each(|(path, raw)| findings.field(path, raw, number));
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
