//! YAML text to a tree with positions. The only file that uses the YAML reader; no file access.
//!
//! Every user-written file is read through this tree, so that later faults can be reported with line and column.

#[cfg(feature = "batch")]
mod merge;
mod options;
mod overridden;
mod patch;
#[cfg(test)]
mod tests;
mod tree;
mod words;

use std::fmt;
use std::sync::OnceLock;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::digits::{has_digits, is_number};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::{escape, unescape};
use crate::json_text::fields_of;
use options::options;
pub use options::{ALIASED_MAX, DEPTH_MAX, NODES_MAX};
pub(crate) use overridden::{StaleKind, StaleOverride};
pub(crate) use tree::Node;
use tree::{Bare, Entries, NodeKey, NodeValue, Placed};
use words::{Words, slip, stands_as_key, words};

/// Maximum size of a file, in bytes.
pub const BYTES_MAX: usize = 16 << 20;
/// A parsed document, and the file name for its places.
pub(crate) struct Document {
    file: String,
    prefix: String,
    origin: Origin,
    /// Without positions, unless it is a part of a tree that has them.
    tree: OnceLock<Node>,
    /// With positions: costs most of the work, and is needed only for faults.
    placed: OnceLock<Node>,
    /// Parts of other files.
    parts: Vec<DocumentPart>,
}

/// Maximum nesting of a file that others wrote.
#[cfg(feature = "cli")]
const FOREIGN_DEPTH_MAX: usize = 120;
/// Maximum number of nodes of a file that others wrote.
#[cfg(feature = "cli")]
const FOREIGN_NODES_MAX: usize = 20_000_000;

/// Reads a file that others wrote, such as a description of an API: larger, with merge keys, and the last of two equal
/// keys counts.
#[cfg(feature = "cli")]
pub(crate) fn read_foreign<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    let mut options = options();
    options.merge_keys = serde_saphyr::MergeKeyPolicy::default();
    options.duplicate_keys = serde_saphyr::DuplicateKeyPolicy::LastWins;
    options.alias_limits.max_total_replayed_events = FOREIGN_NODES_MAX / 10;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = FOREIGN_DEPTH_MAX;
        budget.max_nodes = FOREIGN_NODES_MAX;
        budget.max_events = 3 * FOREIGN_NODES_MAX;
        budget.max_aliases = FOREIGN_NODES_MAX;
    }
    serde_saphyr::from_str_with_options(text, options).map_err(|error| foreign_fault(&error.to_string()))
}

/// Limits of the library in plain words.
#[cfg(feature = "cli")]
fn foreign_fault(text: &str) -> String {
    let known = [
        ("Documents {", "it has several documents, separated by `---`: write one into a file of its own"),
        ("budget breached", "it is too large or nested too deep, or its aliases repeat too much"),
        ("recursive references", "an alias contains itself"),
    ];
    known.iter().find(|(word, _)| text.contains(word)).map_or_else(|| text.to_owned(), |(_, says)| (*says).to_owned())
}

/// The key that names a part.
#[cfg(feature = "batch")]
pub(crate) const INCLUDE: &str = "include";

/// A document of another file within a document.
struct DocumentPart {
    /// The place in the whole.
    at: String,
    /// The place in the part.
    from: String,
    document: std::sync::Arc<Document>,
}

enum Origin {
    /// The text, and the number of lines before it in its file.
    Text(Box<str>, u64),
    /// A built-in part, as the JSON of the build script, and the number of lines before it in its file.
    BuiltIn(&'static str, u64),
    /// A part of a tree.
    Tree,
}

impl Document {
    /// Parses one document. `line_offset` is added to every line, for a text that is a part of a file.
    pub(crate) fn parse(file: &str, text: &str, line_offset: u64) -> Result<Document> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > BYTES_MAX {
            return Err(fault(file, format!("it is larger than the limit yaml_bytes ({BYTES_MAX})"), None)
                .advise("split the file; this limit is fixed"));
        }
        let Bare(tree) = serde_saphyr::from_str_with_options(text, options()).map_err(|e| {
            let place = e.location().map(|l| (l.line() + line_offset, l.column()));
            let at = e.location().map(|l| (l.line(), l.column()));
            let is_named = |key: &str| !text.contains("connections") || stands_as_key(text, at, key);
            let Words { message, advice } = words(&e, &is_named);
            let advice = advice.or_else(|| slip(text, place.map(|(line, _)| line - line_offset)));
            let mut error = fault(file, message, place);
            if let Some(advice) = advice {
                error = error.advise(advice);
            }
            error
        })?;
        Ok(Document::of(file, Origin::Text(text.into(), line_offset), tree.into()))
    }

    /// A built-in part. It is tested and trusted: costly checks are skipped, and its places are its first line.
    pub(crate) fn built_in(file: &str, json: &'static str, line: u64) -> Document {
        Document::of(file, Origin::BuiltIn(json, line), OnceLock::new())
    }

    fn of(file: &str, origin: Origin, tree: OnceLock<Node>) -> Document {
        Document {
            file: file.to_owned(),
            prefix: String::new(),
            origin,
            tree,
            placed: OnceLock::new(),
            parts: Vec::new(),
        }
    }

    fn tree(&self) -> &Node {
        self.tree.get_or_init(|| match self.origin {
            Origin::BuiltIn(json, line) => Node::of_json(json).shift(line + 1),
            // Created with their trees.
            Origin::Text(..) | Origin::Tree => Node::null(0),
        })
    }

    fn placed(&self) -> &Node {
        match &self.origin {
            Origin::Text(text, lines) => self.placed.get_or_init(|| {
                let placed = serde_saphyr::from_str_with_options::<Spanned<Placed>>(text, options());
                placed.map_or_else(|_| Node::null(*lines), |spanned| Node::from(spanned).spelled(text).shift(*lines))
            }),
            Origin::BuiltIn(..) | Origin::Tree => self.tree(),
        }
    }

    /// The keys of the map at a pointer, in order.
    pub(crate) fn keys(&self, pointer: &str) -> Vec<&str> {
        match self.tree().find(pointer).map(|n| &n.value) {
            Some(NodeValue::Map(map)) => map.iter().map(|(k, _)| k.name.as_str()).collect(),
            Some(NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::List(_)) | None => Vec::new(),
        }
    }

    /// Whether a section has an entry of this name.
    pub(crate) fn has_entry(&self, section: &str, name: &str) -> bool {
        self.tree().child(section).and_then(|section| section.child(name)).is_some()
    }

    /// The number of elements of the list at a pointer.
    pub(crate) fn list_len(&self, pointer: &str) -> usize {
        match self.tree().find(pointer).map(|node| &node.value) {
            Some(NodeValue::List(list)) => list.len(),
            Some(NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::Map(_)) | None => 0,
        }
    }

    /// One entry of a section as a separate document: a map with one key.
    pub(crate) fn entry(&self, section: &str, name: &str) -> Option<Document> {
        let NodeValue::Map(map) = &self.placed().child(section)?.value else { return None };
        let entry = map.find(name)?.clone();
        let root =
            Node { line: entry.0.line, column: entry.0.column, value: NodeValue::Map(Entries::new(vec![entry])) };
        Some(Document::of(&self.file, Origin::Tree, root.into()).under(&format!("/{section}")))
    }

    /// Whether it is trusted.
    pub(crate) fn is_vouched(&self) -> bool {
        matches!(self.origin, Origin::BuiltIn(..))
    }

    /// The same document with a prefix for every reported pointer.
    pub(crate) fn under(mut self, prefix: &str) -> Document {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// The document as a mirror; `None` if it does not fit, which a schema check then explains.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        match self.origin {
            Origin::BuiltIn(json, _) if has_digits(json) => T::deserialize(self.tree()),
            Origin::BuiltIn(json, _) => serde_json::from_str(json).map_err(|e| Misfit(e.to_string())),
            Origin::Text(..) if self.tree().has_digits() => T::deserialize(self.placed()),
            Origin::Text(..) | Origin::Tree => T::deserialize(self.tree()),
        }
    }

    /// All keys and values, in order.
    #[cfg(test)]
    pub(crate) fn outline(&self) -> String {
        fn write(node: &Node, out: &mut String) {
            match &node.value {
                NodeValue::Digits(_) | NodeValue::Scalar(_) => *out += &node.to_json(),
                NodeValue::List(list) => list.iter().for_each(|n| {
                    *out += "\n- ";
                    write(n, out);
                }),
                NodeValue::Map(map) => map.iter().for_each(|(k, n)| {
                    *out += &format!("\n{:?}: ", k.name);
                    write(n, out);
                }),
            }
        }
        let mut out = String::new();
        write(self.tree(), &mut out);
        out
    }

    /// The document as a JSON value.
    pub(crate) fn to_value(&self) -> Value {
        self.tree().to_value()
    }

    /// The name of its file.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The part at a pointer, and the pointer in it.
    fn part(&self, pointer: &str) -> Option<(&Document, String)> {
        let found = self.parts.iter().filter_map(|part| {
            let rest = pointer.strip_prefix(part.at.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((part, rest))
        });
        let (part, rest) = found.max_by_key(|(part, _)| part.at.len())?;
        Some((&part.document, format!("{}{rest}", part.from)))
    }

    /// The place of a JSON Pointer, or of its nearest parent if the field is absent.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        if let Some((part, pointer)) = self.part(pointer) {
            return part.place(&pointer);
        }
        let (line, column) = self.placed().locate(pointer);
        Place {
            file: Some(self.file.clone()),
            line: Some(line),
            column: Some(column),
            field: Some(format!("{}{pointer}", self.prefix)),
        }
    }

    /// The place of a key, for faults about the name.
    pub(crate) fn place_of_key(&self, parent: &str, key: &str) -> Place {
        if let Some((part, pointer)) = self.part(&format!("{parent}/{}", escape(key))) {
            let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            return part.place_of_key(parent, key);
        }
        let (line, column) =
            self.placed().find(parent).and_then(|n| n.key(key)).unwrap_or_else(|| self.placed().locate(parent));
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
            NodeValue::Digits(digits) => near(&digits.text),
            NodeValue::Scalar(value) => value.clone(),
            NodeValue::List(list) => Value::Array(list.iter().map(Node::to_value).collect()),
            NodeValue::Map(map) => {
                Value::Object(map.iter().map(|(k, v)| (k.name.clone(), v.to_value())).collect::<Map<_, _>>())
            }
        }
    }

    /// The JSON from the build script.
    fn of_json(json: &str) -> Node {
        let node = |value: NodeValue| Node { line: 0, column: 0, value };
        if is_number(json) {
            return node(NodeValue::number(json));
        }
        if let Some(fields) = fields_of(json) {
            let entry =
                |(name, raw): (String, &RawValue)| (NodeKey { name, line: 0, column: 0 }, Node::of_json(raw.get()));
            return node(NodeValue::Map(Entries::new(fields.into_iter().map(entry).collect())));
        }
        match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(list) => node(NodeValue::List(list.into_iter().map(|raw| Node::of_json(raw.get())).collect())),
            Err(_) => node(NodeValue::Scalar(serde_json::from_str(json).unwrap_or_default())),
        }
    }

    fn null(line: u64) -> Node {
        Node { line, column: 0, value: NodeValue::Scalar(Value::Null) }
    }

    fn shift(mut self, lines: u64) -> Node {
        self.add(lines);
        self
    }

    fn add(&mut self, lines: u64) {
        self.line += lines;
        self.column = self.column.max(1);
        match &mut self.value {
            NodeValue::Digits(_) | NodeValue::Scalar(_) => {}
            NodeValue::List(list) => list.iter_mut().for_each(|n| n.add(lines)),
            NodeValue::Map(map) => map.iter_mut().for_each(|(k, n)| {
                k.line += lines;
                k.column = k.column.max(1);
                n.add(lines);
            }),
        }
    }

    fn child(&self, token: &str) -> Option<&Node> {
        match &self.value {
            NodeValue::Digits(_) | NodeValue::Scalar(_) => None,
            NodeValue::List(list) => token.parse::<usize>().ok().and_then(|i| list.get(i)),
            NodeValue::Map(map) => map.find(token).map(|(_, v)| v),
        }
    }

    fn key(&self, name: &str) -> Option<(u64, u64)> {
        match &self.value {
            NodeValue::Map(map) => map.find(name).map(|(k, _)| (k.line, k.column)),
            NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::List(_) => None,
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

/// A type with this name receives a value's JSON, numbers by their text.
pub(super) const AS_JSON: &str = "opnode::yaml::AsJson";

/// The nearest 64-bit value.
fn near(number: &str) -> Value {
    let small = number.parse::<i64>().map(Value::from);
    small.or_else(|_| crate::json_text::value_of(number)).unwrap_or_default()
}

/// The error of serde if a tree does not fit a type.
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

impl<'de> IntoDeserializer<'de, Misfit> for &'de NodeKey {
    type Deserializer = StrDeserializer<'de, Misfit>;
    fn into_deserializer(self) -> Self::Deserializer {
        self.name.as_str().into_deserializer()
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            NodeValue::Digits(digits) => near(&digits.text).deserialize_any(visitor).map_err(serde::de::Error::custom),
            NodeValue::Scalar(value) => value.deserialize_any(visitor).map_err(serde::de::Error::custom),
            NodeValue::List(list) => visitor.visit_seq(SeqDeserializer::new(list.iter())),
            NodeValue::Map(map) => visitor.visit_map(MapDeserializer::new(map.iter().map(|(k, v)| (k, v)))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.value {
            NodeValue::Scalar(Value::Null) => visitor.visit_none(),
            NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::List(_) | NodeValue::Map(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match &self.value {
            NodeValue::Map(map) if map.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(map.iter().map(|(k, v)| (k, v)))))
            }
            NodeValue::Scalar(Value::String(name)) => visitor.visit_enum(name.as_str().into_deserializer()),
            NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::List(_) | NodeValue::Map(_) => {
                Err(serde::de::Error::custom("expected one name, or a map with one key"))
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        if name == AS_JSON { visitor.visit_string(self.to_json()) } else { self.deserialize_any(visitor) }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

fn fault(file: &str, message: String, place: Option<(u64, u64)>) -> Error {
    Error::new(ErrorKind::Definition, format!("invalid YAML: {message}")).at(Place {
        file: Some(file.to_owned()),
        line: place.map(|p| p.0),
        column: place.map(|p| p.1),
        field: None,
    })
}

/// Maximum number of lines of a text; a carriage return alone also ends a line in YAML.
#[cfg(all(feature = "batch", feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) fn lines(text: &str) -> u64 {
    text.split(['\n', '\r']).count() as u64
}
