//! Whether a request is the recorded one. A masked value matches any value. Pure.

use serde_json::Value;

use crate::secret::MASK;

/// Whether a text fits a recorded one, in which `[secret]` stands for anything.
pub(super) fn fits(recorded: &str, actual: &str) -> bool {
    let mut parts = recorded.split(MASK);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// The same for bodies: JSON by its values, other text as it is.
pub(super) fn body_fits(recorded: &[u8], actual: &[u8]) -> bool {
    if recorded == actual {
        return true;
    }
    let (Ok(recorded), Ok(actual)) = (std::str::from_utf8(recorded), std::str::from_utf8(actual)) else { return false };
    match (serde_json::from_str::<Value>(recorded), serde_json::from_str::<Value>(actual)) {
        (Ok(recorded), Ok(actual)) => value_fits(&recorded, &actual),
        _ => fits(recorded, actual),
    }
}

fn value_fits(recorded: &Value, actual: &Value) -> bool {
    match (recorded, actual) {
        (Value::String(mask), _) if mask == MASK => true,
        (Value::String(recorded), Value::String(actual)) => fits(recorded, actual),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| value_fits(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| value_fits(a, b)))
        }
        (recorded, actual) => recorded == actual,
    }
}

#[cfg(test)]
mod tests {
    use super::{body_fits, fits};

    #[test]
    fn masked_values_match_any() {
        assert!(fits("GET /a?key=[secret]&x=1", "GET /a?key=abc&x=1"));
        assert!(fits("[secret]", "") && fits("a", "a") && fits("a[secret]b[secret]", "a1b2"));
        assert!(!fits("GET /a?key=[secret]&x=1", "GET /a?key=abc&x=2") && !fits("a", "ab") && !fits("ab[secret]", "a"));
        assert!(body_fits(br#"{"a": "[secret]", "b": [1]}"#, br#"{"b":[1],"a":5}"#));
        assert!(!body_fits(br#"{"a": 1}"#, br#"{"a": 2}"#) && !body_fits(b"x", b"y"));
    }
}
