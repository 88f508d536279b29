//! The tree of a YAML text: values with positions, and numbers with their text. Pure; also used by the build script.
//!
//! The YAML reader gives numbers with 64 bits. Where that may lose digits, their text is taken from its position.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::Spanned;

/// A value with its place.
#[derive(Clone)]
pub(crate) struct Node {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) value: NodeValue,
}

#[derive(Clone)]
pub(super) enum NodeValue {
    /// A number by its text, if its value may not be exact.
    Digits(Digits),
    Scalar(Value),
    List(Vec<Node>),
    Map(Entries),
}

/// The entries of a map in order. A large map has an index, so that many faults in one map take linear time.
#[derive(Clone, Default)]
pub(super) struct Entries {
    list: Vec<(NodeKey, Node)>,
    index: OnceLock<HashMap<Box<str>, usize>>,
}

/// Maximum number of entries that are searched without an index.
const FEW: usize = 32;

impl Entries {
    pub(super) fn new(list: Vec<(NodeKey, Node)>) -> Entries {
        Entries { list, index: OnceLock::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn as_slice(&self) -> &[(NodeKey, Node)] {
        &self.list
    }

    pub(super) fn into_list(self) -> Vec<(NodeKey, Node)> {
        self.list
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (NodeKey, Node)> {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, (NodeKey, Node)> {
        self.list.iter_mut()
    }

    pub(super) fn find(&self, name: &str) -> Option<&(NodeKey, Node)> {
        if self.list.len() <= FEW {
            return self.list.iter().find(|(key, _)| key.name == name);
        }
        let all =
            || self.list.iter().enumerate().map(|(number, (key, _))| (key.name.as_str().into(), number)).collect();
        self.list.get(*self.index.get_or_init(all).get(name)?)
    }
}

#[derive(Clone)]
pub(super) struct NodeKey {
    pub(super) name: String,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// A number as JSON writes it.
#[derive(Clone)]
pub(super) struct Digits {
    pub(super) text: Box<str>,
    /// Its position in the document, if it was determined.
    at: Option<(usize, usize)>,
}

impl Digits {
    fn new(text: &str) -> Digits {
        Digits { text: text.into(), at: None }
    }

    /// Takes its text from the document.
    fn spell(&mut self, document: &str) {
        let spelled = self.at.and_then(|(from, to)| document.get(from..to)).and_then(json_number);
        if let Some(text) = spelled {
            self.text = text.into();
        }
    }
}

/// A YAML number as JSON: `+1.10` is `1.10`, `.5` is `0.5`, `1.` is `1`. `None` for other texts.
fn json_number(text: &str) -> Option<String> {
    // A tag or an anchor may precede it.
    let text = text.split_ascii_whitespace().last()?;
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.strip_prefix('+').unwrap_or(text)), |rest| ("-", rest));
    let (mantissa, power) = rest.find(['e', 'E']).map_or((rest, ""), |at| rest.split_at(at));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    let exponent = power.get(1..).map(|p| p.strip_prefix(['+', '-']).unwrap_or(p));
    if !plain(whole)
        || !plain(fraction)
        || exponent.is_some_and(|p| p.is_empty() || !plain(p))
        || whole.len() + fraction.len() == 0
    {
        return None;
    }
    let whole = Some(whole.trim_start_matches('0')).filter(|digits| !digits.is_empty()).unwrap_or("0");
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}{power}"))
}

impl NodeValue {
    /// A number of JSON.
    pub(super) fn number(text: &str) -> NodeValue {
        text.parse::<i64>()
            .ok()
            .filter(|n| *n != 0 || text == "0")
            .map_or_else(|| NodeValue::Digits(Digits::new(text)), |n| NodeValue::Scalar(n.into()))
    }
}

impl Node {
    /// Whether a number in it needs its text, which only a tree with positions has.
    pub(super) fn has_digits(&self) -> bool {
        match &self.value {
            NodeValue::Digits(_) => true,
            NodeValue::Scalar(_) => false,
            NodeValue::List(list) => list.iter().any(Node::has_digits),
            NodeValue::Map(map) => map.iter().any(|(_, node)| node.has_digits()),
        }
    }

    /// Sets the text of numbers from the document.
    pub(super) fn spelled(mut self, document: &str) -> Node {
        self.spell(document);
        self
    }

    fn spell(&mut self, document: &str) {
        match &mut self.value {
            NodeValue::Digits(digits) => digits.spell(document),
            NodeValue::Scalar(_) => {}
            NodeValue::List(list) => list.iter_mut().for_each(|node| node.spell(document)),
            NodeValue::Map(map) => map.iter_mut().for_each(|(_, node)| node.spell(document)),
        }
    }

    /// As JSON, keys in order and numbers by their text.
    pub(super) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match &self.value {
            NodeValue::Digits(digits) => out.push_str(&digits.text),
            NodeValue::Scalar(value) => out.push_str(&value.to_string()),
            NodeValue::List(list) => {
                out.push('[');
                for (index, node) in list.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    node.write(out);
                }
                out.push(']');
            }
            NodeValue::Map(map) => {
                out.push('{');
                for (index, (key, node)) in map.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push_str(&Value::from(key.name.as_str()).to_string());
                    out.push(':');
                    node.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl From<Spanned<Placed>> for Node {
    fn from(spanned: Spanned<Placed>) -> Node {
        let mut value = spanned.value.0;
        if let NodeValue::Digits(digits) = &mut value {
            // For an alias, the position of its anchor.
            let span = spanned.defined.span();
            digits.at =
                span.byte_offset().zip(span.byte_len()).map(|(at, length)| (at as usize, (at + length) as usize));
        }
        Node { line: spanned.referenced.line(), column: spanned.referenced.column(), value }
    }
}

/// A value with positions.
pub(super) struct Placed(NodeValue);

/// A value without positions.
pub(super) struct Bare(pub(super) Node);

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
    type Value = NodeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::Bool(v)))
    }
    fn visit_i64<E>(self, v: i64) -> Result<NodeValue, E> {
        // The reader gives signed numbers only if there is a sign.
        Ok(if v == 0 { NodeValue::Digits(Digits::new("-0")) } else { NodeValue::Scalar(Value::from(v)) })
    }
    fn visit_u64<E>(self, v: u64) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::from(v)))
    }
    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<NodeValue, E> {
        let number = Number::from_f64(v).ok_or_else(|| E::custom("this number cannot be written in JSON"))?;
        Ok(NodeValue::Digits(Digits::new(&number.to_string())))
    }
    fn visit_str<E>(self, v: &str) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::from(v)))
    }
    fn visit_unit<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::Null))
    }
    fn visit_none<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::Null))
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<NodeValue, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<NodeValue, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = if PLACED {
            seq.next_element::<Spanned<Placed>>()?.map(Node::from)
        } else {
            seq.next_element::<Bare>()?.map(|bare| bare.0)
        } {
            list.push(node);
        }
        Ok(NodeValue::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NodeValue, A::Error> {
        let mut entries = Vec::new();
        while PLACED && let Some((key, value)) = map.next_entry::<Spanned<String>, Spanned<Placed>>()? {
            let at = key.referenced;
            entries.push((NodeKey { name: key.value, line: at.line(), column: at.column() }, Node::from(value)));
        }
        while !PLACED && let Some((name, value)) = map.next_entry::<String, Bare>()? {
            entries.push((NodeKey { name, line: 0, column: 0 }, value.0));
        }
        Ok(NodeValue::Map(Entries::new(entries)))
    }
}
