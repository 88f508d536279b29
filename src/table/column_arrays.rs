//! Rows as Arrow arrays: the schema of the columns, and batches of their values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use jiff::civil::{Date, DateTime, date};

use super::cell::{Cell, Cells};
use super::exact_decimal::{DECIMAL, scaled};
use super::shape::LoadColumn;
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};

/// The zone of times.
const ZONE: &str = "UTC";
/// The key of a column's description in its metadata.
const ABOUT: &str = "description";
/// The key of opnode's version in the metadata of a file.
pub(crate) const WRITER: &str = "opnode";
/// Rows and bytes of a batch.
const BATCH: (usize, usize) = (4096, 8 << 20);

/// The type of a column's values.
fn data_type(kind: ValueKind) -> DataType {
    match kind {
        ValueKind::Boolean => DataType::Boolean,
        ValueKind::Integer => DataType::Int64,
        ValueKind::Decimal => DataType::Decimal128(DECIMAL.0, DECIMAL.1),
        ValueKind::Double => DataType::Float64,
        ValueKind::Date => DataType::Date32,
        ValueKind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE.into())),
        ValueKind::Text | ValueKind::Json => DataType::Utf8,
    }
}

/// The schema of a file with these columns.
pub(crate) fn schema_of(columns: &[LoadColumn]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(field_of).collect();
    let version = HashMap::from([(WRITER.to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    Arc::new(Schema::new(fields).with_metadata(version))
}

fn field_of(column: &LoadColumn) -> Field {
    let mut about = HashMap::new();
    if let Some(text) = &column.about {
        about.insert(ABOUT.to_owned(), text.clone());
    }
    if column.kind == ValueKind::Json {
        about.insert(EXTENSION_TYPE_NAME_KEY.to_owned(), "arrow.json".to_owned());
        about.insert(EXTENSION_TYPE_METADATA_KEY.to_owned(), String::new());
    }
    Field::new(&column.name, data_type(column.kind), true).with_metadata(about)
}

/// Values of one column.
enum ColumnBuilder {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Decimal(Decimal128Builder),
    Double(Float64Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl ColumnBuilder {
    fn new(kind: ValueKind) -> ColumnBuilder {
        match kind {
            ValueKind::Boolean => ColumnBuilder::Boolean(BooleanBuilder::new()),
            ValueKind::Integer => ColumnBuilder::Integer(Int64Builder::new()),
            ValueKind::Decimal => {
                ColumnBuilder::Decimal(Decimal128Builder::new().with_data_type(data_type(ValueKind::Decimal)))
            }
            ValueKind::Double => ColumnBuilder::Double(Float64Builder::new()),
            ValueKind::Date => ColumnBuilder::Date(Date32Builder::new()),
            ValueKind::Timestamp => ColumnBuilder::Timestamp(TimestampMicrosecondBuilder::new().with_timezone(ZONE)),
            ValueKind::Text | ValueKind::Json => ColumnBuilder::Text(StringBuilder::new()),
        }
    }

    /// Adds a value; `false` if it is of another kind. Returns the bytes of it.
    fn put(&mut self, cell: Cell<'_>) -> Option<usize> {
        const FIXED: usize = 8;
        match (self, cell) {
            (ColumnBuilder::Boolean(own), Cell::Boolean(flag)) => own.append_value(flag),
            (ColumnBuilder::Integer(own), Cell::Integer(number)) => own.append_value(number),
            (ColumnBuilder::Decimal(own), Cell::Decimal(raw)) => own.append_value(scaled(raw)?),
            (ColumnBuilder::Double(own), Cell::Double(number)) => own.append_value(number),
            (ColumnBuilder::Date(own), Cell::Date(day, _)) => own.append_value(days(day)?),
            (ColumnBuilder::Timestamp(own), Cell::Timestamp(time, _)) => own.append_value(microseconds(time)),
            (ColumnBuilder::Text(own), Cell::Text(text) | Cell::Json(text)) => {
                own.append_value(text);
                return Some(FIXED + text.len());
            }
            (own, Cell::Null) => own.put_null(),
            _ => return None,
        }
        Some(FIXED)
    }

    fn put_null(&mut self) {
        match self {
            ColumnBuilder::Boolean(own) => own.append_null(),
            ColumnBuilder::Integer(own) => own.append_null(),
            ColumnBuilder::Decimal(own) => own.append_null(),
            ColumnBuilder::Double(own) => own.append_null(),
            ColumnBuilder::Date(own) => own.append_null(),
            ColumnBuilder::Timestamp(own) => own.append_null(),
            ColumnBuilder::Text(own) => own.append_null(),
        }
    }

    /// The values so far; the builder begins anew.
    fn take(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Boolean(own) => Arc::new(own.finish()),
            ColumnBuilder::Integer(own) => Arc::new(own.finish()),
            ColumnBuilder::Decimal(own) => Arc::new(own.finish()),
            ColumnBuilder::Double(own) => Arc::new(own.finish()),
            ColumnBuilder::Date(own) => Arc::new(own.finish()),
            ColumnBuilder::Timestamp(own) => Arc::new(own.finish()),
            ColumnBuilder::Text(own) => Arc::new(own.finish()),
        }
    }
}

/// Days since 1970.
fn days(day: Date) -> Option<i32> {
    Some(date(1970, 1, 1).until(day).ok()?.get_days())
}

/// Collects rows as batches.
pub(crate) struct BatchBuilder {
    schema: SchemaRef,
    builders: Vec<ColumnBuilder>,
    /// Rows and bytes of the batch so far.
    size: (usize, usize),
}

/// A batch, and the bytes of its values.
pub(crate) struct SizedBatch {
    pub(crate) batch: RecordBatch,
    pub(crate) bytes: usize,
}

impl BatchBuilder {
    pub(crate) fn new(columns: &[LoadColumn]) -> BatchBuilder {
        let builders = columns.iter().map(|column| ColumnBuilder::new(column.kind)).collect();
        BatchBuilder { schema: schema_of(columns), builders, size: (0, 0) }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Adds a row: its cells, then a number for each column that is left. Returns the batch if it is full.
    pub(crate) fn put(&mut self, row: &str, cells: &Cells, numbers: &[i64]) -> Result<Option<SizedBatch>> {
        let cells = (0..cells.len()).map(|column| cells.get(row, column));
        let cells = cells.chain(numbers.iter().map(|number| Cell::Integer(*number)));
        for (builder, cell) in self.builders.iter_mut().zip(cells) {
            self.size.1 += builder.put(cell).ok_or_else(|| self::damaged("a value is of another kind"))?;
        }
        self.size.0 += 1;
        if self.size.0 < BATCH.0 && self.size.1 < BATCH.1 { Ok(None) } else { self.take() }
    }

    /// The rows so far; nothing if there are none.
    pub(crate) fn take(&mut self) -> Result<Option<SizedBatch>> {
        let (rows, bytes) = std::mem::take(&mut self.size);
        if rows == 0 {
            return Ok(None);
        }
        let arrays = self.builders.iter_mut().map(ColumnBuilder::take).collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema(), arrays, &options).map_err(damaged)?;
        Ok(Some(SizedBatch { batch, bytes }))
    }
}

/// The error of a library that does not take what it should.
pub(crate) fn damaged(cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("the rows could not be encoded: {cause}"))
}

/// The microseconds since 1970.
fn microseconds(time: DateTime) -> i64 {
    let since = time.duration_since(date(1970, 1, 1).at(0, 0, 0, 0));
    since.as_secs() * 1_000_000 + i64::from(since.subsec_micros())
}
