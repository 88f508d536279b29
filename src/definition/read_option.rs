//! From an option in a definition file to its checked rule. Pure.

use serde_json::{Value, json};

use super::naming::Naming;
use super::option_file::{LocationFile, OptionFile, StyleFile};
use super::option_rule::{Location, OptionRule};
use super::paging::Size;
use crate::authoring::Checker;
use crate::authoring::Json;

/// Checks one option and joins its keywords into a JSON Schema. `path` has the names in the path; a set of options is for any path.
pub(super) fn option_rule(
    c: &mut Checker<'_>,
    at: &str,
    name: String,
    file: OptionFile,
    path: Option<&[String]>,
) -> Option<OptionRule> {
    let in_path = path.is_some_and(|names| names.contains(&name));
    let placed = file.location.is_some();
    let location = match file.location {
        None if in_path => Location::Path,
        Some(LocationFile::Path) if in_path || path.is_none() => Location::Path,
        Some(LocationFile::Path) => {
            c.fault(at, format!("`{name}` is sent in the path, but the path does not name it"), None);
            return None;
        }
        Some(_) if in_path => {
            let advice = format!("leave `in` out of `{name}`");
            c.fault(
                &format!("{at}/in"),
                format!("the path names `{name}`, so it is sent there and nowhere else"),
                Some(advice.into()),
            );
            Location::Path
        }
        Some(LocationFile::Header) => {
            c.header(at, &name)?;
            Location::Header
        }
        Some(LocationFile::Body) => Location::Body,
        Some(LocationFile::Query) | None => Location::Query,
    };
    let description = file.description.clone();
    let naming = file.fields.map(Naming::from);
    let (repeat, secret) = (file.style == StyleFile::Repeat, file.secret);
    let no_list = file.kind.as_ref().is_some_and(|kind| !kind.0.contains("\"array\""));
    if repeat && (location != Location::Query || no_list) {
        c.fault(&format!("{at}/style"), "`style: repeat` is for a list that is sent in the query", None);
    }
    let schema = schema_text(file);
    c.schema(at, &format!("the option `{name}`: "), || schema.to_value());
    Some(OptionRule { name, location, schema, description, required: in_path, secret, repeat, placed, naming })
}

/// The JSON Schema keywords of an option, in their usual order.
fn schema_text(file: OptionFile) -> Json {
    let text = |t: Option<String>| t.map(|t| Json(Value::from(t).to_string()));
    let number = |n: Option<u32>| n.map(|n| Json(n.to_string()));
    let entries = [
        ("type", file.kind),
        ("title", text(file.title)),
        ("description", text(file.description)),
        ("enum", file.choices),
        ("format", text(file.format)),
        ("minimum", file.minimum),
        ("maximum", file.maximum),
        ("minLength", number(file.min_length)),
        ("maxLength", number(file.max_length)),
        ("pattern", text(file.pattern)),
        ("items", file.items),
        ("minItems", number(file.min_items)),
        ("maxItems", number(file.max_items)),
        ("default", file.default),
        ("examples", file.examples),
    ];
    let mut schema = String::from("{");
    for (key, value) in entries.into_iter().filter_map(|(key, value)| Some((key, value?.0))) {
        let comma = if schema.len() > 1 { "," } else { "" };
        [comma, "\"", key, "\":", &value].into_iter().for_each(|part| schema.push_str(part));
    }
    schema.push('}');
    Json(schema)
}

pub(super) fn page_size_option(size: &Size) -> OptionRule {
    let description = format!("Records per request; {} when left out. All pages are fetched either way", size.default);
    let mut schema = json!({"type": "integer", "minimum": 1, "description": description});
    if let (Some(max), Some(map)) = (size.max, schema.as_object_mut()) {
        map.insert("maximum".into(), max.into());
    }
    OptionRule {
        name: size.query.clone(),
        location: Location::PageSize,
        schema: Json(schema.to_string()),
        description: Some(description),
        required: false,
        secret: false,
        repeat: false,
        placed: true,
        naming: None,
    }
}
