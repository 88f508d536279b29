//! Items as bytes in file formats. Pure: the caller writes the bytes.

#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "tables are the command line's"))]
mod columns;
#[cfg(feature = "batch")]
mod compression;
mod csv;
mod form;

#[cfg(feature = "cli")]
pub(crate) use columns::{Column, ColumnKind, Row, VALUE, cell, kind, label};
#[cfg(feature = "batch")]
pub(crate) use compression::{Compression, PackedOutput};
pub(crate) use csv::{CellGuard, CsvOptions, LineEnds};
pub(crate) use form::Form;
