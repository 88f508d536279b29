//! JSON objects from the host.

use crate::error::{Error, ErrorKind};

/// Reads a JSON object; `what` is put before the message. (serde would accept an array for the fields of a struct.)
pub(crate) fn object<'t, T: serde::Deserialize<'t>>(what: &str, json: &'t str) -> Result<T, Error> {
    if !json.trim_start().starts_with('{') {
        return Err(Error::new(ErrorKind::Usage, format!("{what}: expected a JSON object")));
    }
    serde_json::from_str(json).map_err(|e| Error::new(ErrorKind::Usage, format!("{what}: {e}")))
}
