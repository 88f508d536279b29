//! Rows in tables of databases: the form of their columns, and loads that bring each row once.
//!
//! `shape` and `columns` decide the columns, `row_scanner` and `cell` find their values in the text of a row, `load`
//! brings the rows of a step into a table, and `source` records that it did. A database implements `database`.

#[cfg(feature = "adbc")]
mod adbc;
mod address;
mod cell;
#[cfg(feature = "parquet")]
mod column_arrays;
mod columns;
mod database;
mod exact_decimal;
mod lists;
mod load;
mod merge;
mod mode;
mod names;
mod new_columns;
mod open;
mod order;
#[cfg(feature = "postgres")]
mod postgres;
mod record_form;
mod row_scanner;
mod rows_stream;
mod shape;
mod source;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_rows;
#[cfg(feature = "sqlite")]
mod sqlite_types;
mod survey;
#[cfg(test)]
#[cfg(any(feature = "adbc", feature = "postgres", feature = "sqlite"))]
mod test_homes;
#[cfg(test)]
#[cfg(any(feature = "adbc", feature = "postgres", feature = "sqlite"))]
mod tests;
mod value_kind;

pub(crate) use address::{DatabaseAddress, TableAddress};
#[cfg(feature = "xlsx")]
pub(crate) use cell::Cell;
pub(crate) use cell::{CellRules, Cells, Decimals, UnfitCell};
#[cfg(feature = "parquet")]
pub(crate) use column_arrays::{BatchBuilder, SizedBatch, WRITER, damaged};
pub(crate) use exact_decimal::{DECIMAL, scaled};
pub(crate) use lists::load_all;
pub use mode::{Evolve, LoadMode, Nested};
pub(crate) use open::{PASSWORD_VARIABLE, check_build, open, reach};
pub(crate) use order::{ID, LoadOrder, LoadReport, OpenRows, key_columns};
pub(crate) use record_form::{RecordForm, record_names};
pub(crate) use row_scanner::{ColumnPlace, OtherFields, RowScanner, Unfitting};
pub(crate) use rows_stream::RowsStream;
#[cfg(all(test, feature = "parquet", feature = "xlsx"))]
pub(crate) use shape::DeclaredColumn;
pub(crate) use shape::{Findings, LoadColumn, TableForm, Wider, places, same_name};
pub(crate) use source::LoadSource;
pub(crate) use survey::survey;
pub use value_kind::ValueKind;

// What a load reads, for the command line.
#[cfg(feature = "cli")]
pub(crate) use crate::run_store::{Extent, Measure, RowReader};
