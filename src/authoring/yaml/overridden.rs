//! An entry of a definition file with the overrides that apply to it: each fault keeps the place in its own file. Pure.

use std::sync::Arc;

use serde_json::Value;

use super::patch::{Patch, fits, patched, patches};
use super::tree::{Entries, Node, NodeKey, NodeValue};
use super::{Document, DocumentPart, Origin};
use crate::json_pointer::escape;

/// An override that has no effect, or that changes what is not there.
pub(crate) struct StaleOverride {
    /// The place in the overrides file.
    pub(crate) at: String,
    pub(crate) why: StaleKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StaleKind {
    /// It removes what is not there.
    Gone,
    /// It describes a part of an entry that is not there.
    Lost,
    /// It says what is there already.
    Same,
}

/// Keys that say what a value is: an option or a field that is not there must be described whole.
const WHOLE: [&str; 9] = ["type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf", "format", "properties"];

impl Document {
    /// Whether an overrides file changes an entry of a section: a document with one key.
    pub(crate) fn is_overridden_by(&self, overrides: &Document, section: &str) -> bool {
        self.single().is_some_and(|(key, entry)| !patches(overrides.tree(), section, &key.name, entry).is_empty())
    }

    /// The entry of a section, a document with one key, with its overrides.
    pub(crate) fn overridden(self, overrides: &Arc<Document>, section: &str) -> Document {
        if !self.is_overridden_by(overrides, section) {
            return self;
        }
        let placed = self.placed();
        let NodeValue::Map(map) = &placed.value else { return self };
        let Some((key, entry)) = map.as_slice().first() else { return self };
        let (mut parts, mut node) = (Vec::new(), entry.clone());
        for Patch { node: patch, at } in patches(overrides.placed(), section, &key.name, entry) {
            let from: String = at.iter().map(|token| format!("/{}", escape(token))).collect();
            note(patch, Some(&node), (&format!("/{}", escape(&key.name)), &from), overrides, &mut parts);
            node = patched(Some(node), patch);
        }
        let value = NodeValue::Map(Entries::new(vec![(key.clone(), node)]));
        let root = Node { line: placed.line, column: placed.column, value };
        let mut document = Document::of(&self.file, Origin::Tree, root.into()).under(&self.prefix);
        document.parts = parts;
        document
    }

    /// A whole file with the overrides at a key.
    pub(crate) fn overridden_whole(self, overrides: &Arc<Document>, key: &str) -> Document {
        let Some(patch) = overrides.placed().child(key) else { return self };
        let mut parts = Vec::new();
        note(patch, Some(self.placed()), ("", &format!("/{}", escape(key))), overrides, &mut parts);
        let root = patched(Some(self.placed().clone()), patch);
        let mut document = Document::of(&self.file, Origin::Tree, root.into()).under(&self.prefix);
        document.parts = parts;
        document
    }

    fn single(&self) -> Option<(&NodeKey, &Node)> {
        match &self.tree().value {
            NodeValue::Map(map) => map.as_slice().first().map(|(key, node)| (key, node)),
            NodeValue::Digits(_) | NodeValue::Scalar(_) | NodeValue::List(_) => None,
        }
    }

    /// Whether a pattern of this overrides file means an entry of another document.
    pub(crate) fn pattern_fits(&self, number: usize, entry: &Document) -> bool {
        let wanted = self.tree().find(&format!("/patterns/{number}/for"));
        match (wanted, entry.single()) {
            (Some(wanted), Some((key, node))) => fits(wanted, &key.name, node),
            (_, _) => false,
        }
    }

    /// The overrides at a pointer of this file that no longer fit the value that they change: an entry, or a whole file.
    pub(crate) fn stale(&self, pointer: &str, base: &Document) -> Vec<StaleOverride> {
        let entry = match pointer.matches('/').count() {
            1 => Some(base.tree()),
            _ => base.single().map(|(_, node)| node),
        };
        let mut found = Vec::new();
        if let (Some(patch), Some(entry)) = (self.tree().find(pointer), entry) {
            compare(patch, Some(entry), pointer, &mut found);
        }
        found
    }
}

/// Notes where the values of a patch are in its own file: what joins a map there is noted key by key.
fn note(
    patch: &Node,
    base: Option<&Node>,
    (at, from): (&str, &str),
    document: &Arc<Document>,
    parts: &mut Vec<DocumentPart>,
) {
    match (&patch.value, base.filter(|base| matches!(base.value, NodeValue::Map(_)))) {
        (NodeValue::Map(map), Some(base)) => {
            for (key, node) in map.iter() {
                let step = format!("/{}", escape(&key.name));
                note(node, base.child(&key.name), (&format!("{at}{step}"), &format!("{from}{step}")), document, parts);
            }
        }
        (_, _) => parts.push(DocumentPart { at: at.to_owned(), from: from.to_owned(), document: Arc::clone(document) }),
    }
}

fn compare(patch: &Node, base: Option<&Node>, at: &str, found: &mut Vec<StaleOverride>) {
    let mut stale = |why| found.push(StaleOverride { at: at.to_owned(), why });
    let is_null = matches!(patch.value, NodeValue::Scalar(Value::Null));
    match (&patch.value, base) {
        (_, None) if is_null => stale(StaleKind::Gone),
        (NodeValue::Map(changes), Some(base)) if matches!(base.value, NodeValue::Map(_)) => {
            for (key, change) in changes.iter() {
                compare(change, base.child(&key.name), &format!("{at}/{}", escape(&key.name)), found);
            }
        }
        (NodeValue::Map(changes), None) => {
            // Options and fields are described by what they are; a part of one belongs to one that is gone.
            let parent = at.rsplit('/').nth(1).unwrap_or_default();
            let is_described = changes.iter().any(|(key, _)| WHOLE.contains(&key.name.as_str()));
            if matches!(parent, "options" | "properties") && changes.len() > 0 && !is_described {
                stale(StaleKind::Lost);
            }
        }
        (_, Some(base)) if base.to_json() == patch.to_json() => stale(StaleKind::Same),
        (_, _) => {}
    }
}
