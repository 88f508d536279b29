//! Converts an option of a definition file to its checked rule. Pure.

use serde_json::json;

use crate::authoring::{Checker, Json, Ordered};
use crate::definition::file::{KEYWORDS, LocationFile, OWN_KEYS, OptionFile, StyleFile};
use crate::definition::naming::Naming;
use crate::definition::option_rule::{Location, OptionRule};
use crate::definition::paging::Size;
use crate::error::did_you_mean;
use crate::json_text::put_object;

/// Checks one option and joins its keywords into a JSON Schema. `path` has the names in the path; a set of options is
/// for any path.
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
            let advice = format!("remove `in` from `{name}`");
            c.fault(
                &format!("{at}/in"),
                format!("`{name}` is in the path, so it cannot be sent elsewhere"),
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
    check_keywords(c, at, &file);
    let description = file.keyword("description").and_then(|json| serde_json::from_str(&json.0).ok());
    let naming = file.fields.map(Naming::from);
    let (repeat, secret) = (file.style == StyleFile::Repeat, file.secret);
    let no_list = file.keyword("type").is_some_and(|kind| !kind.0.contains("\"array\""));
    if repeat && (location != Location::Query || no_list) {
        c.fault(&format!("{at}/style"), "`style: repeat` is for a list that is sent in the query", None);
    }
    let schema = schema_text(&file.keywords);
    c.schema(at, &format!("the option `{name}`: "), || schema.to_value());
    Some(OptionRule { name, location, schema, description, required: in_path, secret, repeat, placed, naming })
}

/// Authors would expect an unknown keyword to have an effect.
fn check_keywords(c: &mut Checker<'_>, at: &str, file: &OptionFile) {
    let known = || OWN_KEYS.iter().chain(&KEYWORDS).copied();
    for (key, value) in &file.keywords {
        if !known().any(|name| name == key) {
            c.unknown_key(at, key, did_you_mean(key, known()));
        } else if value.0 == "null" && key != "default" && key != "const" && key != "example" {
            c.fault(&format!("{at}/{key}"), format!("`{key}` is null and has no effect"), None);
        }
    }
}

/// The keywords as one JSON Schema.
fn schema_text(keywords: &Ordered<Json>) -> Json {
    let mut schema = String::new();
    let entries = keywords.iter().map(|(key, value)| (key.as_str(), value));
    put_object(&mut schema, entries, |text, value| text.push_str(&value.0));
    Json(schema)
}

pub(super) fn page_size_option(size: &Size) -> OptionRule {
    let description = format!("Records per request; default {}. All pages are fetched in any case", size.default);
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
