//! Formats the properties of a JSON Schema as a table: name, type, description. Pure.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::cli::screen::{GAP, TableColumn, TextTable, terminal_text};
use crate::digits::is_number;
use crate::json_text::{fields_of, value_of};
use crate::row_file::referred;

/// Width of names; longer ones go on a separate line.
const NAME_MIN: usize = 20;
const NAME_MAX: usize = 34;
/// Width of types.
const TYPE_MIN: usize = 14;
const TYPE_MAX: usize = 34;
/// Minimum width of descriptions.
const TEXT_MIN: usize = 32;
/// Values that are shown of a longer enumeration.
const CHOICES: usize = 12;

/// How many values of an enumeration are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choices {
    /// The first [`CHOICES`], and the number of the others.
    Some,
    All,
}

/// One field.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) required: bool,
    pub(crate) text: String,
}

impl Field {
    /// A field from its schema.
    pub(crate) fn of(name: &str, schema: &Value, required: bool, choices: Choices) -> Field {
        Field { name: name.to_owned(), kind: type_text(schema, choices), required, text: description(schema) }
    }
}

/// Fields of an object schema: required ones first, then in the order of `first`.
pub(crate) fn of_schema(schema: &Value, first: &[String], listed: Choices) -> Vec<Field> {
    // Of several alternatives, the first object is shown.
    let shape = schema
        .get("anyOf")
        .and_then(Value::as_array)
        .and_then(|all| all.iter().find(|s| s.get("properties").is_some()))
        .unwrap_or(schema);
    let required: Vec<&str> =
        shape.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = shape.get("properties").and_then(Value::as_object) else {
        return required
            .iter()
            .map(|name| Field { name: (*name).to_owned(), kind: "any".to_owned(), required: true, text: String::new() })
            .collect();
    };
    let rank = |name: &String| first.iter().position(|n| n == name).unwrap_or(usize::MAX);
    let mut names: Vec<&String> = properties.keys().collect();
    names.sort_by_key(|name| (!required.contains(&name.as_str()), rank(name)));
    let field = |name: &&String| {
        properties.get(*name).map(|schema| Field::of(name, schema, required.contains(&name.as_str()), listed))
    };
    names.iter().filter_map(field).collect()
}

/// Whether an enumeration in the schema is shortened.
pub(crate) fn is_shortened(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            map.get("enum").and_then(Value::as_array).is_some_and(|all| all.len() > CHOICES)
                || map.values().any(is_shortened)
        }
        Value::Array(list) => list.iter().any(is_shortened),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The fields as a table, descriptions wrapped.
pub(crate) fn lay_out(fields: &[Field], indent: usize, width: usize) -> String {
    // Values of enumerations and names of properties are not cut.
    let words = fields.iter().flat_map(|field| field.kind.split_whitespace());
    let type_min = words.map(terminal_text::width).max().unwrap_or(0).clamp(TYPE_MIN, TYPE_MAX);
    let text_room = width.saturating_sub(indent + NAME_MIN + type_min + 2 * GAP);
    let columns = [
        TableColumn::whole("").rank(3).min(NAME_MIN).max(NAME_MAX),
        TableColumn::text("").rank(2).min(type_min).max(TYPE_MAX),
        TableColumn::text("").rank(1).min(TEXT_MIN.min(text_room)),
    ];
    let row = |field: &Field| {
        let name = format!("{}{}", field.name, if field.required { "*" } else { "" });
        vec![name, field.kind.clone(), field.text.clone()]
    };
    let rows: Vec<Vec<String>> = fields.iter().map(row).collect();
    let table = TextTable::new(&columns, &rows, indent, Some(width), false);
    rows.iter().map(|row| table.row(row)).collect()
}

/// JSON as a value. A number that `serde_json` would write differently becomes a string.
pub(crate) fn shown(json: &str) -> Value {
    if let Some(fields) = fields_of(json) {
        return Value::Object(fields.into_iter().map(|(name, raw)| (name, shown(raw.get()))).collect());
    }
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(json) {
        return list.into_iter().map(|raw| shown(raw.get())).collect();
    }
    let value = value_of(json).unwrap_or_default();
    let plain = value.to_string();
    if is_number(json) && plain != json { Value::from(json) } else { value }
}

/// A short text for the type.
pub(crate) fn type_text(schema: &Value, listed: Choices) -> String {
    let schema = referred(schema);
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let most = if listed == Choices::All { choices.len() } else { CHOICES };
        let mut shown: Vec<String> = choices.iter().take(most).map(value_text).collect();
        if choices.len() > most {
            shown.push(format!("… {} more", choices.len() - most));
        }
        return shown.join(" | ");
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter(|t| *t != "null").collect(),
        // A record that is described elsewhere.
        _ => {
            let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.rsplit('/').next());
            return target.map_or_else(|| "any".to_owned(), crate::json_pointer::unescape);
        }
    };
    types.iter().map(|one| one_type(one, schema, listed)).collect::<Vec<_>>().join(" or ")
}

fn one_type(name: &str, schema: &Value, listed: Choices) -> String {
    match name {
        "array" => match schema.get("items") {
            Some(element) => format!("list of {}", type_text(element, listed)),
            None => "list".to_owned(),
        },
        "object" => match schema.get("properties").and_then(Value::as_object) {
            Some(properties) if properties.len() <= 4 => {
                format!("{{ {} }}", properties.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
            _ => "object".to_owned(),
        },
        "integer" | "number" => format!("{name}{}", range(schema)),
        _ => match schema.get("format").and_then(Value::as_str) {
            Some(format) => format!("{name} ({format})"),
            None => name.to_owned(),
        },
    }
}

fn range(schema: &Value) -> String {
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!(" {}..{}", value_text(least), value_text(most)),
        (Some(least), None) => format!(" ≥ {}", value_text(least)),
        (None, Some(most)) => format!(" ≤ {}", value_text(most)),
        (None, None) => String::new(),
    }
}

/// Description, default and an example.
fn description(schema: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(text) = schema.get("description").or_else(|| schema.get("title")).and_then(Value::as_str) {
        parts.push(text.trim_end_matches('.').to_owned());
    }
    parts.extend(schema.get("default").map(|v| format!("default {}", value_text(v))));
    if schema.get("enum").is_none() {
        parts.extend(schema.get("examples").and_then(|v| v.get(0)).map(|v| format!("for example {}", value_text(v))));
    }
    let values = schema.get("values").and_then(|values| values.get("operation")).and_then(Value::as_str);
    parts.extend(values.map(values_text));
    parts.join("; ")
}

/// What says that `opnode values` lists the values of an option or a field.
pub(crate) fn values_text(operation: &str) -> String {
    format!("values of {operation}")
}

fn value_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Choices, lay_out, of_schema, type_text};

    #[test]
    fn types_have_short_texts() {
        for (schema, text) in [
            (json!({"type": "string", "format": "date-time"}), "string (date-time)"),
            (json!({"type": "integer", "minimum": 1, "maximum": 9}), "integer 1..9"),
            (json!({"type": ["string", "null"]}), "string"),
            (json!({"type": "array", "items": {"type": "object", "properties": {"id": {}}}}), "list of { id }"),
            (json!({"enum": ["a", 1]}), "a | 1"),
            (json!({}), "any"),
        ] {
            assert_eq!(type_text(&schema, Choices::Some), text);
        }
    }

    #[test]
    fn long_enumerations_are_shortened_or_whole() {
        let schema = json!({"enum": (1..=15).collect::<Vec<u8>>()});
        assert!(type_text(&schema, Choices::Some).ends_with("| 12 | … 3 more"));
        assert!(type_text(&schema, Choices::All).ends_with("| 14 | 15"));
    }

    #[test]
    fn required_fields_come_first() {
        let schema = json!({"required": ["z"], "properties": {"a": {"type": "string"}, "b": {"type": "integer", "description": "Long enough to be wrapped somewhere."}, "z": {"type": "boolean"}}});
        let text = lay_out(&of_schema(&schema, &["b".to_owned()], Choices::Some), 2, 40);
        assert_eq!(
            text,
            "  z*  boolean\n  b   integer  Long enough to be wrapped\n               somewhere\n  a   string\n"
        );
    }
}
