//! Parts of JSON text: fields and elements are found in it without a tree of values.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A part of a shared text: moving it copies nothing.
#[derive(Clone)]
pub(super) struct Part {
    base: Arc<str>,
    from: usize,
    to: usize,
}

impl Part {
    pub(super) fn whole(base: Arc<str>) -> Part {
        let to = base.len();
        Part { base, from: 0, to }
    }

    pub(super) fn made(text: &str) -> Part {
        Part::whole(Arc::from(text))
    }

    pub(super) fn as_str(&self) -> &str {
        self.base.get(self.from..self.to).unwrap_or_default()
    }

    /// A part of this one, as a slice of its text.
    pub(super) fn part(&self, slice: &str) -> Part {
        let from = (slice.as_ptr() as usize).wrapping_sub(self.base.as_ptr() as usize);
        match from.checked_add(slice.len()) {
            Some(to) if to <= self.base.len() => Part { base: Arc::clone(&self.base), from, to },
            // Not a slice of this text.
            Some(_) | None => Part::made(slice),
        }
    }

    /// The same without the rest of a much longer text.
    pub(super) fn detached(&self) -> Part {
        let length = self.to - self.from;
        if self.base.len() > length * 2 + 64 { Part::made(self.as_str()) } else { self.clone() }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text, copied only if it contains escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// The text of a JSON string; one with an unpaired surrogate stays as written.
pub(super) fn decoded(json: &str) -> Cow<'_, str> {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if memchr::memchr(b'\\', inner.as_bytes()).is_none() => Cow::Borrowed(inner),
        _ => serde_json::from_str(json).map_or(Cow::Borrowed(json), |Name(text)| text),
    }
}

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

/// A field of an object.
pub(super) fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    serde_json::Deserializer::from_str(text).deserialize_map(Named(name)).ok()?.map(RawValue::get)
}

/// The value of one path step: a field of an object or an element of a list.
pub(super) fn within<'t>(text: &'t str, step: &str) -> Option<&'t str> {
    match text.trim_start().as_bytes().first() {
        Some(b'{') => field(text, step),
        Some(b'[') => JsonList::new(text).nth(step.parse().ok()?),
        _ => None,
    }
}

/// The elements of a list, one after the other.
pub(super) struct JsonList<'t> {
    rest: &'t str,
}

impl<'t> JsonList<'t> {
    pub(super) fn new(text: &'t str) -> JsonList<'t> {
        JsonList { rest: text.trim_start().strip_prefix('[').unwrap_or_default() }
    }

    /// What is not read yet; it begins with a comma or the end of the list.
    pub(super) fn rest(&self) -> &'t str {
        self.rest
    }

    /// Continues where another has ended.
    pub(super) fn of_rest(rest: &'t str) -> JsonList<'t> {
        JsonList { rest }
    }
}

impl<'t> Iterator for JsonList<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.rest.trim_start();
        let text = text.strip_prefix(',').unwrap_or(text);
        if text.trim_start().starts_with(']') {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        let value = values.next()?.ok()?;
        self.rest = text.get(values.byte_offset()..).unwrap_or_default();
        Some(value.get())
    }
}
