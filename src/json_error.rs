//! Why a text is not JSON, in opnode's own words: uses only the parser's position, not its message. Pure.

use serde_json::Error;
use serde_json::error::Category;

/// Maximum nesting of the parser.
const DEPTH_MAX: usize = 127;

/// Why `text` is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// The text ends within a value, or is empty.
    Ends,
    /// Lists and objects are nested too deeply.
    Deep,
    /// An escape that is one half of a character, which ends at this offset.
    Surrogate(usize),
    /// An unexpected byte, at this offset.
    At(usize),
}

impl JsonError {
    /// Classifies the parser's error for this text.
    pub(crate) fn of(error: &Error, text: &str) -> JsonError {
        if error.is_eof() {
            return JsonError::Ends;
        }
        let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
        let at = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let before = text.get(at.saturating_sub(7)..at + 1).unwrap_or_default();
        match depth(text.as_bytes(), at) > DEPTH_MAX {
            true => JsonError::Deep,
            false if before.contains("\\ud") || before.contains("\\uD") => JsonError::Surrogate(at),
            false => JsonError::At(at),
        }
    }
}

/// Why a text is not JSON, for users.
pub(crate) fn words(error: &Error, text: &str) -> String {
    // opnode's own types may refuse valid JSON; their message is kept.
    if error.classify() == Category::Data {
        return error.to_string();
    }
    match JsonError::of(error, text) {
        JsonError::Ends if text.trim().is_empty() => "it is empty".to_owned(),
        JsonError::Ends => "it ends too early".to_owned(),
        JsonError::Deep => format!("it is nested deeper than {DEPTH_MAX} levels"),
        JsonError::Surrogate(_) => format!("column {} has one half of a \\u escape pair", error.column()),
        JsonError::At(_) if !text.contains('\n') => format!("see column {}", error.column()),
        JsonError::At(_) => format!("see line {}, column {}", error.line(), error.column()),
    }
}

/// Number of lists and objects that are open at a byte, including one that begins there.
fn depth(text: &[u8], at: usize) -> usize {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in text.iter().take(at + 1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => depth += 1,
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, JsonError, words};

    fn error(text: &str) -> (JsonError, String) {
        let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
        (JsonError::of(&error, text), words(&error, text))
    }

    #[test]
    fn invalid_json_is_explained_with_its_place() {
        assert_eq!(error(""), (JsonError::Ends, "it is empty".into()));
        assert_eq!(error("{\"a\": "), (JsonError::Ends, "it ends too early".into()));
        assert_eq!(error("{\n \"a\": x}"), (JsonError::At(8), "see line 2, column 7".into()));
        assert_eq!(error("[1] 2"), (JsonError::At(4), "see column 5".into()));
        let (deep, brackets) = ("[".repeat(DEPTH_MAX + 1), "\"[[\\\"[[\", ".repeat(40));
        assert_eq!(error(&deep), (JsonError::Deep, "it is nested deeper than 127 levels".into()));
        assert_eq!(error(&format!("[{brackets} x]")).0, JsonError::At(brackets.len() + 2));
    }
}
