//! Watermarks: the largest value that finished runs have read, per job and step. `folder/kept.rs` stores them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::digits::Decimal;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Item;

/// The largest value: text, or a number with its original digits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    Text(String),
    Number { text: String, value: Decimal },
}

/// Watermarks by `job/step`.
pub(crate) type Watermarks = BTreeMap<String, Mark>;

impl Mark {
    /// Parses JSON; `None` when it is neither text nor a number.
    pub(crate) fn parse(json: &str) -> Option<Mark> {
        match Decimal::of(json) {
            Some(value) => Some(Mark::Number { text: json.trim().to_owned(), value }),
            None => serde_json::from_str(json).ok().map(Mark::Text),
        }
    }

    pub(crate) fn json(&self) -> String {
        match self {
            Mark::Text(text) => Value::from(text.as_str()).to_string(),
            Mark::Number { text, .. } => text.clone(),
        }
    }
}

/// A number that only its digits identify is serialized as text, because facts of the journal are parsed as values.
impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Mark::Text(text) => serializer.serialize_str(text),
            Mark::Number { text, .. } => {
                let value = serde_json::from_str::<Value>(text).unwrap_or_default();
                let plain = value.to_string();
                if plain == *text {
                    value.serialize(serializer)
                } else {
                    json!({ "number": text }).serialize(serializer)
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mark, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = value.get("number").and_then(Value::as_str).map(str::to_owned);
        let mark = Mark::parse(&text.unwrap_or_else(|| value.to_string()));
        mark.ok_or_else(|| serde::de::Error::custom("a watermark must be text or a number"))
    }
}

/// Raises the mark to an item's value if that is larger. Numbers are compared as numbers, texts by their characters,
/// which suits ISO 8601 times.
///
/// # Errors
/// `bad_response` when a value is neither, or of another kind than the mark.
pub(crate) fn larger(mark: &mut Mark, item: Item<'_>, path: &[String]) -> Result<()> {
    let Some(raw) = item.raw(path).filter(|raw| *raw != "null") else { return Ok(()) };
    let wrong = |why: &str| {
        Error::new(ErrorKind::BadResponse, format!("the watermark at /{} {why}", path.join("/")))
            .advise("set `pointer` to a field with a time or a number that only grows")
    };
    let value = Mark::parse(raw).ok_or_else(|| wrong("is neither a text nor a number"))?;
    let order = match (&value, &*mark) {
        (Mark::Text(value), Mark::Text(mark)) => value.cmp(mark),
        (Mark::Number { value, .. }, Mark::Number { value: mark, .. }) => value.cmp(mark),
        (_, mark) => return Err(wrong(&format!("is {raw}, and cannot be compared with {}", mark.json()))),
    };
    if order == Ordering::Greater {
        *mark = value;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Mark;
    use super::larger;
    use crate::item::Items;

    #[test]
    fn marks_keep_their_digits() {
        let mut mark = Mark::parse("1").unwrap();
        let items = Items::from_array(
            r#"[{"n": 18446744073709551616}, {"n": 18446744073709551617}, {"n": 5}, {"n": null}, {}]"#,
        )
        .unwrap();
        items.iter().try_for_each(|item| larger(&mut mark, item, &["n".to_owned()])).unwrap();
        assert_eq!(mark.json(), "18446744073709551617");
        for json in ["18446744073709551617", "1.10", "12", "1.5", "\"2026-01-01\"", "-0", "1e400"] {
            let mark = Mark::parse(json).unwrap();
            let kept = serde_json::to_string(&mark).unwrap();
            assert_eq!(serde_json::from_str::<Mark>(&kept).unwrap().json(), json, "{kept}");
        }
        assert_eq!(serde_json::to_string(&Mark::parse("12").unwrap()).unwrap(), "12");
        assert!(serde_json::from_str::<Mark>("[1]").is_err() && Mark::parse("null").is_none());
    }
}
