//! Rows as an Arrow IPC file, also called Feather.

use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

use super::batch_target::{BatchTarget, BatchWriter};
use super::format::ByteTarget;
use crate::error::Result;
use crate::table::{BatchBuilder, LoadColumn, SizedBatch, damaged};

/// A new Arrow file.
///
/// # Errors
/// `internal` for columns that the format does not take.
pub(super) fn arrow_file(columns: &[LoadColumn]) -> Result<BatchTarget<ArrowWriter>> {
    let rows = BatchBuilder::new(columns);
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(damaged)?;
    let writer = FileWriter::try_new_with_options(Vec::new(), &rows.schema(), options).map_err(damaged)?;
    Ok(BatchTarget { rows, writer: ArrowWriter(writer) })
}

pub(super) struct ArrowWriter(FileWriter<Vec<u8>>);

impl BatchWriter for ArrowWriter {
    fn write(&mut self, full: &SizedBatch, out: &mut ByteTarget<'_>) -> Result<()> {
        self.0.write(&full.batch).map_err(damaged)?;
        out(&std::mem::take(self.0.get_mut()))
    }

    fn close(self) -> Result<Vec<u8>> {
        self.0.into_inner().map_err(damaged)
    }
}
