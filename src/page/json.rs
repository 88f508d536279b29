//! A JSON body to items and paging values, in one pass over its bytes. Pure.
//!
//! The places that an operation wants form a small tree over the body's keys; everything else is checked and passed over.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Around, Page, Unfit};
use crate::definition::{Operation, Pointer, ResultShape, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Elements, Items, Span, TOO_MANY, one_line};
use crate::paging;

/// What a place in the reply holds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Found {
    #[default]
    Absent,
    Null,
    List,
    Object,
    Scalar,
}

impl Found {
    const fn words(self) -> &'static str {
        match self {
            Found::Absent => "nothing",
            Found::Null => "null",
            Found::List => "a list",
            Found::Object => "a single object",
            Found::Scalar => "a single value",
        }
    }
}

#[derive(Default)]
struct Catch<'t> {
    items: Found,
    spans: Vec<Span>,
    raw: Option<&'t str>,
    signals: Vec<(usize, Value)>,
    /// A signal that is there and cannot be read.
    unusable: Option<usize>,
    twice: Option<String>,
    items_max: usize,
}

pub(super) fn read(operation: &Operation, text: String, items_max: usize, page: &mut Page) -> Result<(), Unfit> {
    let rule = &operation.response;
    let mut wants: Vec<&Pointer> = paging::wants(&operation.paging);
    wants.extend(&rule.total);
    wants.extend(&operation.connector.errors.success);
    let report = rule.result == ResultShape::Report;
    let target = if report { Pointer::default() } else { rule.items.clone() };
    let tree = Tree::new(&target, rule.result == ResultShape::List, &wants);
    let mut catch = Catch { items_max, ..Catch::default() };
    let mut reader = serde_json::Deserializer::from_str(&text);
    At { base: &text, node: &tree, catch: &mut catch }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|e| refused(&e, &text, items_max))
        .map_err(|(error, around)| Unfit::Unreadable(error, around))?;
    let Catch { items: found, spans, raw, signals, unusable, twice, .. } = catch;
    let raw = raw.map(|raw| crate::item::span_in(&text, raw));
    if let Some(pointer) = unusable.and_then(|i| wants.get(i)).filter(|p| !is_hint(operation, p)) {
        let message = format!("`{pointer}` in the reply steers the paging, but it is not a text that can be read");
        return Err(Unfit::Shape(Error::new(ErrorKind::BadResponse, message)));
    }
    if let Some(key) = twice {
        let message = format!("the reply holds the key `{key}` twice, so it is not clear which one counts");
        return Err(Unfit::Shape(Error::new(ErrorKind::BadResponse, message)));
    }
    page.signals = signals.into_iter().filter_map(|(i, v)| wants.get(i).map(|p| ((*p).clone(), v))).collect();
    page.items = match (rule.result, found) {
        (ResultShape::List, Found::List) => Items::from_spans(one_line(text), spans),
        (_, Found::Null) => Items::default(),
        (_, Found::Absent) if rule.optional || rule.result == ResultShape::None => Items::default(),
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, Found::Object) => spans_of(text, raw),
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, Found::Scalar) => wrapped(&text, raw, "value"),
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, Found::List) => {
            elements(text, raw, items_max).map_err(Unfit::Shape)?
        }
        (ResultShape::Count, Found::Scalar) => wrapped(&text, raw, "count"),
        (ResultShape::Report, Found::Object) => table(operation, &text, items_max).map_err(Unfit::Shape)?,
        (declared, found) => return Err(Unfit::Shape(contradiction(operation, declared, found))),
    };
    if page.items.iter().any(|item| is_deep(item.as_str())) {
        return Err(Unfit::Shape(too_deep()));
    }
    Ok(())
}

/// Levels of nesting that an item may have: as many as serde_json reads, so that every host can read what it gets.
const JSON_DEPTH: usize = 127;

fn too_deep() -> Error {
    Error::new(ErrorKind::Limit, format!("the reply is nested deeper than the limit json_depth ({JSON_DEPTH})"))
        .advise("leave the nested fields out of the query; this limit is fixed, because readers of JSON go no deeper")
}

fn too_many(max: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("the reply holds more items than the limit page_items ({max})"))
        .advise("ask for smaller pages, or raise `limits: { page_items }` of the connection")
}

/// Whether an item has more levels. Few records hold so many brackets at all, and only those are looked at byte by byte.
fn is_deep(item: &str) -> bool {
    let bytes = item.as_bytes();
    if memchr::memchr2_iter(b'[', b'{', bytes).nth(JSON_DEPTH).is_none() {
        return false;
    }
    let (mut depth, mut text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            b'[' | b'{' if !text => depth += 1,
            b']' | b'}' if !text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH {
            return true;
        }
    }
    false
}

fn contradiction(operation: &Operation, declared: ResultShape, found: Found) -> Error {
    let declared = match declared {
        ResultShape::List => "a list",
        ResultShape::Object => "an object",
        ResultShape::Count => "a count",
        ResultShape::None => "no body",
        ResultShape::File => "a file",
        ResultShape::Report => "a report",
        ResultShape::Text => "text",
    };
    let place = if operation.response.items.tokens().is_empty() {
        "the reply".to_owned()
    } else {
        format!("`{}` in the reply", operation.response.items)
    };
    Error::new(ErrorKind::BadResponse, format!("{place} should be {declared}, but is {}", found.words()))
        .advise(format!("if the vendor has changed this reply, correct `response` of {} in its definition", operation.id))
}

fn spans_of(text: String, raw: Option<Span>) -> Items {
    Items::from_spans(one_line(text), raw.into_iter().collect())
}

/// A lone value as an object with one key.
fn wrapped(text: &str, raw: Option<Span>, key: &str) -> Items {
    let value = raw.and_then(|(s, e)| text.get(s as usize..e as usize)).unwrap_or("null");
    Items::one(format!("{{\"{key}\":{}}}", one_line(value.to_owned())))
}

/// A list where one record was declared: its elements are the items (some servers answer a single read with an array of one).
fn elements(text: String, raw: Option<Span>, items_max: usize) -> Result<Items> {
    let Some(part) = raw.and_then(|(s, e)| text.get(s as usize..e as usize)) else { return Ok(Items::default()) };
    let offset = raw.map_or(0, |r| r.0);
    let mut spans = Vec::new();
    Elements { base: part, spans: &mut spans, max: items_max }
        .deserialize(&mut serde_json::Deserializer::from_str(part))
        .map_err(|e| refused(&e, part, items_max).0)?;
    let spans = spans.into_iter().map(|(s, e)| (s + offset, e + offset)).collect();
    Ok(Items::from_spans(one_line(text), spans))
}

/// A report: columns and rows become one object per row. Column definitions are names, or objects with one key: the name.
fn table(operation: &Operation, text: &str, items_max: usize) -> Result<Items> {
    let rule = &operation.response;
    let catch = |pointer: &Pointer| -> Result<Vec<&str>> {
        let tree = Tree::new(pointer, true, &[]);
        let mut catch = Catch { items_max, ..Catch::default() };
        let mut reader = serde_json::Deserializer::from_str(text);
        At { base: text, node: &tree, catch: &mut catch }.deserialize(&mut reader).map_err(|e| refused(&e, text, items_max).0)?;
        if catch.items != Found::List {
            return Err(Error::new(
                ErrorKind::BadResponse,
                format!("`{pointer}` in the report should be a list, but is {}", catch.items.words()),
            ));
        }
        Ok(catch.spans.iter().filter_map(|&(s, e)| text.get(s as usize..e as usize)).collect())
    };
    let columns: Vec<String> = catch(&rule.columns)?.into_iter().map(column_name).collect();
    let mut out = String::new();
    let mut spans = Vec::new();
    for row in catch(&rule.rows)? {
        let cells: Vec<&RawValue> =
            serde_json::from_str(row).map_err(|e| Error::new(ErrorKind::BadResponse, format!("a row of the report is not a list: {e}")))?;
        if cells.len() != columns.len() {
            return Err(Error::new(
                ErrorKind::BadResponse,
                format!("a row of the report has {} cells, but there are {} columns", cells.len(), columns.len()),
            ));
        }
        let start = out.len() as u32;
        let pairs: Vec<String> =
            columns.iter().zip(cells).map(|(name, cell)| format!("{}:{}", Value::from(name.as_str()), cell.get())).collect();
        out.push_str(&format!("{{{}}}", pairs.join(",")));
        spans.push((start, out.len() as u32));
    }
    Ok(Items::from_spans(one_line(out), spans))
}

fn column_name(raw: &str) -> String {
    match serde_json::from_str(raw) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        _ => raw.to_owned(),
    }
}

/// Why reading ended: too many items, or no JSON.
fn refused(error: &serde_json::Error, text: &str, items_max: usize) -> (Error, Around) {
    if error.to_string().starts_with(TOO_MANY) { (too_many(items_max), Around::default()) } else { unreadable(error, text) }
}

/// Why a body is not JSON: where, and what stands there.
fn unreadable(error: &serde_json::Error, text: &str) -> (Error, Around) {
    let deep = error.to_string().contains("recursion limit");
    if deep {
        return (too_deep(), Around::default());
    }
    let offset = if error.is_eof() {
        text.len()
    } else {
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>() + error.column().saturating_sub(1)
    };
    let what = error.to_string().split(" at line ").next().unwrap_or_default().to_owned();
    (Error::new(ErrorKind::BadResponse, format!("the reply is not JSON: {what} at byte {offset}")), Around::new(text, offset))
}

/// Which places of a reply are wanted, as a tree over its keys.
struct Tree {
    /// The items stand here; whether they are taken apart.
    items: Option<bool>,
    signal: Option<usize>,
    children: Vec<(String, Tree)>,
}

impl Tree {
    fn new(items: &Pointer, list: bool, signals: &[&Pointer]) -> Tree {
        let mut root = Tree { items: None, signal: None, children: Vec::new() };
        root.at(items).items = Some(list);
        for (i, pointer) in signals.iter().enumerate() {
            root.at(pointer).signal = Some(i);
        }
        root
    }

    fn at(&mut self, pointer: &Pointer) -> &mut Tree {
        let mut node = self;
        for token in pointer.tokens() {
            let known = node.children.iter().position(|(t, _)| t == token);
            let index = known.unwrap_or(node.children.len());
            if known.is_none() {
                node.children.push((token.clone(), Tree { items: None, signal: None, children: Vec::new() }));
            }
            // The index was found or pushed just above.
            #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
            {
                node = &mut node.children[index].1;
            }
        }
        node
    }
}

/// Reads one place of the reply.
struct At<'a, 't> {
    base: &'t str,
    node: &'a Tree,
    catch: &'a mut Catch<'t>,
}

impl<'t> DeserializeSeed<'t> for At<'_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        let take_apart = self.node.items == Some(true) || !self.node.children.is_empty();
        if take_apart && self.node.items != Some(false) && self.node.signal.is_none() {
            return deserializer.deserialize_any(self);
        }
        if self.node.items.is_none() && self.node.signal.is_none() {
            return <IgnoredAny as serde::Deserialize>::deserialize(deserializer).map(|_| ());
        }
        let raw = <&RawValue as serde::Deserialize>::deserialize(deserializer)?.get();
        if self.node.items.is_some() {
            self.catch.items = kind(raw);
            self.catch.raw = Some(raw);
        }
        if let Some(signal) = self.node.signal {
            match signal_value(raw) {
                Some(value) => self.catch.signals.push((signal, value)),
                None => self.catch.unusable = Some(signal),
            }
        }
        if !self.node.children.is_empty() && raw.starts_with('{') {
            let inner = At { base: self.base, node: self.node, catch: self.catch };
            serde_json::Deserializer::from_str(raw).deserialize_map(inner).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}

/// Bytes of a value that steers the paging; no address is longer.
const SIGNAL_MAX: usize = 64 << 10;

/// A value that steers the paging; `None` for one that is there and cannot be read, which must not pass for the end of the walk.
/// A number that would come out in other digits is kept as text, because it goes back to the server.
fn signal_value(raw: &str) -> Option<Value> {
    match kind(raw) {
        Found::List => Some(Value::Array(Vec::new())),
        Found::Object => Some(Value::Object(serde_json::Map::new())),
        Found::Absent | Found::Null => Some(Value::Null),
        Found::Scalar if raw.len() > SIGNAL_MAX => None,
        Found::Scalar if raw.starts_with('"') => serde_json::from_str(raw).ok(),
        Found::Scalar => {
            let exact = |value: &Value| value.to_string().as_str() == raw;
            Some(serde_json::from_str(raw).ok().filter(exact).unwrap_or_else(|| Value::from(raw)))
        }
    }
}

/// Whether a value is a total, which is a hint that may be anything.
fn is_hint(operation: &Operation, pointer: &Pointer) -> bool {
    let total = paging::total(&operation.paging).is_some_and(|source| *source == Source::Body(pointer.clone()));
    total || operation.response.total.as_ref() == Some(pointer)
}

fn kind(raw: &str) -> Found {
    match raw.as_bytes().first() {
        None => Found::Absent,
        Some(b'{') => Found::Object,
        Some(b'[') => Found::List,
        Some(b'n') => Found::Null,
        Some(_) => Found::Scalar,
    }
}

impl<'t> At<'_, 't> {
    fn note(self, found: Found) {
        if self.node.items == Some(true) {
            self.catch.items = found;
        }
    }
}

impl<'t> Visitor<'t> for At<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.note(Found::Scalar);
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.note(Found::Scalar);
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.note(Found::Scalar);
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.note(Found::Scalar);
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.note(Found::Scalar);
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.note(Found::Null);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.node.items == Some(true) {
            Elements { base: self.base, spans: &mut self.catch.spans, max: self.catch.items_max }.visit_seq(seq)?;
            self.catch.items = Found::List;
            return Ok(());
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        if self.node.items == Some(true) {
            self.catch.items = Found::Object;
        }
        let mut seen = vec![false; self.node.children.len()];
        while let Some(index) = map.next_key_seed(Key(self.node))? {
            let Some((name, child)) = index.and_then(|i| self.node.children.get(i)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if let Some(before) = index.and_then(|i| seen.get_mut(i)) {
                if *before {
                    self.catch.twice = Some(name.clone());
                }
                *before = true;
            }
            map.next_value_seed(At { base: self.base, node: child, catch: self.catch })?;
        }
        Ok(())
    }
}

/// Which wanted child a key names, without keeping the key.
struct Key<'a>(&'a Tree);

impl<'t> DeserializeSeed<'t> for Key<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.children.iter().position(|(name, _)| name == key))
    }
}
