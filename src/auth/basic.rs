//! HTTP Basic (RFC 7617), in UTF-8.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, ErrorKind, Result};

/// The value of the Authorization header.
pub(super) fn header(username: &str, password: &str) -> Result<String> {
    if username.contains(':') {
        return Err(Error::new(ErrorKind::Connection, "a user name for Basic authentication must not contain a colon")
            .advise("RFC 7617, section 2"));
    }
    Ok(format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
}
