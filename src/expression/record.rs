//! JSON as values of the language. Objects are read field by field on demand; missing fields are null.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind};
use crate::json_text::fields_of;

/// Maximum bytes that one evaluation may read, and bytes of a text or a value that it produces.
pub(super) const BYTES_MAX: usize = 64 << 20;

/// Bytes counted for an element or a field in addition to its text.
const ELEMENT: usize = 16;

/// Maximum depth of one value. Items are not deeper, and the language recurses.
const DEPTH_MAX: usize = 128;

/// The bytes that one evaluation has read. The language has no errors for look-ups and iterators: errors there are
/// recorded, and fail the evaluation at its end.
#[derive(Debug, Default)]
pub(super) struct RecordReading {
    bytes: AtomicUsize,
    trouble: OnceLock<Error>,
}

impl RecordReading {
    /// Counts bytes; false beyond the limit.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let bytes = bytes.min(BYTES_MAX + 1);
        let fits = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= BYTES_MAX;
        if !fits {
            let limit = BYTES_MAX >> 20;
            let advice = "split it into several steps, row by row with `for`, `where` and `map`";
            self.refuse(&format!("it reads more bytes than the limit expression_bytes ({limit} MiB)"), advice);
        }
        fits
    }

    /// Records an error; returns a substitute value for the rest of the evaluation. The language cannot compare its own
    /// error values.
    fn refuse(&self, why: &str, advice: &'static str) -> Value {
        self.note(Error::new(ErrorKind::InvalidOptions, why).advise(advice));
        Value::UNDEFINED
    }

    pub(super) fn note(&self, trouble: Error) {
        let _first_counts = self.trouble.set(trouble);
    }

    pub(super) fn trouble(&self) -> Option<Error> {
        self.trouble.get().cloned()
    }
}

/// An object of an item.
#[derive(Debug)]
pub(super) struct ExpressionRecord {
    text: Arc<str>,
    depth: usize,
    reading: Arc<RecordReading>,
    /// Its fields, if an expression reads them all.
    fields: OnceLock<BTreeMap<String, Value>>,
}

/// JSON text as a value.
pub(super) fn value(text: &Arc<str>, reading: &Arc<RecordReading>) -> Value {
    if text.trim_start().starts_with('{') { record(Arc::clone(text), 0, reading) } else { part(text, 0, reading) }
}

fn record(text: Arc<str>, depth: usize, reading: &Arc<RecordReading>) -> Value {
    Value::from_object(ExpressionRecord { text, depth, reading: Arc::clone(reading), fields: OnceLock::new() })
}

/// JSON text within another as a value.
fn part(text: &str, depth: usize, reading: &Arc<RecordReading>) -> Value {
    let text = text.trim();
    if depth > DEPTH_MAX {
        return reading.refuse("it reads a value that is nested deeper than an item may be", "pass it on unchanged");
    }
    if text.starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
        let fits = reading.take(list.len().saturating_mul(ELEMENT));
        return list.into_iter().take_while(|_| fits).map(|raw| part(raw.get(), depth + 1, reading)).collect();
    }
    if !reading.take(text.len()) {
        return Value::UNDEFINED;
    }
    match text.as_bytes().first() {
        Some(b'{') => record(Arc::from(text), depth, reading),
        // Text with an unpaired surrogate stays as written.
        Some(b'"') => serde_json::from_str(text).map_or_else(|_| Value::from(text), |Name(text)| Value::from(&*text)),
        Some(b't') => Value::from(true),
        Some(b'f') => Value::from(false),
        Some(b'n') | None => Value::from(()),
        Some(_) => number(text).unwrap_or_else(|| {
            let why = "it reads a number out of range: a whole number over 128 bits, or a number over 1.8e308";
            reading.refuse(why, "a path alone, such as ${{ item.id }}, passes on a number of any length")
        }),
    }
}

/// Integers are exact up to 128 bits, others are the nearest floating-point numbers; `None` beyond both.
fn number(text: &str) -> Option<Value> {
    if text.bytes().any(|b| !b.is_ascii_digit() && b != b'-') {
        return text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from);
    }
    let small = text.parse::<i64>().map(Value::from);
    small.or_else(|_| text.parse::<i128>().map(Value::from)).or_else(|_| text.parse::<u128>().map(Value::from)).ok()
}

impl ExpressionRecord {
    /// The names of its fields, as a list.
    pub(super) fn names(&self) -> Value {
        self.fields().keys().map(|name| Value::from(name.as_str())).collect()
    }

    fn fields(&self) -> &BTreeMap<String, Value> {
        self.fields.get_or_init(|| {
            let fields = fields_of(&self.text).unwrap_or_default();
            let fits = self.reading.take(fields.len().saturating_mul(ELEMENT));
            let field = |(name, raw): (String, &RawValue)| (name, part(raw.get(), self.depth + 1, &self.reading));
            fields.into_iter().take_while(|_| fits).map(field).collect()
        })
    }
}

impl Object for ExpressionRecord {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let found = match self.fields.get() {
            Some(fields) => fields.get(name).cloned(),
            None => within(&self.text, name).map(|raw| part(raw, self.depth + 1, &self.reading)),
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

/// A text, copied only if it contains escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// Finds the field of an object. Of duplicates, the last counts.
struct Named<'n>(&'n str);

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Name(name)) = map.next_key()? {
            match name == self.0 {
                true => found = Some(map.next_value()?),
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// The value of one path step within JSON text: a field of an object or an element of a list.
pub(super) fn within<'t>(text: &'t str, step: &str) -> Option<&'t str> {
    if text.trim_start().starts_with('{') {
        return serde_json::Deserializer::from_str(text).deserialize_map(Named(step)).ok()?.map(RawValue::get);
    }
    let list: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    list.get(step.parse::<usize>().ok()?).map(|raw| raw.get())
}
