//! JSON from the host.

use crate::authoring::typed_json;
use crate::error::{Error, ErrorKind};

/// Reads JSON; the message starts with `what`, and quotes no value.
pub(super) fn read<'t, T: serde::Deserialize<'t>>(what: &str, json: &'t str) -> Result<T, Error> {
    typed_json::read(json).map_err(|fault| Error::new(ErrorKind::Usage, format!("{what}: {fault}")))
}
