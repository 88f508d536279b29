//! The options of a call, as their original text. A value that was given as text is never rebuilt.
//!
//! Each text also has its parsed value, for checks and decisions; the text is sent.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_error;
use crate::json_text::{fields_of, put_object, value_of};

/// The options of a call: one JSON object whose values keep their text.
///
/// Text is sent unchanged, in path, query, header and body: `1.10`, `1e2`, `-0`, thirty digits. [`parse`](Self::parse)
/// and serde read text. Options created from a [`Value`] are written as that value, and a `Value` represents 64-bit
/// integers exactly, and other numbers as the nearest floating-point number.
///
/// Checks against the operation's schema are exact for numbers of any length: `type`, `minimum`, `maximum`,
/// `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`, `enum`, `const` and `uniqueItems`, if they are in the option's
/// schema itself or below its `properties`, `items` and `allOf`. Within `anyOf`, `oneOf`, `not` and `if`, a number
/// beyond 64 bits is checked as the nearest floating-point number.
///
/// Two are equal if they have the same names with the same texts.
///
/// ```
/// use opnode::Options;
///
/// let options = Options::parse(r#"{"id": 18446744073709551617, "rate": 1.10}"#)?;
/// assert_eq!(options.to_json(), r#"{"id":18446744073709551617,"rate":1.10}"#);
/// # Ok::<(), opnode::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Options(Arc<Inner>);

#[derive(Clone, Default)]
struct Inner {
    /// An object; null for none. Other values are refused by the call.
    value: Value,
    /// The texts of values that would be written differently.
    texts: BTreeMap<String, Box<str>>,
}

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// The value of an option with its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    value: &'a Value,
    text: Option<&'a str>,
}

impl<'a> Given<'a> {
    /// A value with its original text.
    pub(crate) fn new(value: &'a Value, text: Option<&'a str>) -> Given<'a> {
        Given { value, text }
    }

    pub(crate) fn value(self) -> &'a Value {
        self.value
    }

    /// A text, number or flag as it is written in an address or a header: a number digit for digit, a text without its
    /// quotes.
    pub(crate) fn scalar(self) -> Option<Cow<'a, str>> {
        match self.value {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) => {
                Some(self.text.map_or_else(|| Cow::Owned(number.to_string()), |text| Cow::Borrowed(text.trim())))
            }
            Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The elements of a list.
    pub(crate) fn elements(self) -> Option<Vec<Given<'a>>> {
        let list = self.value.as_array()?;
        let texts: Vec<&RawValue> = self.text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Some(
            list.iter()
                .enumerate()
                .map(|(i, value)| Given { value, text: texts.get(i).map(|raw| raw.get()) })
                .collect(),
        )
    }

    /// Its JSON.
    pub(crate) fn json(self) -> Cow<'a, str> {
        self.text.map_or_else(|| Cow::Owned(self.value.to_string()), Cow::Borrowed)
    }
}

impl Options {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// `invalid_options` with the place when the text is not a JSON object, or has a duplicate name.
    pub fn parse(text: &str) -> Result<Options> {
        let wrong = |message: String| {
            Error::new(ErrorKind::InvalidOptions, message)
                .advise("options are a JSON object, such as {\"id\": 12}, each name once")
        };
        let options = Options::read(text).map_err(|e| {
            let place = Place { line: Some(e.line() as u64), column: Some(e.column() as u64), ..Place::default() };
            wrong(format!("the options cannot be read: {}", json_error::words(&e, text))).at(place)
        })?;
        if options.is_object() { Ok(options) } else { Err(wrong("the options are not an object".to_owned())) }
    }

    /// Reads any JSON; the call refuses a value that is not an object.
    pub(crate) fn read(text: &str) -> serde_json::Result<Options> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if !text.starts_with('{') {
            return value_of(text).map(Options::of);
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = reader.deserialize_map(Once)?;
        reader.end()?;
        let mut options = Options::from(Map::new());
        for (name, raw) in fields {
            options.insert_json(&name, raw.get())?;
        }
        Ok(options)
    }

    fn of(value: Value) -> Options {
        Options(Arc::new(Inner { value, texts: BTreeMap::new() }))
    }

    /// Sets a value.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        Arc::make_mut(&mut self.0).set(name.into(), value.into(), None);
    }

    /// Sets a value from its JSON.
    pub(crate) fn insert_json(&mut self, name: &str, json: &str) -> serde_json::Result<()> {
        let value = value_of(json)?;
        if let Some(name) = twin(json) {
            return Err(serde_json::Error::custom(format_args!("`{name}` is given twice")));
        }
        let plain = value.to_string();
        let text = (plain != json).then(|| crate::json_text::one_line(json.to_owned()).into());
        Arc::make_mut(&mut self.0).set(name.to_owned(), value, text);
        Ok(())
    }

    /// Sets a value with its text.
    pub(crate) fn insert_given(&mut self, name: &str, given: Given<'_>) {
        Arc::make_mut(&mut self.0).set(name.to_owned(), given.value.clone(), given.text.map(Into::into));
    }

    /// Adds other options, which override these.
    pub fn extend(&mut self, others: &Options) {
        let inner = Arc::make_mut(&mut self.0);
        for (name, value) in others.values() {
            inner.set(name.clone(), value.clone(), others.0.texts.get(name).cloned());
        }
    }

    /// The options with these names, with their digits.
    pub(crate) fn only<'n>(&self, names: impl Iterator<Item = &'n str>) -> Options {
        let mut some = Options::default();
        for name in names {
            if let Some(given) = self.get(name) {
                some.insert_given(name, given);
            }
        }
        some
    }

    pub(crate) fn get(&self, name: &str) -> Option<Given<'_>> {
        let value = self.values().get(name)?;
        Some(Given { value, text: self.0.texts.get(name).map(AsRef::as_ref) })
    }

    /// The original JSON of a value.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(Given::json)
    }

    /// The values; numbers beyond 64 bits are approximated in them.
    #[must_use]
    pub fn values(&self) -> &Map<String, Value> {
        self.0.value.as_object().unwrap_or(&EMPTY)
    }

    /// As one value; an object unless the caller gave another type.
    pub(crate) fn as_value(&self) -> &Value {
        &self.0.value
    }

    /// Whether there is a value of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.values().contains_key(name)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    /// The values whose text has more information.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.texts.iter().map(|(name, text)| (name.as_str(), text.as_ref()))
    }

    /// Whether they are an object; any other value is a fault.
    pub(crate) fn is_object(&self) -> bool {
        matches!(self.0.value, Value::Object(_) | Value::Null)
    }

    /// As JSON, sorted by name.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let fields = self.values().keys().map(|name| (name.as_str(), self.json(name).unwrap_or_default()));
        put_object(&mut out, fields, |out, json| out.push_str(&json));
        out
    }
}

impl Inner {
    fn set(&mut self, name: String, value: Value, text: Option<Box<str>>) {
        match text {
            Some(text) => self.texts.insert(name.clone(), text),
            None => self.texts.remove(&name),
        };
        if let Value::Object(map) = &mut self.value {
            map.insert(name, value);
        } else {
            self.value = Value::Object(Map::from_iter([(name, value)]));
        }
    }
}

/// The fields of an object, each name once.
struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = BTreeSet::new();
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("`{name}` is given twice")));
            }
            fields.push((name, map.next_value()?));
        }
        Ok(fields)
    }
}

/// A duplicate name within an object of valid JSON that is not too deep.
fn twin(json: &str) -> Option<String> {
    if json.starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(json).ok()?;
        return list.iter().find_map(|raw| twin(raw.get()));
    }
    if !json.starts_with('{') {
        return None;
    }
    let mut names = BTreeSet::new();
    fields_of(json)?.into_iter().find_map(|(name, raw)| {
        let within = twin(raw.get());
        if names.insert(name.clone()) { within } else { Some(name) }
    })
}

/// For a value that is not an object, the call reports it.
impl From<&Value> for Options {
    fn from(value: &Value) -> Options {
        Options::of(value.clone())
    }
}

impl From<Map<String, Value>> for Options {
    fn from(map: Map<String, Value>) -> Options {
        Options::of(Value::Object(map))
    }
}

impl From<&Map<String, Value>> for Options {
    fn from(map: &Map<String, Value>) -> Options {
        Options::from(map.clone())
    }
}

impl From<&Options> for Options {
    fn from(options: &Options) -> Options {
        options.clone()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl PartialEq for Options {
    fn eq(&self, other: &Options) -> bool {
        self.values().len() == other.values().len()
            && self.values().keys().all(|name| self.json(name) == other.json(name))
    }
}

impl Eq for Options {}

impl Hash for Options {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_json().hash(state);
    }
}

impl Serialize for Options {
    /// As raw JSON, digit for digit.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values().len()))?;
        for (name, value) in self.values() {
            match self.0.texts.get(name) {
                Some(text) => map.serialize_entry(
                    name,
                    serde_json::from_str::<&RawValue>(text).map_err(serde::ser::Error::custom)?,
                )?,
                None => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Options {
    /// From JSON text; other formats do not keep how a number was written.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Options, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Options::parse(raw.get()).map_err(|e| D::Error::custom(&e.message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Options;

    #[test]
    fn texts_are_kept_beside_values() {
        let text = r#"{"a":1.10,"b":[1e2,"x",18446744073709551617],"c":{"z":-0,"y":1e400},"d":"\u0041","e":5}"#;
        let options = Options::parse(text).unwrap();
        assert_eq!(options.to_json(), text);
        assert_eq!(serde_json::to_string(&options).unwrap(), text);
        assert_eq!(serde_json::from_str::<Options>(text).unwrap(), options);
        let elements: Vec<_> =
            options.get("b").unwrap().elements().unwrap().iter().map(|g| g.scalar().unwrap().into_owned()).collect();
        assert_eq!(elements, ["1e2", "x", "18446744073709551617"]);
        assert_eq!(options.get("d").unwrap().scalar().unwrap(), "A");
        assert_eq!(options.values()["e"], json!(5));
        assert_ne!(Options::parse(r#"{"a":1.1}"#).unwrap(), Options::parse(r#"{"a":1.10}"#).unwrap());
    }

    #[test]
    fn overrides_win_with_their_text() {
        let mut options = Options::parse(r#"{"a":1.10,"b":2.0,"c":3.0}"#).unwrap();
        options.extend(&Options::parse(r#"{"a":1.5,"b":1e2}"#).unwrap());
        options.insert("c", 7);
        assert_eq!(options.to_json(), r#"{"a":1.5,"b":1e2,"c":7}"#);
    }

    #[test]
    fn duplicate_names_and_other_values_than_objects_are_refused() {
        for (text, why) in [
            (r#"{"a":1,"a":2}"#, "`a` is given twice at line 1 column 10"),
            (r#"{"f":[{"b":1,"\u0062":2}]}"#, "`b` is given twice"),
            ("[1]", "not an object"),
            ("{\"a\":1} 2", "see column 9"),
            ("{\"a\":01}", "see column 7"),
        ] {
            let message = Options::parse(text).unwrap_err().message.clone();
            assert!(message.contains(why), "{text}: {message}");
        }
        assert!(Options::parse(&format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000))).is_err());
        assert!(!Options::from(&json!([1])).is_object() && Options::from(&json!(null)).is_object());
    }
}
