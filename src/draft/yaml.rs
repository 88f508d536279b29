//! JSON and names as YAML in one line. Pure.

use super::tree::Tree;

/// Words that YAML readers take for another type.
const WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];

/// A text as a YAML scalar: plain where that is certainly the same text.
pub(crate) fn scalar(text: &str) -> String {
    let starts = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c) || c == ' ');
    let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    if starts && plain && !is_word && !text.ends_with(' ') && !text.contains("  ") {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A text in double quotes; signs that are no part of a YAML text are escaped.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        let code = c as u32;
        let is_odd = matches!(code, 0x7f..=0x9f | 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff | 0x202a..=0x202e | 0x2066..=0x2069);
        if is_odd { out.push_str(&format!("\\u{code:04x}")) } else { out.push(c) }
    }
    out
}

/// A name as a YAML key.
pub(super) fn key(name: &str) -> String {
    scalar(name)
}

/// A value in flow style.
pub(super) fn flow(tree: &Tree) -> String {
    match tree {
        Tree::Scalar(raw) => tree.text().map_or_else(|| raw.clone(), |text| scalar(&text)),
        Tree::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Tree::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Tree::Object(fields) => {
            let parts = fields.iter().map(|(name, value)| format!("{}: {}", key(name), flow(value)));
            format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Characters of a comment.
const COMMENT_MAX: usize = 160;

/// A text for a comment: one line, not too long.
pub(super) fn comment(text: &str) -> String {
    comment_within(text, COMMENT_MAX)
}

/// The same with another length.
pub(crate) fn comment_within(text: &str, max: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(max) {
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or_default()),
        None => line,
    }
}
