//! JSON objects that the host gives.

use crate::error::{Error, ErrorKind};

/// Reads a JSON object; `what` it is stands before the message. (serde would take an array for an object's fields in their order.)
pub(super) fn object<'t, T: serde::Deserialize<'t>>(what: &str, json: &'t str) -> Result<T, Error> {
    if !json.trim_start().starts_with('{') {
        return Err(Error::new(ErrorKind::Usage, format!("{what}: this is no JSON object")));
    }
    serde_json::from_str(json).map_err(|e| Error::new(ErrorKind::Usage, format!("{what}: {e}")))
}
