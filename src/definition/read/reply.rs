//! Converts the keys under `response:` that say how a body becomes items. Pure.

use crate::authoring::values::PointersFile;
use crate::authoring::{Checker, Ordered, Pointer};
use crate::definition::file::{AttachFile, ColumnsFile, CsvFile, FormFile, FoundItemsFile};
use crate::definition::reply_rule::{AttachRule, ColumnRule, CsvRule, ItemPlaces, ReplyFormat};
use crate::json_pointer::escape;

pub(super) fn format(c: &mut Checker<'_>, at: &str, form: FormFile, csv: Option<CsvFile>) -> ReplyFormat {
    if csv.is_some() && form != FormFile::Csv {
        c.fault(&format!("{at}/csv"), "`csv` is for `format: csv`", None);
    }
    match form {
        FormFile::Json => ReplyFormat::Json,
        FormFile::Ndjson => ReplyFormat::Ndjson,
        FormFile::Xml => ReplyFormat::Xml,
        FormFile::Csv => ReplyFormat::Csv(csv_rule(c, &format!("{at}/csv"), csv)),
    }
}

fn csv_rule(c: &mut Checker<'_>, at: &str, file: Option<CsvFile>) -> CsvRule {
    let Some(file) = file else { return CsvRule { separator: b',', header: true, columns: Vec::new() } };
    let header = file.header.unwrap_or(true);
    if !header && file.columns.is_empty() {
        c.fault(at, "without a header row, `columns` must name the columns", None);
    }
    column_names(c, &format!("{at}/columns"), &file.columns);
    let separator = match file.separator.as_deref().unwrap_or(",").as_bytes() {
        [one] if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n') => *one,
        _ => {
            c.fault(
                &format!("{at}/separator"),
                "a separator is one ASCII character, and no quote or line break",
                Some("write a tab as \"\\t\"".into()),
            );
            b','
        }
    };
    CsvRule { separator, header, columns: file.columns }
}

/// Two columns with one name would give an item with the same field twice.
fn column_names(c: &mut Checker<'_>, at: &str, names: &[String]) {
    for (i, name) in names.iter().enumerate() {
        if names.iter().take(i).any(|other| other == name) {
            c.fault(&format!("{at}/{i}"), format!("the column `{name}` is listed twice"), None);
        }
    }
}

/// The places of the items; `default` is the pointer without the key.
pub(super) fn places(c: &mut Checker<'_>, at: &str, file: Option<FoundItemsFile>, default: &str) -> Option<ItemPlaces> {
    let (pointers, (key, tag, value), place) = match file {
        None => return c.pointer(at, default).map(ItemPlaces::one),
        Some(FoundItemsFile::Pointers(pointers)) => (pointers, (None, None, None), at.to_owned()),
        Some(FoundItemsFile::At(file)) => (file.at, (file.key, file.tag, file.value), format!("{at}/at")),
    };
    if matches!(&pointers, PointersFile::Several(list) if list.is_empty()) {
        c.fault(&place, "at least one pointer is needed", None);
        return None;
    }
    let pointers = c.pointers(&place, pointers);
    for (i, pointer) in pointers.iter().enumerate() {
        let place = format!("{place}/{i}");
        if pointers.iter().take(i).any(|other| other == pointer) {
            c.fault(&place, format!("`{pointer}` is listed twice"), None);
        }
        if tag.is_some() && pointer.tokens().is_empty() {
            c.fault(&format!("{at}/tag"), "the whole body has no name for `tag`: point to a list within it", None);
        }
    }
    let value = value.and_then(|value| c.pointer(&format!("{at}/value"), &value));
    if value.as_ref().is_some_and(|value| value.tokens().is_empty()) {
        c.fault(&format!("{at}/value"), "the element itself is the item anyway: point to a part of it", None);
    }
    added_fields(c, at, key.as_deref(), tag.as_deref());
    (!pointers.is_empty()).then_some(ItemPlaces { at: pointers, key, tag, value })
}

fn added_fields(c: &mut Checker<'_>, at: &str, key: Option<&str>, tag: Option<&str>) {
    for (name, field) in [("key", key), ("tag", tag)] {
        match field {
            Some("") => c.fault(&format!("{at}/{name}"), "a field needs a name", None),
            Some("value") => {
                let message = "`value` is the field for a record that is no object; use another name";
                c.fault(&format!("{at}/{name}"), message, None);
            }
            Some(_) | None => {}
        }
    }
    if key.is_some() && key == tag {
        c.fault(&format!("{at}/tag"), "`key` and `tag` need different names", None);
    }
}

pub(super) fn columns(c: &mut Checker<'_>, at: &str, file: Option<ColumnsFile>) -> ColumnRule {
    let none = || ColumnRule::Names(Vec::new());
    match file {
        None => none(),
        Some(ColumnsFile::Names(names)) => {
            if names.is_empty() {
                c.fault(at, "at least one column is needed", None);
            }
            column_names(c, at, &names);
            ColumnRule::Names(names)
        }
        Some(ColumnsFile::Pointer(text)) => {
            c.pointer(at, &text).map_or_else(none, |list| ColumnRule::At { list, name: None })
        }
        Some(ColumnsFile::At(file)) => {
            let list = c.pointer(&format!("{at}/at"), &file.at);
            let name = c.pointer(&format!("{at}/name"), &file.name);
            list.map_or_else(none, |list| ColumnRule::At { list, name })
        }
    }
}

pub(super) fn attach(c: &mut Checker<'_>, at: &str, file: Ordered<AttachFile>) -> Vec<AttachRule> {
    let rule = |(field, file): (String, AttachFile)| {
        let place = format!("{at}/{}", escape(&field));
        if field.is_empty() {
            c.fault(&place, "a field needs a name", None);
        }
        let mut pointer = |key: &str, text: &str| -> Option<Pointer> { c.pointer(&format!("{place}/{key}"), text) };
        let (from, key, by) = (pointer("from", &file.from), pointer("key", &file.key), pointer("by", &file.by));
        Some(AttachRule { field, from: from?, key: key?, by: by? })
    };
    file.into_iter().filter_map(rule).collect()
}
