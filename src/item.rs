//! Items: JSON values that keep their bytes. Values are never rebuilt.
//!
//! Digits, key order and escapes are passed on unchanged, and a record costs no allocation.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_error;
use crate::json_pointer::index_in;
use crate::json_text::{fields_of, one_line};

/// Start and end of an item in its buffer, in bytes.
pub(crate) type Span = (u32, u32);

/// One item: valid JSON text on one line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Item<'a>(&'a str);

impl<'a> Item<'a> {
    /// From JSON that was read already.
    pub(crate) fn new(text: &'a str) -> Item<'a> {
        Item(text)
    }

    /// The JSON text, on one line.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Reads the item into a type.
    ///
    /// # Errors
    /// `invalid_items` when the item has another shape.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T> {
        serde_json::from_str(self.0)
            .map_err(|e| Error::new(ErrorKind::InvalidItems, format!("the item cannot be read: {e}")))
    }

    /// The top-level fields with their raw values, in order; `None` if the item is not an object.
    pub(crate) fn fields(self) -> Option<Vec<(String, &'a RawValue)>> {
        fields_of(self.0)
    }

    /// The raw JSON at a path of keys and indexes, digit for digit.
    pub(crate) fn raw(self, path: &[String]) -> Option<&'a str> {
        path.iter().try_fold(self.0, |text, key| match text.starts_with('[') {
            true => {
                let list = serde_json::from_str::<Vec<&RawValue>>(text).ok()?;
                list.get(index_in(key, list.len())?).map(|raw| raw.get())
            }
            false => fields_of(text)?.into_iter().rfind(|(name, _)| name == key).map(|(_, raw)| raw.get()),
        })
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Many items in one buffer of up to 4 GiB. Cloning shares the buffer.
///
/// ```
/// use opnode::Items;
///
/// #[derive(serde::Deserialize)]
/// struct Ticket {
///     id: u64,
/// }
///
/// // Digits, key order and escapes stay as they are.
/// let items = Items::from_array(r#"[{"id": 7, "rate": 1.10}, {"id": 8, "rate": 1e2}]"#)?;
/// assert_eq!(items.get(0).unwrap().as_str(), r#"{"id": 7, "rate": 1.10}"#);
/// assert_eq!(items.get(1).unwrap().parse::<Ticket>()?.id, 8);
///
/// let lines = Items::from_ndjson("{\"id\": 9}\n{\"id\": 10}\n")?;
/// assert_eq!(Items::concat(vec![items, lines]).len(), 4);
/// # Ok::<(), opnode::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Items {
    text: Arc<String>,
    spans: Arc<Vec<Span>>,
}

impl PartialEq for Items {
    /// Equal texts in the same order.
    fn eq(&self, other: &Items) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a == b)
    }
}

impl Eq for Items {}

impl<'de> Deserialize<'de> for Items {
    /// From JSON text; other formats do not keep how a value was written.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Items, D::Error> {
        let raw: Box<str> = Box::<RawValue>::deserialize(deserializer)?.into();
        Items::from_array(raw).map_err(|e| serde::de::Error::custom(&e.message))
    }
}

impl Items {
    /// The spans must be valid JSON on one line each; only readers of this crate call it.
    pub(crate) fn from_spans(text: String, spans: Vec<Span>) -> Items {
        Items { text: Arc::new(text), spans: Arc::new(spans) }
    }

    /// The elements of an array in a text. If only commas are between them, each gets its own line, for
    /// [`lines`](Self::lines).
    pub(crate) fn of_array(mut text: String, spans: Vec<Span>) -> Items {
        let pairs =
            || spans.iter().zip(spans.iter().skip(1)).map(|((_, end), (start, _))| (*end as usize, *start as usize));
        if cfg!(any(test, feature = "batch")) && pairs().all(|(end, start)| start == end + 1) {
            pairs().for_each(|(end, start)| text.replace_range(end..start, "\n"));
        }
        Items::from_spans(text, spans)
    }

    /// All items as lines, without the last line end, if they are stored like that.
    #[cfg(any(test, feature = "batch"))]
    pub(crate) fn lines(&self) -> Option<&str> {
        let (first, last) = (self.spans.first()?.0, self.spans.last()?.1);
        let mut pairs = self.spans.iter().zip(self.spans.iter().skip(1));
        let apart = pairs
            .all(|((_, end), (start, _))| *start == end + 1 && self.text.as_bytes().get(*end as usize) == Some(&b'\n'));
        apart.then(|| self.text.get(first as usize..last as usize)).flatten()
    }

    /// One item from its JSON text, already known to be valid.
    pub(crate) fn one(text: String) -> Items {
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Items::from_spans(text, vec![(0, end)])
    }

    /// Items from a JSON array.
    ///
    /// # Errors
    /// `invalid_items` with the place when the text is not a JSON array; `limit` above 4 GiB.
    pub fn from_array(text: impl Into<String>) -> Result<Items> {
        let text = text.into();
        check_size(text.len())?;
        let mut spans = Vec::new();
        let mut reader = serde_json::Deserializer::from_str(&text);
        ArraySpans { base: &text, spans: &mut spans }.deserialize(&mut reader).and_then(|()| reader.end()).map_err(
            |e| {
                let is_json = e.is_data();
                let why = if is_json { "another JSON value".into() } else { json_error::words(&e, &text) };
                Error::new(ErrorKind::InvalidItems, format!("the items are not a JSON array: {why}"))
                    .at(Place { line: Some(e.line() as u64), column: Some(e.column() as u64), ..Place::default() })
                    .advise("items are a JSON array of objects, such as [{\"id\": 1}], or one JSON object per line")
            },
        )?;
        Ok(Items::from_spans(one_line(text), spans))
    }

    /// Items from NDJSON: one JSON value per line, blank lines skipped. A text that starts with `[` is read as an
    /// array.
    ///
    /// # Errors
    /// `invalid_items` with the line when one is not JSON; `limit` above 4 GiB.
    pub fn from_ndjson(text: impl Into<String>) -> Result<Items> {
        let text = text.into();
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        if text.trim_start().starts_with('[') {
            return Items::from_array(text);
        }
        check_size(text.len())?;
        let mut spans = Vec::new();
        for (number, line) in text.split('\n').enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() {
                continue;
            }
            serde_json::from_str::<&RawValue>(trimmed).map_err(|e| {
                Error::new(
                    ErrorKind::InvalidItems,
                    format!("line {} of the items is not JSON: {}", number + 1, json_error::words(&e, trimmed)),
                )
                .at(Place { line: Some(number as u64 + 1), column: Some(e.column() as u64), ..Place::default() })
                .advise("give one JSON object per line, or one JSON array")
            })?;
            spans.push(span_in(&text, trimmed));
        }
        // A carriage return within a line is white space.
        Ok(Items::from_spans(one_line(text), spans))
    }

    /// Items from JSON values.
    #[must_use]
    pub fn from_values(values: &[serde_json::Value]) -> Items {
        let mut text = String::new();
        let mut spans = Vec::with_capacity(values.len());
        for value in values {
            let start = text.len() as u32;
            text.push_str(&value.to_string());
            spans.push((start, text.len() as u32));
        }
        Items::from_spans(text, spans)
    }

    /// All of them in one buffer; a single part is passed on without a copy.
    #[must_use]
    pub fn concat(parts: Vec<Items>) -> Items {
        let mut full: Vec<Items> = parts.into_iter().filter(|p| !p.is_empty()).collect();
        if full.len() < 2 {
            return full.pop().unwrap_or_default();
        }
        let mut text = String::with_capacity(full.iter().flat_map(Items::iter).map(|i| i.0.len()).sum());
        let mut spans = Vec::with_capacity(full.iter().map(Items::len).sum());
        for item in full.iter().flat_map(Items::iter) {
            let start = text.len() as u32;
            text.push_str(item.0);
            spans.push((start, text.len() as u32));
        }
        Items::from_spans(text, spans)
    }

    /// The number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The item at an index, from 0; `None` behind the last.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Item<'_>> {
        let (start, end) = *self.spans.get(index)?;
        self.text.get(start as usize..end as usize).map(Item)
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        self.spans.iter().filter_map(|&(start, end)| self.text.get(start as usize..end as usize)).map(Item)
    }

    /// The items as one JSON array.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::from("[");
        for (i, item) in self.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(item.0);
        }
        out.push(']');
        out
    }

    /// The items as values, for callers that inspect all of them. Numbers beyond 64 bits lose digits.
    ///
    /// # Errors
    /// `invalid_items` when a number cannot be represented (1e400).
    pub fn to_values(&self) -> Result<Vec<serde_json::Value>> {
        self.iter().map(Item::parse).collect()
    }

    /// The same items without those for which `keep` is false.
    #[must_use]
    pub fn retain(&self, mut keep: impl FnMut(Item<'_>) -> bool) -> Items {
        let spans = self
            .spans
            .iter()
            .copied()
            .filter(|&(s, e)| self.text.get(s as usize..e as usize).is_some_and(|t| keep(Item(t))))
            .collect();
        Items { text: Arc::clone(&self.text), spans: Arc::new(spans) }
    }

    /// A part of them, without a copy.
    #[cfg(feature = "ffi")]
    pub(crate) fn slice(&self, part: std::ops::Range<usize>) -> Items {
        Items { text: Arc::clone(&self.text), spans: Arc::new(self.spans.get(part).unwrap_or_default().to_vec()) }
    }

    /// The items in order, in parts of at most this many items and bytes, with at least one item each.
    #[cfg(feature = "ffi")]
    pub(crate) fn parts(&self, items_max: usize, bytes_max: usize) -> Vec<Items> {
        let mut parts = Vec::new();
        let (mut first, mut bytes) = (0, 0);
        for (index, item) in self.iter().enumerate() {
            let size = item.0.len() + 1;
            if index > first && (index - first >= items_max || bytes + size > bytes_max) {
                parts.push(self.slice(first..index));
                (first, bytes) = (index, 0);
            }
            bytes += size;
        }
        match first {
            0 if self.is_empty() => {}
            0 => parts.push(self.clone()),
            _ => parts.push(self.slice(first..self.len())),
        }
        parts
    }

    /// The first `count` of them.
    #[must_use]
    pub fn take(&self, count: usize) -> Items {
        let spans = self.spans.iter().copied().take(count).collect();
        Items { text: Arc::clone(&self.text), spans: Arc::new(spans) }
    }
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl serde::Serialize for Items {
    /// As raw JSON, digit for digit.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: Vec<&RawValue> = self
            .iter()
            .map(|i| serde_json::from_str(i.0))
            .collect::<Result<_, _>>()
            .map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Reads the elements of a JSON array as spans of the text.
pub(crate) struct ArraySpans<'s, 't> {
    pub(crate) base: &'t str,
    pub(crate) spans: &'s mut Vec<Span>,
}

impl<'de> DeserializeSeed<'de> for ArraySpans<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ArraySpans<'_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            self.spans.push(span_in(self.base, raw.get()));
        }
        Ok(())
    }
}

/// The position of a slice within the text that it borrows from.
fn span_in(base: &str, part: &str) -> Span {
    let start = part.as_ptr() as usize - base.as_ptr() as usize;
    (start as u32, (start + part.len()) as u32)
}

fn check_size(bytes: usize) -> Result<()> {
    if u32::try_from(bytes).is_err() {
        return Err(Error::new(ErrorKind::Limit, "the items are larger than 4 GiB in one buffer")
            .advise("give them in several calls"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Items;

    #[test]
    fn lines_are_those_of_the_text() {
        let spans = vec![(1, 2), (3, 7), (8, 10)];
        let items = Items::of_array("[1,true,{}]".to_owned(), spans.clone());
        assert_eq!(items.lines(), Some("1\ntrue\n{}"));
        assert_eq!(items.take(2).lines(), Some("1\ntrue"));
        assert_eq!(items.retain(|i| i.as_str() != "true").lines(), None);
        assert_eq!(items.to_json(), "[1,true,{}]");
        assert_eq!(Items::of_array("[1, true]".to_owned(), vec![(1, 2), (4, 8)]).lines(), None);
        assert_eq!(Items::one("7".to_owned()).lines(), Some("7"));
        assert_eq!(Items::default().lines(), None);
    }

    #[test]
    fn arrays_keep_their_bytes() {
        let items =
            Items::from_array("[ {\"n\": 1.10,\n \"big\":12345678901234567890123} , 1e400, \"\\ud800\" ]").unwrap();
        let texts: Vec<&str> = items.iter().map(|i| i.as_str()).collect();
        assert_eq!(texts, ["{\"n\": 1.10,  \"big\":12345678901234567890123}", "1e400", "\"\\ud800\""]);
    }

    #[test]
    fn ndjson_names_the_bad_line() {
        let error = Items::from_ndjson("{\"a\":1}\n\n{oops}\n").unwrap_err();
        assert_eq!(error.place.as_ref().unwrap().line, Some(3));
        let items = Items::from_ndjson("{\"a\":1\r}\r\n{\"a\":2}").unwrap();
        assert_eq!(items.to_json(), "[{\"a\":1 },{\"a\":2}]");
    }
}
