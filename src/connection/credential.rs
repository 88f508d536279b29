//! A credential in the form in which it is sent, and its place. Plain data.

use http::{HeaderName, HeaderValue};

use crate::secret::Secret;

/// A credential and its place in a request.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// A header with its value, which is marked as sensitive.
    Header(HeaderName, HeaderValue),
    /// A query parameter and its value, neither encoded.
    Query(String, Secret),
    /// One or several cookies as they are sent: `name=value; name=value`.
    Cookie(Secret),
}
