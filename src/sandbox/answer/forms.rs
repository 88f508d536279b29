//! Writes bodies in the form that an operation reads: where its items are, what is beside them, and the format. Pure.

use http::StatusCode;

use crate::authoring::{Pointer, Source};
use crate::definition::{AttachRule, ColumnRule, CsvRule, Operation, ReplyFormat, ResponseRule};
use crate::sandbox::http::{ReplyContent, SandboxReply};
use crate::sandbox::records::Tree;

/// A reply with a body in the operation's format.
pub(super) fn reply(operation: &Operation, status: StatusCode, body: &Tree) -> SandboxReply {
    let (kind, text) = match &operation.response.format {
        ReplyFormat::Json => return with_kept(operation, SandboxReply::json(status, body)),
        ReplyFormat::Ndjson => ("application/x-ndjson", lines(body)),
        ReplyFormat::Csv(rule) => ("text/csv; charset=utf-8", csv(rule, body)),
        ReplyFormat::Xml => ("application/xml; charset=utf-8", xml(body)),
    };
    let content = ReplyContent::Bytes(kind, text.into_bytes());
    with_kept(operation, SandboxReply { content, ..SandboxReply::blank(status) })
}

/// Headers that the operation keeps have a value.
fn with_kept(operation: &Operation, mut reply: SandboxReply) -> SandboxReply {
    for (name, source) in &operation.response.keep {
        if let Source::Header(header) = source {
            reply.set(header.clone(), &kept_value(name));
        }
    }
    reply
}

fn kept_value(name: &str) -> String {
    format!("sandbox-{name}")
}

/// Puts the items and what belongs to them into a body.
pub(super) fn put_items(rule: &ResponseRule, body: &mut Tree, items: Tree) {
    let (items, related) = detached(&rule.attach, items);
    match (rule.items.plain(), items) {
        (Some(place), items) => body.put(place, items),
        (None, Tree::List(rows)) => put_rows(rule, body, rows),
        (None, single) => put_rows(rule, body, vec![single]),
    }
    related.into_iter().for_each(|(place, records)| body.put(place, Tree::List(records)));
    for (name, source) in &rule.keep {
        if let Source::Body(pointer) = source
            && body.at(pointer.tokens()).is_none()
        {
            body.put(pointer, Tree::text(&kept_value(name)));
        }
    }
}

/// Several lists, or maps of records by key. A row goes to the list that its tag names, else to the first.
fn put_rows(rule: &ResponseRule, body: &mut Tree, rows: Vec<Tree>) {
    let places = &rule.items;
    let mut lists: Vec<Vec<Tree>> = vec![Vec::new(); places.at.len()];
    for mut row in rows {
        let tag = places.tag.as_deref().and_then(|tag| row.get(tag)).and_then(Tree::plain);
        let named = places.at.iter().position(|place| tag.is_some() && place.tokens().last() == tag.as_ref());
        if let Some(tag) = &places.tag {
            row.remove(tag);
        }
        lists.iter_mut().skip(named.unwrap_or(0)).take(1).for_each(|list| list.push(row.clone()));
    }
    let wrapped = |row: Tree| match &places.value {
        None => row,
        Some(value) => {
            let mut element = Tree::object();
            element.put(value, row);
            element
        }
    };
    for (place, list) in places.at.iter().zip(lists) {
        let value = match &places.key {
            None => Tree::List(list.into_iter().map(wrapped).collect()),
            Some(key) => Tree::Object(
                list.into_iter()
                    .enumerate()
                    .map(|(i, row)| by_key(key, i, row))
                    .map(|(id, row)| (id, wrapped(row)))
                    .collect(),
            ),
        };
        body.put(place, value);
    }
}

fn by_key(key: &str, index: usize, mut row: Tree) -> (String, Tree) {
    let id = row.get(key).and_then(Tree::plain).unwrap_or_else(|| index.to_string());
    row.remove(key);
    (id, row)
}

/// The items without their attached records, and the lists of these.
fn detached(rules: &[AttachRule], items: Tree) -> (Tree, Vec<(&Pointer, Vec<Tree>)>) {
    let mut related = Vec::new();
    let items = rules.iter().fold(items, |items, rule| {
        let mut records = Vec::new();
        let mut detach = |mut row: Tree| {
            let keys = row.at(rule.by.tokens()).cloned();
            match row.get(&rule.field).cloned() {
                Some(Tree::List(list)) => {
                    let keys = if let Some(Tree::List(keys)) = keys { keys } else { Vec::new() };
                    list.into_iter().zip(keys).for_each(|(record, key)| add(&mut records, rule, record, &key));
                }
                Some(record @ Tree::Object(_)) => {
                    keys.into_iter().for_each(|key| add(&mut records, rule, record.clone(), &key));
                }
                Some(Tree::Leaf(_)) | None => {}
            }
            row.remove(&rule.field);
            row
        };
        let items = match items {
            Tree::List(rows) => Tree::List(rows.into_iter().map(&mut detach).collect()),
            single => detach(single),
        };
        related.push((&rule.from, records));
        items
    });
    (items, related)
}

/// Adds a related record once.
fn add(records: &mut Vec<Tree>, rule: &AttachRule, mut record: Tree, key: &Tree) {
    if !records.iter().any(|other| other.at(rule.key.tokens()) == Some(key)) {
        record.put(&rule.key, key.clone());
        records.push(record);
    }
}

/// A report with its columns and one row.
pub(super) fn report(rule: &ResponseRule, sample: &Tree) -> Tree {
    let mut body = Tree::object();
    let values = match &rule.columns {
        ColumnRule::Names(names) => {
            names.iter().map(|name| sample.get(name).cloned().unwrap_or_else(Tree::null)).collect()
        }
        ColumnRule::At { list, name } => {
            let column = |(field, _): &(String, Tree)| column(field, name.as_ref());
            body.put(list, Tree::List(sample.fields().iter().map(column).collect()));
            sample.fields().iter().map(|(_, value)| value.clone()).collect()
        }
    };
    body.put(&rule.rows, Tree::List(vec![Tree::List(values)]));
    body
}

fn column(field: &str, name: Option<&Pointer>) -> Tree {
    let Some(pointer) = name else { return Tree::text(field) };
    let mut column = Tree::object();
    column.put(pointer, Tree::text(field));
    column
}

fn rows(body: &Tree) -> &[Tree] {
    match body {
        Tree::List(rows) => rows,
        Tree::Object(_) | Tree::Leaf(_) => std::slice::from_ref(body),
    }
}

fn lines(body: &Tree) -> String {
    rows(body).iter().map(|row| format!("{}\n", row.to_json())).collect()
}

/// The text of a value in a cell or an element; other values are JSON.
fn cell(value: &Tree) -> String {
    if value.is_null() { String::new() } else { value.plain().unwrap_or_else(|| value.to_json()) }
}

fn csv(rule: &CsvRule, body: &Tree) -> String {
    let mut columns = rule.columns.clone();
    if columns.is_empty() {
        for (name, _) in rows(body).iter().flat_map(Tree::fields) {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
    }
    let separator = char::from(rule.separator);
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |cells: Vec<String>| format!("{}\r\n", cells.join(&separator.to_string()));
    let head = if rule.header { line(columns.iter().map(|name| quoted(name)).collect()) } else { String::new() };
    let row =
        |row: &Tree| line(columns.iter().map(|name| quoted(&row.get(name).map(cell).unwrap_or_default())).collect());
    std::iter::once(head).chain(rows(body).iter().map(row)).collect()
}

/// XML by the rule by which it is read.
fn xml(body: &Tree) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    for (name, value) in body.fields() {
        element(&mut out, name, value);
    }
    out
}

fn element(out: &mut String, name: &str, value: &Tree) {
    if let Tree::List(list) = value {
        list.iter().for_each(|value| element(out, name, value));
        return;
    }
    out.push_str(&format!("<{name}"));
    let (attributes, children): (Vec<_>, Vec<_>) = value.fields().iter().partition(|(name, _)| name.starts_with('@'));
    for (name, value) in attributes {
        out.push_str(&format!(" {}=\"{}\"", name.trim_start_matches('@'), escaped(&cell(value))));
    }
    out.push('>');
    for (name, value) in children {
        match name.as_str() {
            "#text" => out.push_str(&escaped(&cell(value))),
            name => element(out, name, value),
        }
    }
    if let Tree::Leaf(_) = value {
        out.push_str(&escaped(&cell(value)));
    }
    out.push_str(&format!("</{name}>"));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
