//! Rows as files of typed columns: Parquet, Arrow and Excel workbooks. All rows are looked at first, because the types of
//! such a file do not change later; then they are written with bounded memory.

#[cfg(feature = "parquet")]
mod arrow_file;
#[cfg(feature = "parquet")]
mod batch_target;
mod file_columns;
mod format;
mod kept_rows;
#[cfg(feature = "parquet")]
mod parquet_file;
#[cfg(test)]
mod tests;
#[cfg(feature = "xlsx")]
mod workbook;
#[cfg(feature = "xlsx")]
mod workbook_cell;

use crate::error::Result;
use crate::table::{Cells, LoadColumn, OpenRows, OtherFields, RowScanner, TableForm, places};
use file_columns::FileColumns;
pub(crate) use format::{ByteTarget, TableFileFormat, WorkbookPlan};
use format::{CHECKED, RowTarget};
pub(crate) use kept_rows::KeptRows;

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
        TableFileFormat::Parquet => Ok(Box::new(parquet_file::parquet_file(columns)?)),
        #[cfg(feature = "parquet")]
        TableFileFormat::Arrow => Ok(Box::new(arrow_file::arrow_file(columns)?)),
        #[cfg(feature = "xlsx")]
        TableFileFormat::Xlsx(plan) => Ok(Box::new(workbook::WorkbookTarget::new(columns, plan)?)),
        #[cfg(not(all(feature = "parquet", feature = "xlsx")))]
        other => {
            let message = format!("this build does not write {} with {} columns", other.name(), columns.len());
            Err(crate::error::Error::new(crate::error::ErrorKind::Unsupported, message))
        }
    }
}
