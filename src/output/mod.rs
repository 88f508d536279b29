//! Items as bytes in file formats. Pure: the caller writes the bytes.

#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "tables are the command line's"))]
mod columns;
mod compression;
mod csv;
mod form;

#[cfg(feature = "cli")]
pub(crate) use columns::{Column, Row, cell, label};
pub(crate) use columns::{ColumnKind, VALUE, kind};
pub(crate) use compression::{Compression, PackedOutput};
pub(crate) use csv::{CellGuard, CsvOptions, LineEnds};
pub(crate) use form::Form;
