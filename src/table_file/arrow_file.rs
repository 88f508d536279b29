//! Rows as an Arrow IPC file, also called Feather.

use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

use super::column_arrays::{BatchBuilder, SizedBatch, damaged};
use super::format::{ByteTarget, RowTarget};
use crate::error::Result;
use crate::table::{Cells, LoadColumn};

/// An Arrow file.
pub(super) struct ArrowTarget {
    rows: BatchBuilder,
    writer: FileWriter<Vec<u8>>,
}

impl ArrowTarget {
    pub(super) fn new(columns: &[LoadColumn]) -> Result<ArrowTarget> {
        let rows = BatchBuilder::new(columns);
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(damaged)?;
        let writer = FileWriter::try_new_with_options(Vec::new(), &rows.schema(), options).map_err(damaged)?;
        Ok(ArrowTarget { rows, writer })
    }

    fn write(&mut self, full: &SizedBatch, out: &mut ByteTarget<'_>) -> Result<()> {
        self.writer.write(&full.batch).map_err(damaged)?;
        out(&std::mem::take(self.writer.get_mut()))
    }
}

impl RowTarget for ArrowTarget {
    fn put(&mut self, row: &str, cells: &Cells, out: &mut ByteTarget<'_>) -> Result<()> {
        match self.rows.put(row, cells)? {
            Some(full) => self.write(&full, out),
            None => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>, out: &mut ByteTarget<'_>) -> Result<Vec<String>> {
        if let Some(last) = self.rows.take()? {
            self.write(&last, out)?;
        }
        out(&self.writer.into_inner().map_err(damaged)?)?;
        Ok(Vec::new())
    }
}
