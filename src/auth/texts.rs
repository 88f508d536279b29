//! Texts of a sign-in with the values of a connection, and random texts.

use crate::authoring::Text;
use crate::connection::Connection;
use crate::error::{Error, ErrorKind, Place, Result};

/// The name of this program in requests.
pub(super) const AGENT: &str = concat!("opnode/", env!("CARGO_PKG_VERSION"));

pub(super) fn rendered(connection: &Connection, text: &Text) -> Result<String> {
    connection
        .render(text)
        .ok_or_else(|| missing(text.names().find(|n| connection.value(n).is_none()).unwrap_or_default()))
}

pub(super) fn missing(name: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("the credentials need the property `{name}`"))
        .at(Place::field(format!("/{name}")))
}

/// 128 random bits, as hexadecimal digits.
pub(super) fn random_text() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| {
        Error::new(ErrorKind::Internal, format!("the operating system returned no random numbers: {e}"))
    })?;
    Ok(crate::secret::hex(&bytes, bytes.len()))
}

/// The error of a build without the cryptography library.
#[cfg(not(feature = "tls-ring"))]
pub(super) fn needs_ring() -> Error {
    Error::new(ErrorKind::Unsupported, "this build cannot sign requests or assertions")
        .advise("build with the feature tls-ring")
}
