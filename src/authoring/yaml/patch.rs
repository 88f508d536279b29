//! Overrides of definitions: which of them apply to an entry, and the entry with them, as in RFC 7396. Pure; also used by
//! the build script.

use serde_json::Value;

use super::tree::{Entries, Node, NodeKey, NodeValue};

/// A part of an overrides file that applies to an entry, and the way to it.
pub(crate) struct Patch<'n> {
    pub(crate) node: &'n Node,
    pub(crate) at: Vec<String>,
}

impl Node {
    fn entries(&self) -> &[(NodeKey, Node)] {
        match &self.value {
            NodeValue::Map(map) => map.as_slice(),
            NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::List(_) => &[],
        }
    }

    /// The value at a key.
    pub(crate) fn within(&self, key: &str) -> Option<&Node> {
        match &self.value {
            NodeValue::Map(map) => map.find(key).map(|(_, node)| node),
            NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::List(_) => None,
        }
    }

    fn word(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Scalar(Value::String(text)) => Some(text),
            NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::List(_) | NodeValue::Map(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self.value, NodeValue::Scalar(Value::Null))
    }
}

/// The parts of an overrides file for an entry: those of patterns in the order of the file, then its own.
pub(crate) fn patches<'n>(overrides: &'n Node, section: &str, name: &str, entry: &Node) -> Vec<Patch<'n>> {
    let mut found = Vec::new();
    let patterns = overrides.within("patterns").map(|node| &node.value);
    if let (Some(NodeValue::List(patterns)), "operations") = (patterns, section) {
        for (number, pattern) in patterns.iter().enumerate() {
            if let (Some(wanted), Some(node)) = (pattern.within("for"), pattern.within("merge"))
                && fits(wanted, name, entry)
            {
                found.push(Patch { node, at: vec!["patterns".to_owned(), number.to_string(), "merge".to_owned()] });
            }
        }
    }
    if let Some(node) = overrides.within(section).and_then(|section| section.within(name)) {
        found.push(Patch { node, at: vec![section.to_owned(), name.to_owned()] });
    }
    found
}

/// Whether an operation is one that a pattern means.
pub(crate) fn fits(wanted: &Node, name: &str, entry: &Node) -> bool {
    let word = |key: &str| entry.within(key).and_then(Node::word).unwrap_or_default();
    let result = entry.within("response").and_then(|response| response.within("result")).and_then(Node::word);
    wanted.entries().iter().all(|(key, node)| {
        let Some(wanted) = node.word() else { return false };
        match key.name.as_str() {
            "id" => glob(wanted, name),
            "request" => glob(wanted, word("request")),
            "method" => wanted == word("method"),
            "result" => Some(wanted) == result,
            _ => false,
        }
    })
}

/// Whether a text is as a pattern says, in which `*` is any text.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A value with changes: maps are joined, null removes a key, everything else replaces.
pub(crate) fn patched(base: Option<Node>, patch: &Node) -> Node {
    let NodeValue::Map(changes) = &patch.value else { return patch.clone() };
    let (line, column, own) = match base {
        Some(Node { line, column, value: NodeValue::Map(own) }) => (line, column, own.into_list()),
        Some(_) | None => (patch.line, patch.column, Vec::new()),
    };
    let mut all = own;
    for (key, change) in changes.iter() {
        let at = all.iter().position(|(own, _)| own.name == key.name);
        match (at, change.is_null()) {
            (Some(at), true) => drop(all.remove(at)),
            (Some(at), false) => {
                if let Some((_, node)) = all.get_mut(at) {
                    let old = std::mem::replace(node, change.clone());
                    *node = patched(Some(old), change);
                }
            }
            (None, true) => {}
            (None, false) => all.push((key.clone(), patched(None, change))),
        }
    }
    Node { line, column, value: NodeValue::Map(Entries::new(all)) }
}
