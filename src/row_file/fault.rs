//! What went wrong while a row was read, and where. Plain data.

use crate::error::{Error, Place};

/// Why there is no row.
pub(super) enum RowFault {
    /// The row is invalid; the next one can be read.
    Row(Error),
    /// The file cannot be read on.
    File(Error),
}

impl From<Error> for RowFault {
    fn from(error: Error) -> RowFault {
        RowFault::File(error)
    }
}

/// A line of a file.
pub(super) fn line_place(file: &str, line: u64, column: Option<u64>) -> Place {
    Place { file: Some(file.to_owned()), line: Some(line), column, field: None }
}
