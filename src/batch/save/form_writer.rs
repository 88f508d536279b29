//! Rows in the format of a file. The first rows of a table determine its columns, with those that are declared.

use crate::batch::save_file::SaveFormat;
use crate::batch::save_plan::Save;
use crate::error::Result;
use crate::item::Items;
use crate::output::Form;
use crate::run_store::RowReader;

/// Rows that are written together, and their bytes.
const GROUP: (usize, usize) = (1000, 8 << 20);

/// Receives bytes.
pub(in crate::batch) type BytesOutput<'o> = dyn FnMut(&[u8]) -> Result<()> + 'o;

/// Rows on their way into a file.
pub(in crate::batch) struct FormWriter {
    form: Form,
    group: Vec<Items>,
    bytes: usize,
    buffer: Vec<u8>,
}

impl FormWriter {
    /// `is_headless` for rows below a header that is there.
    pub(in crate::batch) fn new(save: &Save, format: SaveFormat, is_headless: bool) -> FormWriter {
        let form = match format {
            // Files with typed columns are written by others.
            SaveFormat::Ndjson | SaveFormat::Parquet | SaveFormat::Arrow | SaveFormat::Xlsx => Form::Ndjson,
            SaveFormat::Json => Form::json(),
            SaveFormat::Csv | SaveFormat::Tsv => Form::table(save.table.options(format, is_headless)),
        };
        FormWriter { form, group: Vec::new(), bytes: 0, buffer: Vec::new() }
    }

    pub(super) fn put(&mut self, row: &str, out: &mut BytesOutput<'_>) -> Result<()> {
        self.group.push(Items::one(row.to_owned()));
        self.bytes += row.len();
        if self.group.len() < GROUP.0 && self.bytes < GROUP.1 { Ok(()) } else { self.write(out) }
    }

    fn write(&mut self, out: &mut BytesOutput<'_>) -> Result<()> {
        let group = std::mem::take(&mut self.group);
        self.bytes = 0;
        if group.is_empty() {
            return Ok(());
        }
        self.form.put(&Items::concat(group), &mut self.buffer)?;
        out(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the rest.
    pub(super) fn finish(mut self, out: &mut BytesOutput<'_>) -> Result<Form> {
        self.write(out)?;
        self.form.close(&mut self.buffer)?;
        out(&self.buffer)?;
        Ok(self.form)
    }
}

/// Writes the rows from a number on. `check` is called between groups.
///
/// # Errors
/// `state` when the rows cannot be read; those of `out` and of `check`.
pub(in crate::batch) fn fill(
    rows: &mut dyn RowReader,
    first: u64,
    mut writer: FormWriter,
    out: &mut BytesOutput<'_>,
    check: &dyn Fn() -> Result<()>,
) -> Result<Form> {
    for _ in 0..first {
        rows.skip_row()?;
    }
    let mut out = |bytes: &[u8]| check().and_then(|()| out(bytes));
    if matches!(writer.form, Form::Ndjson) {
        // Rows are stored in this format.
        rows.pieces(&mut out)?;
        return Ok(writer.form);
    }
    while let Some(row) = rows.next_row()? {
        writer.put(row, &mut out)?;
    }
    writer.finish(&mut out)
}
