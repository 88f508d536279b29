//! JSON Pointers (RFC 6901): the only place where their tokens are escaped and unescaped.

/// A key as a token of a JSON Pointer (section 3).
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The key of a JSON Pointer token (section 4).
pub(crate) fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
