//! A JSON value that keeps the order of its keys and the digits of its numbers. Pure.
//!
//! `serde_json::Map` sorts its keys, but replies should keep the field order of the real system.

use std::collections::HashSet;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::authoring::{Json, Pointer};
use crate::json_error;
use crate::json_text::fields_of;
use crate::json_text::{put_list, put_object};

/// Maximum nesting, because input is parsed recursively.
const DEPTH_MAX: usize = 64;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sandbox) enum Tree {
    /// Any other value as JSON text.
    Leaf(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    pub(in crate::sandbox) fn null() -> Tree {
        Tree::Leaf("null".to_owned())
    }

    pub(in crate::sandbox) fn object() -> Tree {
        Tree::Object(Vec::new())
    }

    pub(in crate::sandbox) fn value(value: &serde_json::Value) -> Tree {
        Tree::parse(&value.to_string()).unwrap_or_else(|_| Tree::null())
    }

    pub(in crate::sandbox) fn number(value: u64) -> Tree {
        Tree::Leaf(value.to_string())
    }

    pub(in crate::sandbox) fn text(value: &str) -> Tree {
        Tree::Leaf(Value::from(value).to_string())
    }

    /// Parses JSON text; `Err` is the fault.
    pub(in crate::sandbox) fn parse(text: &str) -> Result<Tree, String> {
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|e| format!("not JSON: {}", json_error::words(&e, text)))?;
        read(raw, 0)
    }

    /// Converts a value of a definition, which is always valid JSON.
    pub(in crate::sandbox) fn of(json: &Json) -> Tree {
        Tree::parse(&json.0).unwrap_or_else(|_| Tree::null())
    }

    /// The JSON text.
    pub(in crate::sandbox) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Tree::Leaf(text) => out.push_str(text),
            Tree::List(list) => put_list(out, list, |out, element| element.write(out)),
            Tree::Object(fields) => {
                put_object(out, fields.iter().map(|(n, v)| (n.as_str(), v)), |out, value| value.write(out))
            }
        }
    }

    pub(in crate::sandbox) fn is_null(&self) -> bool {
        matches!(self, Tree::Leaf(text) if text == "null")
    }

    pub(in crate::sandbox) fn is_text(&self) -> bool {
        matches!(self, Tree::Leaf(text) if text.starts_with('"'))
    }

    pub(in crate::sandbox) fn is_number(&self) -> bool {
        matches!(self, Tree::Leaf(text) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
    }

    /// The fields of an object; empty for other values.
    pub(in crate::sandbox) fn fields(&self) -> &[(String, Tree)] {
        match self {
            Tree::Object(fields) => fields,
            Tree::Leaf(_) | Tree::List(_) => &[],
        }
    }

    pub(in crate::sandbox) fn get(&self, name: &str) -> Option<&Tree> {
        self.fields().iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub(in crate::sandbox) fn at<'t>(&'t self, path: &[String]) -> Option<&'t Tree> {
        path.iter().try_fold(self, |tree, token| match tree {
            Tree::List(list) => token.parse::<usize>().ok().and_then(|i| list.get(i)),
            Tree::Object(_) | Tree::Leaf(_) => tree.get(token),
        })
    }

    /// Sets a value at a path. Missing objects are created, and other values on the way are replaced by objects. In a
    /// list, replaces an element or appends one.
    pub(in crate::sandbox) fn set(&mut self, path: &[String], value: Tree) {
        let Some((name, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if let Tree::List(list) = self
            && let Some(at) = name.parse::<usize>().ok().filter(|at| *at <= list.len())
        {
            if at == list.len() {
                list.push(Tree::object());
            }
            list.iter_mut().skip(at).take(1).for_each(|element| element.set(rest, value.clone()));
            return;
        }
        if !matches!(self, Tree::Object(_)) {
            *self = Tree::object();
        }
        let Tree::Object(fields) = self else { return };
        match fields.iter_mut().find(|(n, _)| n == name) {
            Some((_, child)) => child.set(rest, value),
            None => {
                let mut child = Tree::object();
                child.set(rest, value);
                fields.push((name.clone(), child));
            }
        }
    }

    pub(in crate::sandbox) fn put(&mut self, pointer: &Pointer, value: Tree) {
        self.set(pointer.tokens(), value);
    }

    pub(in crate::sandbox) fn remove(&mut self, name: &str) {
        if let Tree::Object(fields) = self {
            fields.retain(|(n, _)| n != name);
        }
    }

    /// A scalar as plain text, as in an address; `None` for null, lists and objects.
    pub(in crate::sandbox) fn plain(&self) -> Option<String> {
        match self {
            Tree::Leaf(text) if text == "null" => None,
            Tree::Leaf(text) if text.starts_with('"') => serde_json::from_str(text).ok(),
            Tree::Leaf(text) => Some(text.clone()),
            Tree::List(_) | Tree::Object(_) => None,
        }
    }

    /// The selected fields, in the record's own order; paths select nested fields.
    pub(in crate::sandbox) fn select(&self, paths: &[Vec<String>]) -> Tree {
        match self {
            Tree::Leaf(_) => self.clone(),
            Tree::List(list) => Tree::List(list.iter().map(|t| t.select(paths)).collect()),
            Tree::Object(fields) => {
                Tree::Object(fields.iter().filter_map(|(name, value)| chosen(name, value, paths)).collect())
            }
        }
    }

    /// A copy with every text changed.
    pub(in crate::sandbox) fn map_texts(&self, change: &mut impl FnMut(&str) -> String) -> Tree {
        match self {
            Tree::Leaf(_) if self.is_text() => {
                self.plain().map_or_else(|| self.clone(), |text| Tree::text(&change(&text)))
            }
            Tree::Leaf(_) => self.clone(),
            Tree::List(list) => Tree::List(list.iter().map(|t| t.map_texts(change)).collect()),
            Tree::Object(fields) => {
                Tree::Object(fields.iter().map(|(n, t)| (n.clone(), t.map_texts(change))).collect())
            }
        }
    }
}

fn chosen(name: &str, value: &Tree, paths: &[Vec<String>]) -> Option<(String, Tree)> {
    let rests: Vec<&[String]> =
        paths.iter().filter_map(|p| p.split_first()).filter(|(first, _)| *first == name).map(|(_, r)| r).collect();
    if rests.is_empty() {
        return None;
    }
    if rests.iter().any(|r| r.is_empty()) {
        return Some((name.to_owned(), value.clone()));
    }
    let rests: Vec<Vec<String>> = rests.into_iter().map(<[String]>::to_vec).collect();
    Some((name.to_owned(), value.select(&rests)))
}

fn read(raw: &RawValue, depth: usize) -> Result<Tree, String> {
    let text = raw.get();
    if depth > DEPTH_MAX {
        return Err(format!("nested deeper than {DEPTH_MAX} levels"));
    }
    if text.starts_with('{') {
        let fields = fields_of(text).ok_or("not JSON: a key is not a string")?;
        let mut seen = HashSet::with_capacity(fields.len());
        for (name, _) in &fields {
            if !seen.insert(name.as_str()) {
                return Err(format!("duplicate key `{name}`"));
            }
        }
        let children: Result<Vec<Tree>, String> = fields.iter().map(|(_, raw)| read(raw, depth + 1)).collect();
        return Ok(Tree::Object(fields.into_iter().map(|(name, _)| name).zip(children?).collect()));
    }
    if text.starts_with('[') {
        let list: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|e| format!("not JSON: {}", json_error::words(&e, text)))?;
        return Ok(Tree::List(list.into_iter().map(|raw| read(raw, depth + 1)).collect::<Result<_, _>>()?));
    }
    Ok(Tree::Leaf(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::Tree;

    fn path(text: &str) -> Vec<String> {
        text.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn order_and_digits_stay() {
        let text = r#"{"z":1.10,"a":{"y":[1,{"b":null}],"é":"\u00e9"},"n":12345678901234567890123}"#;
        assert_eq!(Tree::parse(text).unwrap().to_json(), text);
    }

    #[test]
    fn elements_of_a_list_are_set_in_place() {
        let mut tree = Tree::parse(r#"{"a":[{"b":1,"c":2},3]}"#).unwrap();
        tree.set(&path("a/0/b"), Tree::number(9));
        tree.set(&path("a/2/b"), Tree::number(8));
        tree.set(&path("a/1"), Tree::number(7));
        assert_eq!(tree.to_json(), r#"{"a":[{"b":9,"c":2},7,{"b":8}]}"#);
        tree.set(&path("a/x"), Tree::null());
        assert_eq!(tree.to_json(), r#"{"a":{"x":null}}"#);
    }

    #[test]
    fn hostile_input_is_refused() {
        assert!(Tree::parse(&"[".repeat(100_000)).is_err());
        assert!(Tree::parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap_err().contains("deeper"));
        assert!(Tree::parse(r#"{"a":1,"a":2}"#).unwrap_err().contains("duplicate key `a`"));
    }

    #[test]
    fn fields_are_selected_in_the_order_of_the_record() {
        let tree = Tree::parse(r#"{"id":1,"company":{"id":2,"name":"x"},"tags":[{"a":1,"b":2}],"last":0}"#).unwrap();
        let chosen = tree.select(&[path("last"), path("company/name"), path("tags/b"), path("none")]);
        assert_eq!(chosen.to_json(), r#"{"company":{"name":"x"},"tags":[{"b":2}],"last":0}"#);
    }

    #[test]
    fn setting_creates_missing_objects() {
        let mut tree = Tree::parse(r#"{"a":1,"b":2}"#).unwrap();
        tree.set(&path("a"), Tree::text("x"));
        tree.set(&path("c/d"), Tree::number(3));
        tree.remove("b");
        assert_eq!(tree.to_json(), r#"{"a":"x","c":{"d":3}}"#);
    }
}
