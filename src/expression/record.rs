//! Objects of items as values of the expression language: read field by field as an expression names them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::budget::{self, Limit};
use crate::digits::{is_long, is_number};
use crate::item::fields_of;

/// Looking a field up goes through the text, which is quicker than reading it all: what is looked at costs a part of what is read.
const LOOK: u64 = 4;

/// An object of an item: what it does not have is null, because systems leave out empty fields.
pub(crate) struct Record {
    text: Arc<str>,
    /// Its fields, when an expression goes through them all.
    fields: OnceLock<BTreeMap<String, Value>>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Record {
    /// Any JSON text of an item.
    pub(crate) fn wrap(text: &Arc<str>) -> Value {
        if text.trim_start().starts_with('{') {
            return Value::from_object(Record { text: Arc::clone(text), fields: OnceLock::new() });
        }
        read(text)
    }

    pub(crate) fn bytes(&self) -> u64 {
        budget::text_bytes(&self.text)
    }

    /// The names of its fields, as a list.
    pub(crate) fn names(&self) -> Value {
        Value::from(self.fields().keys().map(|name| Value::from(name.as_str())).collect::<Vec<_>>())
    }

    fn part(raw: &str) -> Value {
        if raw.starts_with('{') && budget::bytes(budget::size(raw.len())).is_ok() {
            return Record::wrap(&Arc::from(raw));
        }
        read(raw)
    }

    fn fields(&self) -> &BTreeMap<String, Value> {
        self.fields.get_or_init(|| {
            let mut fields = BTreeMap::new();
            if budget::bytes(budget::size(self.text.len())).is_ok() {
                // It is JSON, so that it ends early only where a limit ends.
                let _rest_is_past_a_limit =
                    serde_json::Deserializer::from_str(&self.text).deserialize_map(Fields(&mut fields));
            }
            fields
        })
    }
}

struct Fields<'f>(&'f mut BTreeMap<String, Value>);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        budget::elements(budget::OBJECT).map_err(A::Error::custom)?;
        while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
            budget::elements(budget::FIELD).map_err(A::Error::custom)?;
            self.0.insert(name, Record::part(raw.get()));
        }
        Ok(())
    }
}

impl Object for Record {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let found = match self.fields.get() {
            Some(fields) => fields.get(name).cloned(),
            None => {
                budget::bytes(budget::size(self.text.len()) / LOOK).ok()?;
                member(&self.text, name).map(Record::part)
            }
        };
        Some(found.unwrap_or_else(|| Value::from(())))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.fields().keys().map(|name| Value::from(name.as_str())).collect())
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.text.trim_start().strip_prefix('{').is_some_and(|rest| !rest.trim_start().starts_with('}'))
    }
}

/// The text of a field. Of several with one name the last counts.
pub(crate) fn member<'t>(object: &'t str, name: &str) -> Option<&'t str> {
    struct Named<'n>(&'n str);
    impl<'de> Visitor<'de> for Named<'_> {
        type Value = Option<&'de RawValue>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(Name(name)) = map.next_key()? {
                if name == self.0 {
                    found = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    serde_json::Deserializer::from_str(object).deserialize_map(Named(name)).ok()?.map(RawValue::get)
}

/// A name that is copied only when it is written with escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// JSON as a value, paid for. Whole numbers are exact up to 128 bits, others are the nearest floating ones.
fn read(text: &str) -> Value {
    if is_long(text) {
        return exact(text, 0)
            .unwrap_or_else(|e| if budget::past().is_some() { Value::UNDEFINED } else { Value::from(e) });
    }
    read_plain(text)
}

fn read_plain(text: &str) -> Value {
    let mut reader = serde_json::Deserializer::from_str(text);
    match Paid.deserialize(&mut reader) {
        Ok(value) => value,
        Err(_) if budget::past().is_some() => Value::UNDEFINED,
        // Text with half of a character in it.
        Err(_) => Value::from(text),
    }
}

/// Deepest nesting of a value, as the reader has it.
const DEPTH_MAX: usize = 128;

/// The same for JSON with numbers of many digits, each read by its text.
fn exact(text: &str, depth: usize) -> Result<Value, minijinja::Error> {
    budget::elements(1)?;
    let text = text.trim();
    if is_number(text) {
        return number(text);
    }
    if depth > DEPTH_MAX {
        return Ok(read_plain(text));
    }
    if let Some(fields) = fields_of(text) {
        budget::elements(budget::OBJECT)?;
        let pair = |(name, raw): (String, &RawValue)| {
            budget::elements(budget::FIELD)?;
            budget::bytes(budget::text_bytes(&name))?;
            Ok((name, exact(raw.get(), depth + 1)?))
        };
        return fields.into_iter().map(pair).collect::<Result<Vec<_>, minijinja::Error>>().map(Value::from_pairs);
    }
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text) else { return Ok(read_plain(text)) };
    budget::elements(budget::LIST)?;
    list.into_iter().map(|raw| exact(raw.get(), depth + 1)).collect::<Result<Vec<_>, _>>().map(Value::from)
}

fn number(text: &str) -> Result<Value, minijinja::Error> {
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        let value = match text.parse::<i64>() {
            Ok(small) => Some(Value::from(small)),
            Err(_) => text.parse::<i128>().map(Value::from).or_else(|_| text.parse::<u128>().map(Value::from)).ok(),
        };
        return value.ok_or_else(|| budget::fail(Limit::Digits));
    }
    let value = text.parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(|| budget::fail(Limit::Digits))?;
    budget::bytes(budget::number_bytes(value))?;
    Ok(Value::from(value))
}

/// Reads JSON and pays for what it becomes.
struct Paid;

impl<'de> DeserializeSeed<'de> for Paid {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        budget::elements(1).map_err(D::Error::custom)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Paid {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::from(()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        budget::bytes(budget::number_bytes(value)).map_err(E::custom)?;
        Ok(Value::from(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        budget::bytes(budget::text_bytes(value)).map_err(E::custom)?;
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        budget::elements(budget::LIST).map_err(A::Error::custom)?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Paid)? {
            values.push(value);
        }
        Ok(Value::from(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        budget::elements(budget::OBJECT).map_err(A::Error::custom)?;
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            budget::elements(budget::FIELD).map_err(A::Error::custom)?;
            budget::bytes(budget::text_bytes(&name)).map_err(A::Error::custom)?;
            pairs.push((name, map.next_value_seed(Paid)?));
        }
        Ok(Value::from_pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::member;

    #[test]
    fn a_field_is_found_in_the_text() {
        let object = r#" {"a": 1, "b\u0020c": {"a": [2]}, "a": "x"}"#;
        assert_eq!(member(object, "a"), Some("\"x\""));
        assert_eq!(member(object, "b c"), Some("{\"a\": [2]}"));
        assert_eq!(member(object, "d"), None);
        assert_eq!(member("[1]", "a"), None);
    }
}
