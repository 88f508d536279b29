//! The parameter with which a walk counts: page numbers, or skipped rows. Pure.

use crate::error::{Error, ErrorKind, Result};
use crate::request::Cursor;

/// The request with this number.
pub(super) fn at(parameter: &str, number: u64) -> Cursor {
    Cursor { query: vec![(parameter.to_owned(), number.to_string())], ..Cursor::default() }
}

/// The page number of a request.
///
/// # Errors
/// `internal` when there is none.
pub(super) fn page(parameter: &str, cursor: &Cursor) -> Result<u64> {
    find(parameter, cursor).ok_or_else(|| Error::new(ErrorKind::Internal, "a walk by page numbers has no page number"))
}

/// The offset of a request.
pub(super) fn offset(parameter: &str, cursor: &Cursor) -> u64 {
    find(parameter, cursor).unwrap_or_default()
}

fn find(parameter: &str, cursor: &Cursor) -> Option<u64> {
    cursor.query.iter().find(|(name, _)| name == parameter).and_then(|(_, value)| value.parse().ok())
}

/// The page of a number, counted from 1.
pub(super) fn ordinal(number: u64, start: u64) -> u64 {
    number.saturating_sub(start).saturating_add(1)
}
