//! JSON Pointers (RFC 6901): the one place where their tokens are escaped and read.

/// A key as a token of a JSON Pointer (section 3).
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The key that a token of a JSON Pointer stands for (section 4).
pub(crate) fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
