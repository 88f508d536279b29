//! Fields of items as cells: the position of a column's value in an item, and its text. Numbers keep their digits.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::value::RawValue;

use crate::item::Item;
use crate::json_pointer::path_of;
use crate::json_text::fields_of;

/// The column of items that are not objects.
pub(crate) const VALUE: &str = "value";

/// A column: the path to its value, and its title.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) title: String,
    path: Vec<String>,
    /// The field's last position: records of a list have the same fields in the same order.
    last: Cell<usize>,
}

impl Column {
    /// A top-level field.
    pub(crate) fn field(name: &str) -> Column {
        Column { title: name.to_owned(), path: vec![name.to_owned()], last: Cell::new(0) }
    }

    /// A path as entered: `a`, `b/c`, or a JSON Pointer `/b/c`.
    pub(crate) fn typed(text: &str) -> Column {
        Column { title: text.to_owned(), path: path_of(text), last: Cell::new(0) }
    }

    /// The raw value in an item whose fields are found.
    pub(crate) fn find<'a>(&self, row: &Row<'a>) -> Option<&'a str> {
        let (first, rest) = self.path.split_first()?;
        let top = match &row.fields {
            Some(fields) => self.field_of(fields, first),
            None => (first == VALUE).then_some(row.text),
        };
        rest.iter().try_fold(top?, |raw, token| step(raw, token))
    }

    fn field_of<'a>(&self, fields: &[(String, &'a RawValue)], name: &str) -> Option<&'a str> {
        if let Some((_, raw)) = fields.get(self.last.get()).filter(|(n, _)| n == name) {
            return Some(raw.get());
        }
        let position = fields.iter().position(|(n, _)| n == name)?;
        self.last.set(position);
        fields.get(position).map(|(_, raw)| raw.get())
    }
}

fn step<'a>(raw: &'a str, token: &str) -> Option<&'a str> {
    if let Some(fields) = fields_of(raw) {
        return fields.into_iter().find(|(name, _)| name == token).map(|(_, raw)| raw.get());
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    list.get(token.parse::<usize>().ok()?).map(|raw| raw.get())
}

/// An item with its fields found.
pub(crate) struct Row<'a> {
    text: &'a str,
    pub(crate) fields: Option<Vec<(String, &'a RawValue)>>,
}

impl<'a> Row<'a> {
    pub(crate) fn of(item: Item<'a>) -> Row<'a> {
        Row { text: item.as_str(), fields: item.fields() }
    }

    /// Names of the fields, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let none = self.fields.is_none().then_some(VALUE);
        self.fields.iter().flatten().map(|(name, _)| name.as_str()).chain(none)
    }
}

/// The type of a raw JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Null,
    Text,
    Number,
    Flag,
    Object,
    List,
}

pub(crate) fn kind(raw: &str) -> ColumnKind {
    match raw.as_bytes().first() {
        Some(b'"') => ColumnKind::Text,
        Some(b'{') => ColumnKind::Object,
        Some(b'[') => ColumnKind::List,
        Some(b't' | b'f') => ColumnKind::Flag,
        Some(b'n') | None => ColumnKind::Null,
        Some(_) => ColumnKind::Number,
    }
}

/// A raw value as a cell: text without quotes, null as nothing, other values unchanged.
pub(crate) fn cell(raw: &str) -> Cow<'_, str> {
    match kind(raw) {
        ColumnKind::Null => Cow::Borrowed(""),
        // An unpaired surrogate is valid JSON but not text; it stays escaped.
        ColumnKind::Text => {
            serde_json::from_str(raw).map_or_else(|_| Cow::Borrowed(raw.trim_matches('"')), Cow::<str>::Owned)
        }
        ColumnKind::Number | ColumnKind::Flag | ColumnKind::Object | ColumnKind::List => Cow::Borrowed(raw),
    }
}

/// The label of an object, such as the name of a referenced record.
pub(crate) fn label(raw: &str) -> Option<Cow<'_, str>> {
    let fields = fields_of(raw)?;
    let named = |name: &&str| {
        fields
            .iter()
            .find(|(n, raw)| n == name && matches!(kind(raw.get()), ColumnKind::Text | ColumnKind::Number))
            .map(|(_, raw)| raw.get())
    };
    ["name", "identifier", "title", "label", "id"].iter().find_map(named).map(cell)
}

#[cfg(test)]
mod tests {
    use super::{Column, Row, cell, label};
    use crate::item::Items;

    #[test]
    fn cells_keep_digits_and_find_nested_values() {
        let items = Items::from_array(r#"[{"id": 1.10, "a": {"b": [10, {"c": "x\ny"}]}, "d/e": null}, 7]"#).unwrap();
        let row = Row::of(items.get(0).unwrap());
        let at = |path: &str| Column::typed(path).find(&row).map(cell);
        assert_eq!(at("id").unwrap(), "1.10");
        assert_eq!(at("a/b/1/c").unwrap(), "x\ny");
        assert_eq!(at("/a/b").unwrap(), r#"[10, {"c": "x\ny"}]"#);
        assert_eq!(at("d~1e").unwrap(), "");
        assert!(at("a/x").is_none());
        assert_eq!(Column::typed("value").find(&Row::of(items.get(1).unwrap())), Some("7"));
        assert_eq!(cell(r#""\ud800""#), "\\ud800");
        assert_eq!(label(r#"{"id": 3, "name": "Board"}"#).unwrap(), "Board");
        assert!(label(r#"{"href": "x"}"#).is_none());
    }
}
