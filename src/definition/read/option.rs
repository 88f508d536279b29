//! Converts an option of a definition file to its checked rule. Pure.

use std::sync::Arc;

use serde_json::{Value, json};

use super::record_refs::{OtherRecords, check, embedded, may_refer};
use crate::authoring::{Checker, Json, Ordered, Pointer, is_cookie_name};
use crate::definition::file::{
    KEYWORDS, LocationFile, NamingFile, OWN_KEYS, OptionFile, QuoteFile, StyleFile, ValuesFile,
};
use crate::definition::naming::Naming;
use crate::definition::option_rule::{Location, OptionRule, ParameterStyle, Quote, ValueSource};
use crate::definition::paging::Size;
use crate::error::did_you_mean;
use crate::json_pointer::escape;
use crate::json_text::put_object;

/// Checks one option and joins its keywords into a JSON Schema. `within` has the names in the path of its operation, and
/// the records; a set of options is for any path, and has no records.
pub(super) fn option_rule(
    c: &mut Checker<'_>,
    at: &str,
    name: String,
    file: OptionFile,
    within: Option<(&[String], &OtherRecords<'_>)>,
) -> Option<OptionRule> {
    let path = within.map(|(path, _)| path);
    let in_path = path.is_some_and(|names| names.contains(&name));
    let placed = file.location.is_some();
    let location = location(c, at, &name, &file, path)?;
    check_keywords(c, at, &file);
    let description = file.keyword("description").and_then(|json| serde_json::from_str(&json.0).ok());
    let naming = file.fields.map(Naming::from);
    let style = style(c, at, &file, location);
    own_keys(c, at, &name, &file, location);
    let mut schema = schema_text(&name, &file.keywords);
    if let Some((_, records)) = within
        && may_refer(&schema.0)
    {
        check(c, at, &format!("the option `{name}`: "), schema.to_value(), records);
        schema = Json::from(embedded(c, at, schema.to_value(), records));
    } else {
        c.schema(at, &format!("the option `{name}`: "), || schema.to_value());
    }
    if let Some(preset) = &file.preset {
        c.fits(&format!("{at}/preset"), || schema.to_value(), preset);
    }
    let quote = file.quote.map(|quote| match quote {
        QuoteFile::Double => Quote::Double,
        QuoteFile::Backslash => Quote::Backslash,
    });
    let values = file.values.and_then(|values| value_source(c, &format!("{at}/values"), values)).map(Arc::new);
    Some(OptionRule {
        name,
        location,
        schema,
        description,
        required: in_path,
        secret: file.secret,
        values,
        wire: file.wire,
        style,
        preset: file.preset,
        per_item: file.per_item,
        quote,
        placed,
        naming,
        operators: file.operators,
    })
}

fn location(c: &mut Checker<'_>, at: &str, name: &str, file: &OptionFile, path: Option<&[String]>) -> Option<Location> {
    let in_path = path.is_some_and(|names| names.iter().any(|n| n == name));
    let wire = file.wire.as_deref().unwrap_or(name);
    match file.location {
        None if in_path => Some(Location::Path),
        Some(LocationFile::Path) if in_path || path.is_none() => Some(Location::Path),
        Some(LocationFile::Path) => {
            c.fault(at, format!("`{name}` is sent in the path, but the path does not name it"), None);
            None
        }
        Some(_) if in_path => {
            let advice = format!("remove `in` from `{name}`");
            let message = format!("`{name}` is in the path, so it cannot be sent elsewhere");
            c.fault(&format!("{at}/in"), message, Some(advice.into()));
            Some(Location::Path)
        }
        Some(LocationFile::Header) => c.header(at, wire).map(|_| Location::Header),
        Some(LocationFile::Cookie) => {
            if !is_cookie_name(wire) {
                c.fault(at, format!("`{wire}` is not the name of a cookie"), None);
            }
            Some(Location::Cookie)
        }
        Some(LocationFile::Body) => c.body_place(&format!("{at}/as"), wire).map(|_| Location::Body),
        Some(LocationFile::Text) => Some(Location::Text),
        Some(LocationFile::Query) | None => Some(Location::Query),
    }
}

/// The style, if it fits the place and the type.
fn style(c: &mut Checker<'_>, at: &str, file: &OptionFile, location: Location) -> ParameterStyle {
    let style = match file.style {
        StyleFile::Comma => ParameterStyle::Comma,
        StyleFile::Repeat => ParameterStyle::Repeat,
        StyleFile::Pipes => ParameterStyle::Pipes,
        StyleFile::Spaces => ParameterStyle::Spaces,
        StyleFile::Brackets => ParameterStyle::Brackets,
        StyleFile::Indexes => ParameterStyle::Indexes,
        StyleFile::Deep => ParameterStyle::Deep,
        StyleFile::Fields => ParameterStyle::Fields,
        StyleFile::Json => ParameterStyle::Json,
        StyleFile::Segments => ParameterStyle::Segments,
    };
    let may_be = |kind: &str| file.keyword("type").is_none_or(|types| types.0.contains(&format!("\"{kind}\"")));
    let is_query = location == Location::Query;
    let fault = match style {
        ParameterStyle::Comma => return style,
        ParameterStyle::Repeat | ParameterStyle::Brackets | ParameterStyle::Indexes
            if !is_query || !may_be("array") =>
        {
            "is for a list that is sent in the query"
        }
        ParameterStyle::Deep | ParameterStyle::Fields if !is_query || !may_be("object") => {
            "is for an object that is sent in the query"
        }
        ParameterStyle::Segments if location != Location::Path => "is for a text that is sent in the path",
        ParameterStyle::Pipes | ParameterStyle::Spaces | ParameterStyle::Json
            if matches!(location, Location::Path | Location::Body) =>
        {
            "is for a query parameter, a header, a cookie or a text"
        }
        ParameterStyle::Pipes | ParameterStyle::Spaces if !may_be("array") => "is for a list",
        ParameterStyle::Repeat
        | ParameterStyle::Brackets
        | ParameterStyle::Indexes
        | ParameterStyle::Deep
        | ParameterStyle::Fields
        | ParameterStyle::Segments
        | ParameterStyle::Pipes
        | ParameterStyle::Spaces
        | ParameterStyle::Json => return style,
    };
    let written = serde_json::to_string(&file.style).unwrap_or_default();
    c.fault(&format!("{at}/style"), format!("`style: {}` {fault}", written.trim_matches('"')), None);
    style
}

/// Keys that have no effect in this place.
fn own_keys(c: &mut Checker<'_>, at: &str, name: &str, file: &OptionFile, location: Location) {
    if file.quote.is_some() && location != Location::Text {
        c.fault(&format!("{at}/quote"), "`quote` is for `in: text`", None);
    }
    if file.wire.is_some() && matches!(location, Location::Path | Location::Text) {
        let message = format!("`as` has no effect: the placeholder is `{{{name}}}`");
        c.fault(&format!("{at}/as"), message, None);
    }
    let is_pointer = file.wire.as_ref().is_some_and(|wire| wire.starts_with('/'));
    if is_pointer && matches!(location, Location::Query | Location::Header | Location::Cookie) {
        c.fault(&format!("{at}/as"), "a JSON Pointer is for `in: body`; elsewhere `as` is a plain name", None);
    }
    if file.wire.is_some() && file.style == StyleFile::Fields {
        c.fault(&format!("{at}/as"), "`as` has no effect: each field has its own name", None);
    }
    if file.preset.is_some() && (location == Location::Path || file.per_item) {
        c.fault(&format!("{at}/preset"), "`preset` has no effect: each call or item names its own record", None);
    }
    if file.per_item && matches!(location, Location::Path | Location::Body) {
        let message = "`per_item` is for a query parameter, a header, a cookie or a text";
        c.fault(&format!("{at}/per_item"), message, None);
    }
    let is_condition = matches!(file.fields, Some(NamingFile::Conditions | NamingFile::Terms));
    if !file.operators.is_empty() && !is_condition {
        c.fault(
            &format!("{at}/operators"),
            "`operators` is for conditions: add `fields: conditions` or `fields: terms`",
            None,
        );
    }
    for (number, operator) in file.operators.iter().enumerate() {
        if operator.is_empty() || operator.contains(char::is_whitespace) {
            c.fault(&format!("{at}/operators/{number}"), "an operator is a word or a sign without spaces", None);
        }
    }
}

fn value_source(c: &mut Checker<'_>, at: &str, file: ValuesFile) -> Option<ValueSource> {
    let label = file.label.and_then(|p| c.pointer(&format!("{at}/label"), &p));
    let value: Option<Pointer> = c.pointer(&format!("{at}/value"), &file.value);
    Some(ValueSource { operation: file.operation, value: value?, label, options: file.options.into_iter().collect() })
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

/// The keywords as one JSON Schema. References in it start at the option itself, wherever the schema is embedded.
fn schema_text(name: &str, keywords: &Ordered<Json>) -> Json {
    let mut schema = String::new();
    let refers = keywords.contains_key("$ref") || keywords.values().any(|value| value.0.contains("\"$ref\""));
    let refers = refers && !keywords.contains_key("$id");
    let id = refers.then(|| ("$id", Json(json!(format!("urn:option:{}", escape(name))).to_string())));
    let own = id.iter().map(|(key, value)| (*key, value));
    // `nullable` is OpenAPI's word for a type that may also be null.
    let is_nullable = keywords.get("nullable").is_some_and(|value| value.0 == "true");
    let nullable = |json: &Json| match json.to_value() {
        Value::String(kind) if kind != "null" => Json(json!([kind, "null"]).to_string()),
        _ => json.clone(),
    };
    let kind = keywords.get("type").filter(|_| is_nullable).map(nullable);
    let written = keywords.iter().filter(|(key, _)| *key != "nullable");
    let entries = own.chain(written.map(|(key, value)| match (key.as_str(), &kind) {
        ("type", Some(kind)) => ("type", kind),
        (key, _) => (key, value),
    }));
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
        name: size.option.clone(),
        location: Location::PageSize,
        schema: Json(schema.to_string()),
        description: Some(description),
        required: false,
        secret: false,
        values: None,
        wire: None,
        style: ParameterStyle::Comma,
        preset: None,
        per_item: false,
        quote: None,
        placed: true,
        naming: None,
        operators: Vec::new(),
    }
}
