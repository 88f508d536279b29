//! JSON that the host gives.

use crate::authoring::typed_json;
use crate::error::{Error, ErrorKind};

/// Reads JSON; `what` it is begins the message, which quotes no value.
pub(crate) fn read<'t, T: serde::Deserialize<'t>>(what: &str, json: &'t str) -> Result<T, Error> {
    typed_json::read(json).map_err(|fault| Error::new(ErrorKind::Usage, format!("{what}: {fault}")))
}
