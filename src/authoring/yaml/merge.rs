//! Puts a document together from parts in several files: each fault keeps the place in its own file. Pure.

use super::tree::{Entries, Node, NodeValue};
use super::{Document, DocumentPart, INCLUDE, Origin};
use crate::json_pointer::escape;

/// Where a document names a part.
pub(crate) struct Included {
    /// The list with the entry; `None` for a part of the whole document.
    pub(crate) list: Option<&'static str>,
    pub(crate) index: usize,
    pub(crate) path: String,
}

impl Document {
    /// The parts that it names: at the top, and as entries of its lists. `Err` with the place of one that is no text.
    pub(crate) fn included(&self, lists: &[&'static str]) -> Result<Vec<Included>, String> {
        let mut found = Vec::new();
        let text = |node: &Node| match &node.value {
            NodeValue::Scalar(serde_json::Value::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        if let Some(node) = self.tree().child(INCLUDE) {
            let list = match &node.value {
                NodeValue::List(list) => list.as_slice(),
                NodeValue::Scalar(_) | NodeValue::Digits(_) | NodeValue::Map(_) => std::slice::from_ref(node),
            };
            for (index, node) in list.iter().enumerate() {
                let path = text(node).ok_or_else(|| format!("/{INCLUDE}"))?;
                found.push(Included { list: None, index, path });
            }
        }
        for list in lists {
            let Some(NodeValue::List(entries)) = self.tree().child(list).map(|node| &node.value) else { continue };
            for (index, entry) in entries.iter().enumerate() {
                let (NodeValue::Map(map), Some(node)) = (&entry.value, entry.child(INCLUDE)) else { continue };
                if map.len() == 1 {
                    let path = text(node).ok_or_else(|| format!("/{list}/{index}/{INCLUDE}"))?;
                    found.push(Included { list: Some(list), index, path });
                }
            }
        }
        Ok(found)
    }

    /// The same document with its parts: entries are replaced by the entries of `list` of their part, and what a part
    /// has at the top is added. Own values win.
    pub(crate) fn with(&self, parts: Vec<(Included, Document)>, lists: &[&'static str]) -> Document {
        let mut whole = Whole { parts: Vec::new(), entries: Vec::new() };
        if let NodeValue::Map(map) = &self.placed().value {
            whole.entries = map.iter().filter(|(key, _)| key.name != INCLUDE).cloned().collect();
        }
        let (top, within): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(included, _)| included.list.is_none());
        let mut within: Vec<_> =
            within.into_iter().map(|(included, document)| (included, std::sync::Arc::new(document))).collect();
        for list in lists {
            let own: Vec<_> = within.extract_if(.., |(included, _)| included.list == Some(list)).collect();
            whole.splice(list, &own);
        }
        for (_, document) in top {
            whole.add(document, lists);
        }
        let root = self.placed();
        let tree = Node { line: root.line, column: root.column, value: NodeValue::Map(Entries::new(whole.entries)) };
        let mut document = Document::of(&self.file, Origin::Tree, tree.into());
        document.parts = whole.parts;
        document
    }
}

/// A document that is put together.
struct Whole {
    parts: Vec<DocumentPart>,
    entries: Vec<(super::tree::NodeKey, Node)>,
}

impl Whole {
    fn list(&mut self, name: &str) -> Option<&mut Vec<Node>> {
        let (_, node) = self.entries.iter_mut().find(|(key, _)| key.name == name)?;
        if let NodeValue::List(list) = &mut node.value { Some(list) } else { None }
    }

    fn splice(&mut self, name: &str, parts: &[(Included, std::sync::Arc<Document>)]) {
        let Some(list) = self.list(name).map(std::mem::take) else { return };
        let (mut all, mut places) = (Vec::new(), Vec::new());
        for (index, node) in list.into_iter().enumerate() {
            let Some((_, document)) = parts.iter().find(|(included, _)| included.index == index) else {
                all.push(node);
                continue;
            };
            for (number, node) in steps_of(document).into_iter().enumerate() {
                let (at, from) = (format!("/{name}/{}", all.len()), format!("/steps/{number}"));
                places.push(DocumentPart { at, from, document: std::sync::Arc::clone(document) });
                all.push(node);
            }
        }
        if let Some(list) = self.list(name) {
            *list = all;
        }
        self.parts.extend(places);
    }

    /// Adds what a part has at the top.
    fn add(&mut self, document: Document, lists: &[&'static str]) {
        let document = std::sync::Arc::new(document);
        let NodeValue::Map(map) = &document.placed().value else { return };
        for (key, node) in map.iter().filter(|(key, _)| key.name != "version") {
            let at = format!("/{}", escape(&key.name));
            let mut place = |at: String, from: String| {
                self.parts.push(DocumentPart { at, from, document: std::sync::Arc::clone(&document) });
            };
            let own = self.entries.iter_mut().find(|(own, _)| own.name == key.name).map(|(_, node)| &mut node.value);
            match (own, &node.value) {
                (None, _) => {
                    place(at.clone(), at);
                    self.entries.push((key.clone(), node.clone()));
                }
                (Some(NodeValue::List(own)), NodeValue::List(more)) if lists.contains(&key.name.as_str()) => {
                    for (number, node) in more.iter().enumerate() {
                        place(format!("{at}/{}", own.len()), format!("{at}/{number}"));
                        own.push(node.clone());
                    }
                }
                (Some(NodeValue::Map(own)), NodeValue::Map(more)) => {
                    let mut all: Vec<_> = own.iter().cloned().collect();
                    for (inner, node) in more.iter().filter(|(inner, _)| own.find(&inner.name).is_none()) {
                        let at = format!("{at}/{}", escape(&inner.name));
                        place(at.clone(), at);
                        all.push((inner.clone(), node.clone()));
                    }
                    *own = Entries::new(all);
                }
                // The own value wins.
                (Some(_), _) => {}
            }
        }
    }
}

fn steps_of(document: &Document) -> Vec<Node> {
    match document.placed().child("steps").map(|node| &node.value) {
        Some(NodeValue::List(list)) => list.clone(),
        _ => Vec::new(),
    }
}
