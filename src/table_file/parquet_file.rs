//! Rows as a Parquet file. A row group is in memory, compressed, until it is complete.

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::batch_target::{BatchTarget, BatchWriter};
use super::format::ByteTarget;
use crate::error::Result;
use crate::table::{BatchBuilder, LoadColumn, SizedBatch, WRITER, damaged};

/// Rows and bytes of values of one row group.
const GROUP: (usize, usize) = (100_000, 24 << 20);

/// Bytes of the different values of a column that are written once; more of them are written one by one. Each column has
/// such a dictionary in memory.
const DICTIONARY: usize = 256 << 10;

/// A new Parquet file.
///
/// # Errors
/// `internal` for columns that the format does not take.
pub(super) fn parquet_file(columns: &[LoadColumn]) -> Result<BatchTarget<ParquetWriter>> {
    let rows = BatchBuilder::new(columns);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_created_by(format!("{WRITER} version {version}"))
        .set_key_value_metadata(Some(vec![KeyValue::new(WRITER.to_owned(), version)]))
        .build();
    let writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).map_err(damaged)?;
    Ok(BatchTarget { rows, writer: ParquetWriter { writer, group: (0, 0) } })
}

pub(super) struct ParquetWriter {
    writer: ArrowWriter<Vec<u8>>,
    /// Rows and bytes of the row group so far.
    group: (usize, usize),
}

impl BatchWriter for ParquetWriter {
    fn write(&mut self, full: &SizedBatch, out: &mut ByteTarget<'_>) -> Result<()> {
        self.writer.write(&full.batch).map_err(damaged)?;
        self.group.0 += full.batch.num_rows();
        self.group.1 += full.bytes;
        if self.group.0 >= GROUP.0 || self.group.1 >= GROUP.1 {
            self.group = (0, 0);
            self.writer.flush().map_err(damaged)?;
            out(&std::mem::take(self.writer.inner_mut()))?;
        }
        Ok(())
    }

    fn close(self) -> Result<Vec<u8>> {
        self.writer.into_inner().map_err(damaged)
    }
}
