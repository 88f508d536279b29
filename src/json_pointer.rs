//! JSON Pointers (RFC 6901): the only place where their tokens are escaped and unescaped.

use serde_json::Value;

/// A key as a token of a JSON Pointer (section 3).
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The key of a JSON Pointer token (section 4).
pub(crate) fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Every text in a JSON value, with its pointer below `at`.
pub(crate) fn each_text(value: &Value, at: &str, tell: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => tell(at, text),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| each_text(v, &format!("{at}/{i}"), tell)),
        Value::Object(map) => map.iter().for_each(|(k, v)| each_text(v, &format!("{at}/{}", escape(k)), tell)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a token may be the index of a list (section 4); `-1`, which is not in the standard, is the last element.
pub(crate) fn is_index(token: &str) -> bool {
    token == "-1"
        || token == "0"
        || (!token.starts_with('0') && !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit()))
}

/// The index that a token means in a list of this length.
pub(crate) fn index_in(token: &str, length: usize) -> Option<usize> {
    match token {
        "-1" => length.checked_sub(1),
        token if is_index(token) => token.parse().ok().filter(|index| *index < length),
        _ => None,
    }
}

/// The names of a path as typed: `a`, `b/c`, or a JSON Pointer `/b/c`.
#[cfg(any(feature = "batch", feature = "cli"))]
pub(crate) fn path_of(text: &str) -> Vec<String> {
    text.strip_prefix('/').unwrap_or(text).split('/').map(unescape).collect()
}
