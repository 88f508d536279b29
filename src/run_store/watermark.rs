//! Watermarks: the largest value that finished runs have read, per job and step. `folder/kept.rs` stores them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::time::IsoTime;
use crate::digits::Decimal;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Item;

/// The largest value: a time, another text, or a number with its original digits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    Time { text: String, at: IsoTime },
    Text(String),
    Number { text: String, value: Decimal },
}

/// Watermarks by `job/step`.
pub(crate) type Watermarks = BTreeMap<String, Mark>;

impl Mark {
    /// Parses JSON; `None` when it is neither text nor a number.
    pub(crate) fn parse(json: &str) -> Option<Mark> {
        if let Some(value) = Decimal::of(json) {
            return Some(Mark::Number { text: json.trim().to_owned(), value });
        }
        let text: String = serde_json::from_str(json).ok()?;
        Some(match IsoTime::parse(&text) {
            Some(at) => Mark::Time { text, at },
            None => Mark::Text(text),
        })
    }

    pub(crate) fn json(&self) -> String {
        match self {
            Mark::Time { text, .. } | Mark::Text(text) => Value::from(text.as_str()).to_string(),
            Mark::Number { text, .. } => text.clone(),
        }
    }

    /// The same for all forms of one time.
    pub(super) fn identity(&self) -> String {
        match self {
            Mark::Time { at, .. } => at.nanoseconds().to_string(),
            Mark::Text(_) | Mark::Number { .. } => self.json(),
        }
    }

    /// The mark that much earlier, in its own form; only times have one.
    pub(crate) fn earlier(&self, lag: Duration) -> Option<Mark> {
        match self {
            Mark::Time { text, at } => {
                let (text, at) = at.earlier(text, lag)?;
                Some(Mark::Time { text, at })
            }
            Mark::Text(_) | Mark::Number { .. } => None,
        }
    }

    /// A number that is not larger for a smaller mark of the same kind: enough to decide which rows to remember.
    pub(crate) fn rank(&self) -> i64 {
        match self {
            Mark::Time { at, .. } => at.nanoseconds(),
            Mark::Text(text) => {
                let mut start = [0; 8];
                start.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
                // Text is ordered by its bytes, and no byte of it is 0xff.
                (u64::from_be_bytes(start) >> 1).cast_signed()
            }
            Mark::Number { text, .. } => {
                let value = text.parse::<f64>().unwrap_or_default();
                // Rounded down: the nearest number may be larger.
                let bits = value.next_down().to_bits().cast_signed();
                if bits < 0 { i64::MIN - bits } else { bits }
            }
        }
    }

    /// The order of two marks; `None` when they are of different kinds.
    fn order(&self, other: &Mark) -> Option<Ordering> {
        match (self, other) {
            (Mark::Time { at, .. }, Mark::Time { at: other, .. }) => Some(at.cmp(other)),
            (Mark::Text(text), Mark::Text(other)) => Some(text.cmp(other)),
            (Mark::Number { value, .. }, Mark::Number { value: other, .. }) => Some(value.cmp(other)),
            (Mark::Time { .. } | Mark::Text(_) | Mark::Number { .. }, _) => None,
        }
    }
}

/// A number that only its digits identify is serialized as text, because facts of the journal are parsed as values.
impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Mark::Time { text, .. } | Mark::Text(text) => serializer.serialize_str(text),
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

/// Raises the mark to an item's value if that is larger; returns the value. Numbers are compared as numbers, times as
/// times in any ISO 8601 form, other texts by their characters.
///
/// # Errors
/// `bad_response` when a value is neither text nor number, or of another kind than the mark.
pub(crate) fn larger(mark: &mut Mark, item: Item<'_>, path: &[String]) -> Result<Option<Mark>> {
    let Some(raw) = item.raw(path).filter(|raw| *raw != "null") else { return Ok(None) };
    let wrong = |why: &str| {
        Error::new(ErrorKind::BadResponse, format!("the watermark at /{} {why}", path.join("/"))).advise(
            "set `pointer` to a field with a time or a number that only grows, and `start` to a value of its kind",
        )
    };
    let value = Mark::parse(raw).ok_or_else(|| wrong("is neither a text nor a number"))?;
    let order = value.order(mark);
    let order = order.ok_or_else(|| wrong(&format!("is {raw}, and cannot be compared with {}", mark.json())))?;
    if order == Ordering::Greater {
        *mark = value.clone();
    }
    Ok(Some(value))
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
        items.iter().for_each(|item| drop(larger(&mut mark, item, &["n".to_owned()]).unwrap()));
        assert_eq!(mark.json(), "18446744073709551617");
        for json in ["18446744073709551617", "1.10", "12", "1.5", "\"2026-01-01\"", "-0", "1e400"] {
            let mark = Mark::parse(json).unwrap();
            let kept = serde_json::to_string(&mark).unwrap();
            assert_eq!(serde_json::from_str::<Mark>(&kept).unwrap().json(), json, "{kept}");
        }
        assert_eq!(serde_json::to_string(&Mark::parse("12").unwrap()).unwrap(), "12");
        assert!(serde_json::from_str::<Mark>("[1]").is_err() && Mark::parse("null").is_none());
    }

    #[test]
    fn times_are_compared_as_times_and_keep_their_form() {
        let at = |text: &str| Mark::parse(&format!("\"{text}\"")).unwrap();
        let mut mark = at("2026-01-01T10:00:00+02:00");
        for (text, raises) in [
            ("2026-01-01T08:00:00Z", false),
            ("2026-01-01 08:00:00.001Z", true),
            ("2026-01-01T08:00:00", false),
            ("2026-01-02", true),
            ("2026-01-01T23:59:59.999999Z", false),
        ] {
            let items = Items::from_array(format!("[{{\"t\": \"{text}\"}}]")).unwrap();
            let before = mark.json();
            larger(&mut mark, items.get(0).unwrap(), &["t".to_owned()]).unwrap();
            assert_eq!(mark.json() != before, raises, "{text}");
        }
        let items = Items::from_array("[{\"t\": \"soon\"}]").unwrap();
        assert!(larger(&mut mark, items.get(0).unwrap(), &["t".to_owned()]).is_err());
        let earlier = |text: &str, minutes: u64| {
            at(text).earlier(std::time::Duration::from_secs(60 * minutes)).map(|mark| mark.json())
        };
        for (text, minutes, expected) in [
            ("2026-01-01T00:03:00Z", 5, Some("\"2025-12-31T23:58:00Z\"")),
            ("2026-01-01T00:03:00.120+02:00", 5, Some("\"2025-12-31T23:58:00.120+02:00\"")),
            ("2026-01-01 00:03:00", 5, Some("\"2025-12-31 23:58:00\"")),
            ("2026-01-01", 5, Some("\"2025-12-31\"")),
            ("soon", 5, None),
        ] {
            assert_eq!(earlier(text, minutes).as_deref(), expected, "{text}");
        }
        let ranks: Vec<i64> =
            ["-2", "-1e-3", "0", "1", "18446744073709551616"].iter().map(|n| Mark::parse(n).unwrap().rank()).collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
    }
}
