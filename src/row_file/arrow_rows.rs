//! Rows of Parquet and Arrow files, read batch by batch. A position in them is the number of rows before it.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::arrow_json::{check_fields, put_fields};
use super::arrow_messages::ArrowMessages;
use super::fault::{RowFault, line_place};
use super::options::{ReadOptions, RowFormat, RowPosition};
use super::text_source::unread_file;
use crate::error::{Error, ErrorKind, Result};

/// Rows and bytes of values of a batch.
const BATCH: (u64, u64) = (1024, 8 << 20);

/// The rows of a file.
pub(super) struct ArrowRows {
    batches: Batches,
    schema: SchemaRef,
    batch: Option<RecordBatch>,
    /// The next row in the batch.
    next: usize,
    /// Rows of the file before it.
    row: u64,
    name: String,
    kind: &'static str,
    row_bytes: usize,
}

enum Batches {
    Parquet(Box<ParquetRecordBatchReader>),
    Arrow(Box<ArrowMessages>),
}

impl Batches {
    /// The next batch. Whole batches of rows to skip may be passed; then they become fewer.
    fn next(&mut self, skipped: &mut u64) -> Result<Option<RecordBatch>, String> {
        match self {
            Batches::Parquet(reader) => reader.next().transpose().map_err(|e| e.to_string()),
            Batches::Arrow(reader) => reader.next(skipped),
        }
    }
}

impl ArrowRows {
    pub(super) fn open(path: &Path, format: RowFormat, options: &ReadOptions, from: &RowPosition) -> Result<ArrowRows> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| unread_file(&name, &e))?;
        let is_folder = file.metadata().map_err(|e| unread_file(&name, &e))?.is_dir();
        if is_folder {
            return Err(unread_file(&name, &std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        let kind = if format == RowFormat::Parquet { "a Parquet file" } else { "an Arrow file" };
        let opened = guarded(&name, kind, || match format {
            RowFormat::Parquet => parquet(file, from.row),
            _ => ArrowMessages::open(file).map(|(reader, schema)| (Batches::Arrow(Box::new(reader)), schema)),
        });
        let (batches, schema) = opened?;
        check_fields(schema.fields(), "").map_err(|(path, what)| {
            let message = format!("{name}: the column `{path}` is {what}, which rows cannot have");
            Error::new(ErrorKind::Unsupported, message)
                .at(line_place(&name, 1, None))
                .advise("write the file without this column, or with it as text")
        })?;
        let is_parquet = format == RowFormat::Parquet;
        let row = if is_parquet { from.row } else { 0 };
        let row_bytes = options.row_bytes;
        let mut own = ArrowRows { batches, schema, batch: None, next: 0, row, name, kind, row_bytes };
        own.skip_to(from.row)?;
        Ok(own)
    }

    pub(super) fn next(&mut self, out: &mut String) -> Result<bool, RowFault> {
        if !self.fill(&mut 0)? {
            return Ok(false);
        }
        let columns = self.batch.as_ref().map(RecordBatch::columns).unwrap_or_default();
        let put = put_fields(out, self.schema.fields(), columns, self.next);
        self.next += 1;
        self.row += 1;
        let place = line_place(&self.name, self.row, None);
        put.map_err(|why| {
            let message = format!("row {} of {}: {why}", self.row, self.name);
            let error = Error::new(ErrorKind::InvalidItems, message).at(place.clone());
            RowFault::Row(error.advise("correct the value where the file is made"))
        })?;
        if out.len() > self.row_bytes {
            let max = self.row_bytes;
            let message = format!("row {} of {}: a row is longer than {max} bytes (row_bytes)", self.row, self.name);
            return Err(RowFault::Row(Error::new(ErrorKind::Limit, message).at(place).advise("raise the limit")));
        }
        Ok(true)
    }

    /// The number of the last row, from 1.
    pub(super) fn line(&self) -> u64 {
        self.row
    }

    /// Bytes of the batch in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.batch.as_ref().map_or(0, RecordBatch::get_array_memory_size)
    }

    /// Reads the batch with the next row; `false` at the end.
    fn fill(&mut self, skipped: &mut u64) -> Result<bool> {
        while self.left() == 0 {
            (self.batch, self.next) = (None, 0);
            let batches = &mut self.batches;
            match guarded(&self.name, self.kind, || batches.next(skipped))? {
                Some(batch) => self.batch = Some(batch),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Rows of the batch that are not read yet.
    fn left(&self) -> usize {
        self.batch.as_ref().map_or(0, |batch| batch.num_rows().saturating_sub(self.next))
    }

    /// Passes rows until so many are before the next.
    fn skip_to(&mut self, row: u64) -> Result<()> {
        let mut left = row - self.row;
        self.row = row;
        while left > 0 {
            let has_batch = self.fill(&mut left)?;
            if left > 0 && !has_batch {
                return Err(changed(&self.name, row));
            }
            let passed = left.min(self.left() as u64);
            self.next += passed as usize;
            left -= passed;
        }
        Ok(())
    }
}

/// Opens a Parquet file behind some of its rows.
fn parquet(file: File, row: u64) -> Result<(Batches, SchemaRef), String> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| e.to_string())?;
    let about = builder.metadata();
    let rows = u64::try_from(about.file_metadata().num_rows()).unwrap_or(0);
    if row > rows {
        return Err(format!("it has changed: it has {rows} rows, and reading was interrupted behind row {row}"));
    }
    // Batches of long rows are small.
    let long = |group: &parquet::file::metadata::RowGroupMetaData| {
        let (bytes, rows) = (group.total_byte_size().max(0) as u64, group.num_rows().max(1) as u64);
        bytes / rows
    };
    let longest = about.row_groups().iter().map(long).max().unwrap_or(0).max(1);
    let batch = (BATCH.1 / longest).clamp(1, BATCH.0);
    let schema = builder.schema().clone();
    let builder = builder.with_batch_size(batch as usize).with_offset(row as usize);
    let reader = builder.build().map_err(|e| e.to_string())?;
    Ok((Batches::Parquet(Box::new(reader)), schema))
}

fn changed(name: &str, row: u64) -> Error {
    let message = format!("{name} has changed: it has fewer than {row} rows, behind which reading was interrupted");
    Error::new(ErrorKind::InvalidItems, message).advise("read it from its start")
}

/// Calls a library that panics on some damaged files.
fn guarded<T>(name: &str, kind: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T> {
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("it is damaged".to_owned()));
    done.map_err(|why| {
        Error::new(ErrorKind::InvalidItems, format!("{name} cannot be read as {kind}: {why}"))
            .at(line_place(name, 1, None))
            .advise("make the file again, or name its format")
    })
}
