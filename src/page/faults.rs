//! The errors of replies that several readers find. Pure.

use crate::error::{Error, ErrorKind};
use crate::reply::scan::{JSON_DEPTH, ScanFault};

/// The error for a key that an object has twice.
pub(super) fn ambiguous(key: &str) -> Error {
    let message = format!("the reply contains the key `{key}` twice, so its value is ambiguous");
    Error::new(ErrorKind::BadResponse, message)
}

pub(super) fn too_deep() -> Error {
    Error::new(ErrorKind::Limit, format!("the reply is nested deeper than the limit json_depth ({JSON_DEPTH})"))
        .advise("exclude the nested fields from the query; this limit is fixed")
}

pub(super) fn too_many(max: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("the reply contains more items than the limit page_items ({max})"))
        .advise("ask for smaller pages, or raise `limits: { page_items }` of the connection")
}

/// A part of a text that was read; it may contain too many items.
pub(super) fn again(what: &str, fault: ScanFault, items_max: usize) -> Error {
    match fault {
        ScanFault::Count => too_many(items_max),
        ScanFault::Depth | ScanFault::Syntax => {
            Error::new(ErrorKind::Internal, format!("{what} cannot be read a second time"))
        }
    }
}

/// The error for a body that becomes too large as JSON.
pub(super) fn too_long(max: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("the items of the reply become larger than {max} bytes, 16 times page_bytes"))
        .advise("ask for smaller pages, or raise `limits: { page_bytes }` of the connection")
}
