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

#[cfg(test)]
mod tests {
    use super::header;

    #[test]
    fn names_go_as_utf_8_and_without_a_colon() {
        // RFC 7617, section 2.1.
        assert_eq!(header("test", "123£").unwrap(), "Basic dGVzdDoxMjPCow==");
        assert_eq!(header("", ":").unwrap(), "Basic Ojo=");
        assert!(header("a:b", "c").is_err());
    }
}
