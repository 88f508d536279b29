//! Indents JSON text; keeps the order of fields and the digits. Pure.

use serde_json::value::RawValue;

use super::terminal_text;
use crate::json_text::fields_of;

/// Values up to this width stay on one line.
const LINE: usize = 100;

/// The text indented; unchanged if it is not JSON.
pub(crate) fn pretty(text: &str) -> String {
    let mut out = String::new();
    put(&mut out, text.trim(), 0);
    out
}

fn put(out: &mut String, raw: &str, depth: usize) {
    let compact = compact(raw);
    if depth > 0 && terminal_text::width(&compact) + depth * 2 <= LINE {
        out.push_str(&compact);
        return;
    }
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    if let Some(fields) = fields_of(raw).filter(|f| !f.is_empty()) {
        let lines = fields.iter().map(|(name, value)| (format!("{}: ", quoted(name)), value.get()));
        put_block(out, ('{', '}'), (&inner, &outer), lines, depth);
    } else if let Some(list) = elements(raw).filter(|l| !l.is_empty()) {
        put_block(out, ('[', ']'), (&inner, &outer), list.iter().map(|v| (String::new(), v.get())), depth);
    } else {
        out.push_str(raw);
    }
}

fn put_block<'a>(
    out: &mut String,
    (open, close): (char, char),
    (inner, outer): (&str, &str),
    entries: impl Iterator<Item = (String, &'a str)>,
    depth: usize,
) {
    out.push(open);
    for (index, (head, value)) in entries.enumerate() {
        out.push_str(if index > 0 { ",\n" } else { "\n" });
        out.push_str(inner);
        out.push_str(&head);
        put(out, value, depth + 1);
    }
    out.push('\n');
    out.push_str(outer);
    out.push(close);
}

/// On one line, with a space after each comma and colon.
pub(crate) fn compact(raw: &str) -> String {
    if let Some(fields) = fields_of(raw) {
        let parts: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}: {}", quoted(name), compact(value.get()))).collect();
        return if parts.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", parts.join(", ")) };
    }
    match elements(raw) {
        Some(list) => format!("[{}]", list.iter().map(|v| compact(v.get())).collect::<Vec<_>>().join(", ")),
        None => raw.to_owned(),
    }
}

fn elements(raw: &str) -> Option<Vec<&RawValue>> {
    if raw.starts_with('[') { serde_json::from_str(raw).ok() } else { None }
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::{compact, pretty};

    #[test]
    fn order_and_digits_are_kept() {
        let text = r#"{"b":1.10,"a":[1,{"x":null}],"e":{},"l":[]}"#;
        assert_eq!(compact(text), r#"{ "b": 1.10, "a": [1, { "x": null }], "e": {}, "l": [] }"#);
        assert_eq!(pretty(text), "{\n  \"b\": 1.10,\n  \"a\": [1, { \"x\": null }],\n  \"e\": {},\n  \"l\": []\n}");
        assert_eq!(pretty("not json"), "not json");
    }
}
