//! Definition files as text: short values in one line, others in blocks; comments where something is only likely. Pure.

use super::operation::OperationDraft;
use super::value::Doc;
use crate::draft::{comment_within, scalar};

/// A line is at most about this long.
const WIDTH: usize = 150;
/// Characters of a comment.
const COMMENT_MAX: usize = 200;

/// A value in one line.
pub(crate) fn flow(doc: &Doc) -> String {
    match doc {
        Doc::Null => "null".to_owned(),
        Doc::Flag(flag) => flag.to_string(),
        Doc::Number(number) => number.to_string(),
        Doc::Text(text) => scalar(text),
        Doc::List(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Doc::Map(fields) if fields.is_empty() => "{}".to_owned(),
        Doc::Map(fields) => {
            let parts = fields.iter().map(|(name, value)| format!("{}: {}", scalar(name), flow(value)));
            format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A key with its value, indented.
pub(crate) fn pair(key: &str, value: &Doc, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    let line = flow(value);
    let key = scalar(key);
    let is_short = indent + key.len() + line.len() + 2 <= WIDTH;
    match value {
        // Each option and each property has its own line.
        Doc::Map(fields) if !fields.is_empty() && (!is_short || (fields.len() > 1 && is_open(&key))) => {
            out.push_str(&format!("{pad}{key}:\n"));
            fields.iter().for_each(|(name, value)| pair(name, value, indent + 2, out));
        }
        Doc::List(list) if !list.is_empty() && !is_short => {
            out.push_str(&format!("{pad}{key}:\n"));
            list.iter().for_each(|value| element(value, indent + 2, out));
        }
        // Braces within a text need no quotes outside of a flow.
        Doc::Text(text)
            if !text.starts_with('{')
                && text.contains('{')
                && scalar(&text.replace(['{', '}'], "")) == text.replace(['{', '}'], "") =>
        {
            out.push_str(&format!("{pad}{key}: {text}\n"));
        }
        _ => out.push_str(&format!("{pad}{key}: {line}\n")),
    }
}

/// Maps whose entries are read one by one.
fn is_open(key: &str) -> bool {
    matches!(key, "options" | "properties" | "connection" | "records" | "operations" | "option_sets" | "paging_sets")
}

fn element(value: &Doc, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    let line = flow(value);
    match value {
        Doc::Map(fields) if !fields.is_empty() && indent + line.len() + 2 > WIDTH => {
            let mut inner = String::new();
            fields.iter().for_each(|(name, value)| pair(name, value, indent + 2, &mut inner));
            out.push_str(&format!("{pad}- {}", inner.trim_start()));
        }
        Doc::List(list) if !list.is_empty() && indent + line.len() + 2 > WIDTH => {
            out.push_str(&format!("{pad}-\n"));
            list.iter().for_each(|value| element(value, indent + 2, out));
        }
        _ => out.push_str(&format!("{pad}- {line}\n")),
    }
}

/// A comment in one line.
pub(crate) fn comment(text: &str) -> String {
    comment_within(text, COMMENT_MAX)
}

/// The entry of an operation, indented by two.
pub(crate) fn operation(draft: &OperationDraft) -> String {
    let mut out = format!("  {}:\n", scalar(&draft.id));
    for (_, question) in &draft.questions {
        out.push_str(&format!("    # ask: {}\n", comment(question)));
    }
    for note in &draft.notes {
        out.push_str(&format!("    # {}\n", comment(note)));
    }
    for line in &draft.lines {
        if let Some(why) = &line.why {
            out.push_str(&format!("    # likely: {}\n", comment(why)));
        }
        pair(line.key, &line.value, 4, &mut out);
    }
    out
}

/// The entry of a record, indented by two.
pub(crate) fn record(name: &str, schema: &Doc) -> String {
    let mut out = format!("  {}:\n", scalar(name));
    pair("schema", schema, 4, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::{flow, pair};
    use crate::import::value::Doc;

    #[test]
    fn values_are_read_back_as_they_were() {
        let texts = [
            "yes",
            "1.0",
            " a",
            "a: b",
            "#x",
            "",
            "null",
            "- a",
            "\u{7f}\u{85}\u{2028}\u{feff}",
            "ü \"q\" \\ \n",
            "{a}",
            "@x",
            "~",
            "0x1",
            "a  b",
            "2020-01-01",
        ];
        let list = Doc::texts(texts);
        let map: Doc = texts
            .iter()
            .map(|text| ((*text).to_owned(), Doc::from(*text)))
            .collect::<super::super::value::Fields>()
            .into();
        let long = Doc::List((0..40).map(|_| Doc::of([("options", map.clone()), ("x", list.clone())])).collect());
        for doc in [list, map, long] {
            let mut text = String::new();
            pair("value", &doc, 2, &mut text);
            assert_eq!(Doc::read(&text).unwrap().get("value"), Some(&doc), "{text}");
            assert_eq!(Doc::read(&format!("a: {}", flow(&doc))).unwrap().get("a"), Some(&doc));
        }
    }
}
