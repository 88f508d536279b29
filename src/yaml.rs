//! YAML text to a tree that knows where each value stands. The only file that names the YAML reader; no file access.
//!
//! Every file that people write is read through this tree, so that any later fault can be shown at its line and column.

mod words;

use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use crate::error::{Error, ErrorKind, Place, Result};
use words::{advice, fixed, tidy};

/// Largest file, in bytes.
pub const BYTES_MAX: usize = 16 << 20;
/// Most nodes (keys and values) in one document.
pub const NODES_MAX: usize = 1_000_000;
/// Most parts that aliases unfold to: values, and the begin and the end of each list and map.
pub const ALIASED_MAX: usize = 100_000;
/// Deepest nesting.
pub const DEPTH_MAX: usize = 48;

/// A value with its place.
#[derive(Clone)]
pub(crate) struct Node {
    line: u64,
    column: u64,
    value: Inner,
}

#[derive(Clone)]
enum Inner {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone)]
struct Key {
    name: String,
    line: u64,
    column: u64,
}

/// A parsed document and the name under which its places are reported.
pub(crate) struct Document {
    file: String,
    prefix: String,
    root: Node,
    vouched: bool,
}

impl Document {
    /// Parses one document. `line_offset` is added to every line: the text may be a part of a file.
    pub(crate) fn parse(file: &str, text: &str, line_offset: u64) -> Result<Document> {
        Document::parse_as(file, text, line_offset, false)
    }

    /// The same for a part that may be vouched for: it is built in, and so tested. What costs time is not checked again, and places within it are not noted,
    /// which is most of the work.
    pub(crate) fn parse_as(file: &str, text: &str, line_offset: u64, vouched: bool) -> Result<Document> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > BYTES_MAX {
            return Err(fault(file, format!("it is larger than the limit yaml_bytes ({BYTES_MAX})"), None)
                .advise("split the file; this limit is fixed"));
        }
        let wrong = |e: serde_saphyr::Error| {
            let place = e.location().map(|l| (l.line() + line_offset, l.column()));
            let message = tidy(&e.without_snippet().to_string());
            let advice = fixed(&message).or_else(|| advice(text, place.map(|(line, _)| line - line_offset)));
            let mut error = fault(file, message, place);
            if let Some(advice) = advice {
                error = error.advise(advice);
            }
            error
        };
        let mut root = if vouched {
            serde_saphyr::from_str_with_options::<Bare>(text, options()).map_err(wrong)?.0
        } else {
            serde_saphyr::from_str_with_options::<Spanned<Placed>>(text, options()).map_err(wrong)?.into()
        };
        root.shift(line_offset);
        Ok(Document { file: file.to_owned(), prefix: String::new(), root, vouched })
    }

    /// The keys of the map at a pointer, in order.
    pub(crate) fn keys(&self, pointer: &str) -> Vec<&str> {
        match self.root.find(pointer).map(|n| &n.value) {
            Some(Inner::Map(map)) => map.iter().map(|(k, _)| k.name.as_str()).collect(),
            Some(Inner::Scalar(_) | Inner::List(_)) | None => Vec::new(),
        }
    }

    /// One entry of a section as a document of its own: a map with one key.
    pub(crate) fn entry(&self, section: &str, name: &str) -> Option<Document> {
        let Inner::Map(map) = &self.root.child(section)?.value else { return None };
        let entry = map.iter().find(|(k, _)| k.name == name)?.clone();
        let root = Node { line: entry.0.line, column: entry.0.column, value: Inner::Map(vec![entry]) };
        Some(Document { file: self.file.clone(), prefix: format!("/{section}"), root, vouched: self.vouched })
    }

    /// Whether it is vouched for.
    pub(crate) fn is_vouched(&self) -> bool {
        self.vouched
    }

    /// The same document with every reported pointer under a prefix.
    pub(crate) fn under(mut self, prefix: &str) -> Document {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// The document as a typed mirror; `None` when it does not fit, which a schema check then explains fault by fault.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        T::deserialize(&self.root)
    }

    /// The document as a JSON value.
    pub(crate) fn to_value(&self) -> Value {
        self.root.to_value()
    }

    /// The place of a JSON Pointer; the nearest parent's place when the field itself is absent.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        let (line, column) = self.root.locate(pointer);
        Place { file: Some(self.file.clone()), line: Some(line), column: Some(column), field: Some(format!("{}{pointer}", self.prefix)) }
    }

    /// The place of a key itself, for faults that are about the name.
    pub(crate) fn place_of_key(&self, parent: &str, key: &str) -> Place {
        let (line, column) = self.root.find(parent).and_then(|n| n.key(key)).unwrap_or_else(|| self.root.locate(parent));
        Place {
            file: Some(self.file.clone()),
            line: Some(line),
            column: Some(column),
            field: Some(format!("{}{parent}/{}", self.prefix, escape(key))),
        }
    }
}

impl Node {
    fn to_value(&self) -> Value {
        match &self.value {
            Inner::Scalar(value) => value.clone(),
            Inner::List(list) => Value::Array(list.iter().map(Node::to_value).collect()),
            Inner::Map(map) => Value::Object(map.iter().map(|(k, v)| (k.name.clone(), v.to_value())).collect::<Map<_, _>>()),
        }
    }

    fn shift(&mut self, lines: u64) {
        self.line += lines;
        match &mut self.value {
            Inner::Scalar(_) => {}
            Inner::List(list) => list.iter_mut().for_each(|n| n.shift(lines)),
            Inner::Map(map) => map.iter_mut().for_each(|(k, n)| {
                k.line += lines;
                n.shift(lines);
            }),
        }
    }

    fn child(&self, token: &str) -> Option<&Node> {
        match &self.value {
            Inner::Scalar(_) => None,
            Inner::List(list) => token.parse::<usize>().ok().and_then(|i| list.get(i)),
            Inner::Map(map) => map.iter().find(|(k, _)| k.name == token).map(|(_, v)| v),
        }
    }

    fn key(&self, name: &str) -> Option<(u64, u64)> {
        match &self.value {
            Inner::Map(map) => map.iter().find(|(k, _)| k.name == name).map(|(k, _)| (k.line, k.column)),
            Inner::Scalar(_) | Inner::List(_) => None,
        }
    }

    fn find(&self, pointer: &str) -> Option<&Node> {
        pointer.split('/').skip(1).try_fold(self, |node, token| node.child(&unescape(token)))
    }

    fn locate(&self, pointer: &str) -> (u64, u64) {
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            match node.child(&unescape(token)) {
                Some(child) => node = child,
                None => break,
            }
        }
        (node.line, node.column)
    }
}

/// What serde says when a tree does not fit a type.
#[derive(Debug)]
pub(crate) struct Misfit(String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Misfit {
        Misfit(message.to_string())
    }
}

impl<'de> IntoDeserializer<'de, Misfit> for &'de Node {
    type Deserializer = &'de Node;
    fn into_deserializer(self) -> &'de Node {
        self
    }
}

impl<'de> IntoDeserializer<'de, Misfit> for &'de Key {
    type Deserializer = StrDeserializer<'de, Misfit>;
    fn into_deserializer(self) -> Self::Deserializer {
        self.name.as_str().into_deserializer()
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            Inner::Scalar(value) => value.deserialize_any(visitor).map_err(serde::de::Error::custom),
            Inner::List(list) => visitor.visit_seq(SeqDeserializer::new(list.iter())),
            Inner::Map(map) => visitor.visit_map(MapDeserializer::new(map.iter().map(|(k, v)| (k, v)))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            Inner::Scalar(Value::Null) => visitor.visit_none(),
            Inner::Scalar(_) | Inner::List(_) | Inner::Map(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            Inner::Map(map) if map.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(map.iter().map(|(k, v)| (k, v)))))
            }
            Inner::Scalar(Value::String(name)) => visitor.visit_enum(name.as_str().into_deserializer()),
            Inner::Scalar(_) | Inner::List(_) | Inner::Map(_) => Err(serde::de::Error::custom("expected one name, or a map with one key")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

impl From<Spanned<Placed>> for Node {
    fn from(spanned: Spanned<Placed>) -> Node {
        Node { line: spanned.referenced.line(), column: spanned.referenced.column(), value: spanned.value.0 }
    }
}

/// A value in which places are noted.
struct Placed(Inner);

/// A value in which they are not.
struct Bare(Node);

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Placed, D::Error> {
        deserializer.deserialize_any(InnerVisitor::<true>).map(Placed)
    }
}

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bare, D::Error> {
        deserializer.deserialize_any(InnerVisitor::<false>).map(|value| Bare(Node { line: 0, column: 0, value }))
    }
}

struct InnerVisitor<const PLACED: bool>;

impl<'de, const PLACED: bool> Visitor<'de> for InnerVisitor<PLACED> {
    type Value = Inner;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Inner, E> {
        Ok(Inner::Scalar(Value::Bool(v)))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Inner, E> {
        Ok(Inner::Scalar(Value::from(v)))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Inner, E> {
        Ok(Inner::Scalar(Value::from(v)))
    }
    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Inner, E> {
        Number::from_f64(v).map(|n| Inner::Scalar(Value::Number(n))).ok_or_else(|| E::custom("this number cannot be written in JSON"))
    }
    fn visit_str<E>(self, v: &str) -> Result<Inner, E> {
        Ok(Inner::Scalar(Value::from(v)))
    }
    fn visit_unit<E>(self) -> Result<Inner, E> {
        Ok(Inner::Scalar(Value::Null))
    }
    fn visit_none<E>(self) -> Result<Inner, E> {
        Ok(Inner::Scalar(Value::Null))
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Inner, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Inner, A::Error> {
        let mut list = Vec::new();
        while let Some(node) =
            if PLACED { seq.next_element::<Spanned<Placed>>()?.map(Node::from) } else { seq.next_element::<Bare>()?.map(|bare| bare.0) }
        {
            list.push(node);
        }
        Ok(Inner::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inner, A::Error> {
        let mut entries = Vec::new();
        while PLACED && let Some((key, value)) = map.next_entry::<Spanned<String>, Spanned<Placed>>()? {
            let at = key.referenced;
            entries.push((Key { name: key.value, line: at.line(), column: at.column() }, Node::from(value)));
        }
        while !PLACED && let Some((name, value)) = map.next_entry::<String, Bare>()? {
            entries.push((Key { name, line: 0, column: 0 }, value.0));
        }
        Ok(Inner::Map(entries))
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_nodes: NODES_MAX,
            // A node makes at most two, and the limit that is told is that of the nodes.
            max_events: 3 * NODES_MAX,
            max_documents: 1,
            // What aliases may come to is told by the limit below, whatever the number of anchors.
            max_aliases: NODES_MAX,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIASED_MAX,
        },
    }
}

fn fault(file: &str, message: String, place: Option<(u64, u64)>) -> Error {
    Error::new(ErrorKind::Definition, format!("not readable as YAML: {message}")).at(Place {
        file: Some(file.to_owned()),
        line: place.map(|p| p.0),
        column: place.map(|p| p.1),
        field: None,
    })
}

/// A key as a JSON Pointer token (RFC 6901, section 3).
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Lines that a text has at most; YAML also ends them with a carriage return alone.
#[cfg(all(feature = "batch", feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) fn lines(text: &str) -> u64 {
    text.split(['\n', '\r']).count() as u64
}

#[cfg(test)]
mod tests {
    use super::Document;

    #[test]
    fn places_are_those_of_the_file() {
        let doc = Document::parse("a.yaml", "a:\n  é: [1, {b: x}]\n", 10).unwrap();
        assert_eq!(doc.place("/a/é/1/b").to_string(), "a.yaml:12:14 /a/é/1/b");
        assert_eq!(doc.place_of_key("/a", "é").to_string(), "a.yaml:12:3 /a/é");
        let doc = Document::parse("a.yaml", "a: 1\rb: 2\r\nc: 3", 0).unwrap();
        assert_eq!((doc.place("/b").line, doc.place("/c").line), (Some(2), Some(3)));
    }

    #[test]
    fn yaml_1_2_reading() {
        let doc = Document::parse("a", "{a: NO, b: on, c: 012, d: 1_000, e: 12:30, f: 2020-01-01, g: true, h: 0x10, i: ~}", 0).unwrap();
        let json = serde_json::json!({"a": "NO", "b": "on", "c": "012", "d": "1_000", "e": "12:30", "f": "2020-01-01", "g": true, "h": 16, "i": null});
        assert_eq!(doc.to_value(), json);
    }

    fn refused(text: &str, limit: &str) {
        let error = Document::parse("a.yaml", text, 0).err().unwrap_or_else(|| panic!("{limit}: accepted"));
        assert!(error.message.contains(limit) && error.advice.as_ref().is_some_and(|a| a.contains("this limit is fixed")), "{error:?}");
    }

    #[test]
    fn depth_holds_at_the_limit_and_not_beyond() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Document::parse("a", &nested(super::DEPTH_MAX), 0).is_ok());
        refused(&nested(super::DEPTH_MAX + 1), "yaml_depth (48)");
        refused(&nested(100_000), "yaml_depth (48)");
    }

    #[test]
    fn nodes_hold_at_the_limit_and_not_beyond() {
        // The list itself is a node.
        let many = |nodes: usize| format!("[{}1]", "1,".repeat(nodes - 2));
        assert!(Document::parse("a", &many(super::NODES_MAX), 0).is_ok());
        refused(&many(super::NODES_MAX + 1), "yaml_nodes (1000000)");
    }

    #[test]
    fn aliases_hold_at_the_limit_and_not_beyond() {
        let many = |aliases: usize| format!("[&a 1{}]", ", *a".repeat(aliases));
        assert!(Document::parse("a", &many(super::ALIASED_MAX), 0).is_ok());
        refused(&many(super::ALIASED_MAX + 1), "yaml_aliases (100000)");
    }

    #[test]
    fn bytes_hold_at_the_limit_and_not_beyond() {
        let long = |bytes: usize| format!("a: {}", "x".repeat(bytes - 3));
        assert!(Document::parse("a", &long(super::BYTES_MAX), 0).is_ok());
        refused(&long(super::BYTES_MAX + 1), "yaml_bytes (16777216)");
    }

    #[test]
    fn bombs_of_aliases_end_at_a_budget() {
        let nine = |name: &str| format!("[{}]", [name; 9].join(","));
        let laughs: String = (1..9).map(|n| format!("l{n}: &l{n} {}\n", nine(&format!("*l{}", n - 1)))).collect();
        let quadratic = format!("a: &a [{}]\nb: [{}]\n", vec!["x"; 5_000].join(","), vec!["*a"; 5_000].join(","));
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 5_000].join(","));
        for text in [format!("l0: &l0 {}\n{laughs}", nine("x")), quadratic, long] {
            refused(&text, "the limit");
        }
        let key = format!("{}: 1", "k".repeat(100_000));
        assert!(Document::parse("a", &key, 0).is_err(), "a key of 100,000 characters");
    }

    #[test]
    fn odd_documents_are_read_or_refused() {
        let read = |text: &str| Document::parse("a", text, 0).map(|d| d.to_value().to_string()).map_err(|e| e.message.clone());
        for (text, expected) in [
            ("\u{feff}a: 1", r#"{"a":1}"#),
            ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", r#"{"a":1,"b":"x\ny\n"}"#),
            ("", "null"),
            ("# nothing\n", "null"),
            ("--- {a: 1}\n...\n", r#"{"a":1}"#),
            ("a: !!str 12", r#"{"a":"12"}"#),
            ("a: '1.10'", r#"{"a":"1.10"}"#),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text:?}");
        }
        for text in ["a: \0", "a: 1\n--- {b: 2}\n", "a: &x {b: 1}\nc: {<<: *x}", "a:\n\tb: 1", "a: *nobody", "a: !!binary '*'"] {
            assert!(read(text).is_err(), "{text:?}: {:?}", read(text));
        }
    }

    #[test]
    fn faults_have_a_place() {
        for text in ["a: 1\na: 2\n", "a: [1\n", "a: &x 1\n<<: *x\n", "a: 1\n---\nb: 2\n", "a: b: c\n"] {
            let error = Document::parse("a.yaml", text, 0).err().unwrap_or_else(|| panic!("{text:?} was accepted"));
            assert!(error.place.as_ref().unwrap().line.is_some(), "{text:?}: {error:?}");
        }
    }
}
