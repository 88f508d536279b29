//! Rows in tables of databases: the form of their columns, and loads that bring each row once.
//!
//! `shape` and `columns` decide the columns, `row_scanner` and `cell` find their values in the text of a row, `load`
//! brings the rows of a step into a table, and `source` records that it did. A database implements `database`.

mod address;
mod cell;
mod columns;
mod database;
mod load;
mod merge;
mod mode;
mod new_columns;
mod row_scanner;
mod shape;
mod source;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_rows;
mod survey;
#[cfg(all(test, feature = "sqlite"))]
mod tests;
mod value_kind;

pub(crate) use address::{DatabaseAddress, TableAddress, TableName};
pub(crate) use cell::{Cell, CellRules, Cells, Unfit};
pub(crate) use load::{LoadOrder, LoadReport, OpenRows, load};
pub use mode::{Evolve, Lists, LoadMode, Nested};
pub(crate) use row_scanner::{ColumnPlace, OtherFields, RowScanner, Unfitting};
pub(crate) use shape::{DeclaredColumn, Findings, LoadColumn, TableForm, Wider, places, same_name};
pub(crate) use source::LoadSource;
pub(crate) use survey::survey;
pub use value_kind::ValueKind;
