//! A file that gets its rows in batches: what Parquet and Arrow have in common.

use super::format::{ByteTarget, RowTarget};
use crate::error::Result;
use crate::table::{BatchBuilder, Cells, SizedBatch};

/// Writes batches in one format.
pub(super) trait BatchWriter {
    /// Adds a batch.
    fn write(&mut self, full: &SizedBatch, out: &mut ByteTarget<'_>) -> Result<()>;

    /// The bytes after the last batch.
    fn close(self) -> Result<Vec<u8>>;
}

/// A file, with the rows that are not written yet.
pub(super) struct BatchTarget<W> {
    pub(super) rows: BatchBuilder,
    pub(super) writer: W,
}

impl<W: BatchWriter> RowTarget for BatchTarget<W> {
    fn put(&mut self, row: &str, cells: &Cells, out: &mut ByteTarget<'_>) -> Result<()> {
        match self.rows.put(row, cells, &[])? {
            Some(full) => self.writer.write(&full, out),
            None => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>, out: &mut ByteTarget<'_>) -> Result<Vec<String>> {
        if let Some(last) = self.rows.take()? {
            self.writer.write(&last, out)?;
        }
        out(&self.writer.close()?)?;
        Ok(Vec::new())
    }
}
