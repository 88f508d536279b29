//! JSON Pointers (RFC 6901): the only place where their tokens are escaped and unescaped.

/// A key as a token of a JSON Pointer (section 3).
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The key of a JSON Pointer token (section 4).
pub(crate) fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// The names of a path as typed: `a`, `b/c`, or a JSON Pointer `/b/c`.
#[cfg(any(feature = "batch", feature = "cli"))]
pub(crate) fn path_of(text: &str) -> Vec<String> {
    text.strip_prefix('/').unwrap_or(text).split('/').map(unescape).collect()
}
