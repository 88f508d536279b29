//! JSON as text: fields and values are read from it, lists and objects written to it, without a tree of values.

use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

/// The fields of a JSON object with their raw values, in order; `None` for anything else.
pub(crate) fn fields_of(text: &str) -> Option<Vec<(String, &RawValue)>> {
    struct FieldsVisitor;
    impl<'de> Visitor<'de> for FieldsVisitor {
        type Value = Vec<(String, &'de RawValue)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some(entry) = map.next_entry()? {
                fields.push(entry);
            }
            Ok(fields)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(FieldsVisitor).ok()
}

/// A value for checks; a number beyond 64 bits becomes the largest of its sign, because the text and not this value is
/// sent.
pub(crate) fn value_of(text: &str) -> serde_json::Result<serde_json::Value> {
    value_within(text, 0)
}

/// Maximum nesting of a value, as in the parser.
const DEPTH_MAX: usize = 128;

fn value_within(text: &str, depth: usize) -> serde_json::Result<serde_json::Value> {
    use serde_json::Value;
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if depth > DEPTH_MAX {
        return Err(error);
    }
    if let Some(fields) = fields_of(text) {
        return fields
            .into_iter()
            .map(|(name, raw)| Ok((name, value_within(raw.get(), depth + 1)?)))
            .collect::<serde_json::Result<_>>()
            .map(Value::Object)
            .map_err(|_| error);
    }
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text) {
        return list
            .into_iter()
            .map(|raw| value_within(raw.get(), depth + 1))
            .collect::<serde_json::Result<_>>()
            .map(Value::Array)
            .map_err(|_| error);
    }
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_infinite() && serde_json::from_str::<&RawValue>(text).is_ok() => {
            Ok(Value::from(number.clamp(f64::MIN, f64::MAX)))
        }
        _ => Err(error),
    }
}

/// Line breaks in valid JSON are white space; replaced by spaces, an item fits on a line and every span keeps its
/// position.
pub(crate) fn one_line(text: String) -> String {
    if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none() {
        return text;
    }
    let mut bytes = text.into_bytes();
    for byte in &mut bytes {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    // Replacing one ASCII byte by another keeps the text valid UTF-8, so the fallback is never taken.
    String::from_utf8(bytes).unwrap_or_default()
}

/// A text as JSON.
pub(crate) fn text_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    put_text(&mut out, text);
    out
}

/// Writes a text as JSON.
pub(crate) fn put_text(out: &mut String, text: &str) {
    // Most texts have nothing to escape, and are copied at once.
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Writes a list as JSON; `put` writes each element.
pub(crate) fn put_list<T>(out: &mut String, list: impl IntoIterator<Item = T>, mut put: impl FnMut(&mut String, T)) {
    out.push('[');
    for (index, element) in list.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        put(out, element);
    }
    out.push(']');
}

/// Writes an object as JSON; `put` writes each value.
pub(crate) fn put_object<'n, T>(
    out: &mut String,
    fields: impl IntoIterator<Item = (&'n str, T)>,
    mut put: impl FnMut(&mut String, T),
) {
    out.push('{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        put_text(out, name);
        out.push(':');
        put(out, value);
    }
    out.push('}');
}

/// The length of the JSON text, with its quotes, at the start.
#[cfg(feature = "cli")]
pub(crate) fn text_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_beyond_64_bits_can_be_checked() {
        let value = super::value_of("{\"a\": [1e400, -1e400], \"a b\": {\"c\": 1.5}}").unwrap();
        assert_eq!(value, serde_json::json!({"a": [f64::MAX, f64::MIN], "a b": {"c": 1.5}}));
        for broken in ["{\"a\": \"\\ud800\"}", "inf", "[1e400", "nan"] {
            assert!(super::value_of(broken).is_err(), "{broken}");
        }
    }
}
