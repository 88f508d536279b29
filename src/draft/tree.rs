//! JSON as a tree that keeps the order of fields and the digits.

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::json_pointer::escape;
use crate::json_text::fields_of;

/// A JSON value; a scalar is its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    Scalar(String),
}

/// Maximum depth that is looked at; deeper values stay text.
const DEPTH_MAX: usize = 32;

impl Tree {
    pub(super) fn read(text: &str) -> Option<Tree> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        Some(Tree::of(raw.get(), 0))
    }

    fn of(raw: &str, depth: usize) -> Tree {
        if depth < DEPTH_MAX {
            if let Some(fields) = fields_of(raw) {
                let mut unique: Vec<(String, Tree)> = Vec::with_capacity(fields.len());
                let mut names = HashSet::new();
                // Of a name that comes twice, the first counts: YAML refuses the second.
                for (name, value) in fields {
                    if names.insert(name.clone()) {
                        unique.push((name, Tree::of(value.get(), depth + 1)));
                    }
                }
                return Tree::Object(unique);
            }
            if let Some(list) = raw.starts_with('[').then(|| serde_json::from_str::<Vec<&RawValue>>(raw).ok()).flatten()
            {
                return Tree::Array(list.into_iter().map(|v| Tree::of(v.get(), depth + 1)).collect());
            }
        }
        Tree::Scalar(raw.to_owned())
    }

    pub(super) fn fields(&self) -> &[(String, Tree)] {
        match self {
            Tree::Object(fields) => fields,
            Tree::Array(_) | Tree::Scalar(_) => &[],
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Tree> {
        self.fields().iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The value at a JSON Pointer through objects.
    pub(super) fn at(&self, pointer: &str) -> Option<&Tree> {
        pointer.split('/').skip(1).try_fold(self, |tree, key| tree.get(&crate::json_pointer::unescape(key)))
    }

    pub(super) fn list(&self) -> Option<&[Tree]> {
        match self {
            Tree::Array(list) => Some(list),
            Tree::Object(_) | Tree::Scalar(_) => None,
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self, Tree::Object(_))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Tree::Scalar(text) if text == "null")
    }

    /// A JSON string as text.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Tree::Scalar(raw) if raw.starts_with('"') => serde_json::from_str(raw).ok(),
            Tree::Scalar(_) | Tree::Object(_) | Tree::Array(_) => None,
        }
    }

    /// A whole number.
    pub(super) fn whole(&self) -> Option<u64> {
        match self {
            Tree::Scalar(raw) => raw.parse().ok(),
            Tree::Object(_) | Tree::Array(_) => None,
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self {
            Tree::Scalar(raw) => raw.parse().ok(),
            Tree::Object(_) | Tree::Array(_) => None,
        }
    }
}

/// A field beside the items, with its pointer and the names on its way.
pub(super) struct Leaf<'t> {
    pub(super) pointer: String,
    /// The name, lower-case without separators.
    pub(super) name: String,
    /// The name as written.
    pub(super) key: String,
    /// The name of the object that it is in, lower-case without separators.
    pub(super) parent: String,
    pub(super) value: &'t Tree,
}

/// The scalar fields of an envelope, without those in arrays.
pub(super) fn leaves(tree: &Tree) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    collect(tree, "", "", 0, &mut found);
    found
}

/// Deeper fields of an envelope do not tell about paging.
const ENVELOPE_DEPTH: usize = 4;

fn collect<'t>(tree: &'t Tree, pointer: &str, parent: &str, depth: usize, found: &mut Vec<Leaf<'t>>) {
    for (key, value) in tree.fields() {
        let (at, name) = (format!("{pointer}/{}", escape(key)), plain(key));
        match value {
            Tree::Object(_) if depth < ENVELOPE_DEPTH => collect(value, &at, &name, depth + 1, found),
            Tree::Object(_) | Tree::Array(_) => {}
            Tree::Scalar(_) => {
                found.push(Leaf { pointer: at, name, key: key.clone(), parent: parent.to_owned(), value });
            }
        }
    }
}

/// A name in lower case without separators: `next_page` and `nextPage` are equal.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The value as JSON.
pub(super) fn json(tree: &Tree) -> String {
    match tree {
        Tree::Scalar(raw) => raw.clone(),
        Tree::Array(list) => format!("[{}]", list.iter().map(json).collect::<Vec<_>>().join(",")),
        Tree::Object(fields) => {
            let parts = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", serde_json::Value::from(name.as_str()), json(value)));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
        }
    }
}
