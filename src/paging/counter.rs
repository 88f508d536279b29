//! The parameter with which a walk counts: page numbers, or skipped rows. Pure.

use crate::authoring::Target;
use crate::error::{Error, ErrorKind, Result};
use crate::request::Cursor;

/// The request with this number.
pub(super) fn at(parameter: &Target, number: u64) -> Cursor {
    Cursor::at(parameter, number.to_string(), number.to_string())
}

/// The page number of a request.
///
/// # Errors
/// `internal` when there is none.
pub(super) fn page(parameter: &Target, cursor: &Cursor) -> Result<u64> {
    find(parameter, cursor).ok_or_else(|| Error::new(ErrorKind::Internal, "a walk by page numbers has no page number"))
}

/// The offset of a request.
pub(super) fn offset(parameter: &Target, cursor: &Cursor) -> u64 {
    find(parameter, cursor).unwrap_or_default()
}

fn find(parameter: &Target, cursor: &Cursor) -> Option<u64> {
    cursor.value(parameter).and_then(|value| value.parse().ok())
}

/// The page of a number, counted from 1.
pub(super) fn ordinal(number: u64, start: u64) -> u64 {
    number.saturating_sub(start).saturating_add(1)
}
