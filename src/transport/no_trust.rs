//! A build without TLS has no trusted authorities and no certificates.

use crate::connection::TlsSpec;
use crate::error::{Error, ErrorKind, Result};

/// Nothing.
pub(super) struct NoTrust;

impl NoTrust {
    /// # Errors
    /// `unsupported` when a certificate is given.
    pub(super) fn read(spec: Option<&TlsSpec>) -> Result<NoTrust> {
        match spec {
            None => Ok(NoTrust),
            Some(_) => Err(Error::new(ErrorKind::Unsupported, "this build has no TLS, so `tls` has no effect")
                .advise("build with the feature tls-ring")),
        }
    }
}
