//! Sample values from a JSON Schema: what an example, a list of values, a bound or the type suggests. Pure.

use serde_json::{Map, Value, json};

use crate::authoring::Json;
use crate::json_pointer::unescape;

/// Deeper objects are empty.
const DEPTH_MAX: usize = 4;
/// Samples of records with more fields would help nobody.
const FIELDS_MAX: usize = 400;

/// A value with all fields that a schema describes.
pub(super) fn sample_of(schema: &Value) -> Json {
    Json::from(value(schema, schema, DEPTH_MAX, &|_, _| true).unwrap_or_else(|| json!({})))
}

/// A value with the required fields of a schema; `None` if nothing is required.
pub(super) fn required_sample(schema: &Value) -> Option<Json> {
    let is_required = |schema: &Value, name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|own| own == name))
    };
    let sample = value(schema, schema, DEPTH_MAX, &is_required)?;
    let is_said = sample.as_object().is_none_or(|fields| !fields.is_empty());
    is_said.then(|| Json::from(sample))
}

/// Whether a field of an object is part of the sample.
type Wanted<'w> = &'w dyn Fn(&Value, &str) -> bool;

fn value(root: &Value, schema: &Value, depth: usize, is_wanted: Wanted<'_>) -> Option<Value> {
    let first = |key: &str| schema.get(key).and_then(Value::as_array)?.iter().find(|value| !value.is_null()).cloned();
    let said = first("examples").or_else(|| schema.get("example").cloned()).or_else(|| first("enum"));
    let said = said.or_else(|| schema.get("const").cloned()).or_else(|| schema.get("default").cloned());
    if let Some(said) = said {
        return Some(said);
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let found = if target == "#" { Some(root) } else { at(root, target.strip_prefix('#')?) };
        return found.filter(|_| depth > 0).and_then(|found| value(root, found, depth - 1, is_wanted));
    }
    let types = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let has = |kind: &str| types.contains(&kind);
    if has("object") || schema.get("properties").is_some() || schema.get("allOf").is_some() {
        let mut fields = Map::new();
        add_fields(root, schema, depth, is_wanted, &mut fields);
        return Some(Value::Object(fields));
    }
    if let Some(choice) = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(key).and_then(Value::as_array)) {
        return choice.iter().find_map(|part| value(root, part, depth, is_wanted));
    }
    match () {
        () if has("string") || (types.is_empty() && schema.get("format").is_some()) => Some(text(schema)),
        () if has("integer") || has("number") => Some(schema.get("minimum").cloned().unwrap_or_else(|| json!(1))),
        () if has("boolean") => Some(Value::Bool(true)),
        () if has("array") => {
            let element = schema.get("items").filter(|_| depth > 0);
            let inner = element.and_then(|items| value(root, items, depth - 1, is_wanted));
            Some(Value::Array(inner.into_iter().collect()))
        }
        () if has("null") => Some(Value::Null),
        () => Some(Value::from("text")),
    }
}

fn add_fields(root: &Value, schema: &Value, depth: usize, is_wanted: Wanted<'_>, fields: &mut Map<String, Value>) {
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten().filter(|_| depth > 0) {
        let part = match part.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#')) {
            Some(pointer) => at(root, pointer),
            None => Some(part),
        };
        if let Some(part) = part {
            add_fields(root, part, depth - 1, is_wanted, fields);
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object).filter(|_| depth > 0);
    for (name, property) in properties.into_iter().flatten().filter(|(name, _)| is_wanted(schema, name)) {
        if let Some(inner) = value(root, property, depth - 1, is_wanted)
            && fields.len() < FIELDS_MAX
        {
            fields.insert(name.clone(), inner);
        }
    }
}

fn at<'v>(root: &'v Value, pointer: &str) -> Option<&'v Value> {
    pointer.split('/').skip(1).try_fold(root, |value, token| value.get(unescape(token)))
}

fn text(schema: &Value) -> Value {
    let said = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-31",
        Some("date-time") => "2026-01-31T08:00:00Z",
        Some("time") => "08:00:00Z",
        Some("duration") => "P1D",
        Some("uuid") => "00000000-0000-0000-0000-000000000000",
        Some("email") => "someone@example.com",
        Some("uri") => "https://example.com",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        _ => "text",
    };
    let max = schema.get("maxLength").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let min = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0).min(200);
    let cut: String = said.chars().take(usize::try_from(max).unwrap_or(usize::MAX)).collect();
    Value::from(if (cut.len() as u64) < min { "x".repeat(usize::try_from(min).unwrap_or(1)) } else { cut })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{required_sample, sample_of};

    #[test]
    fn samples_follow_the_schema() {
        let schema = json!({
            "type": "object", "required": ["name"],
            "properties": {
                "id": {"type": "integer", "minimum": 7}, "name": {"type": "string", "maxLength": 2}, "on": {"format": "date"},
                "parent": {"$ref": "#"}, "kind": {"$ref": "#/$defs/Kind"}, "tags": {"type": ["array", "null"], "items": {"enum": [null, "a"]}},
            },
            "$defs": {"Kind": {"allOf": [{"properties": {"x": {"type": "boolean"}}}]}},
        });
        let sample = sample_of(&schema).to_value();
        assert_eq!(sample["id"], 7);
        assert_eq!((&sample["name"], &sample["on"]), (&json!("te"), &json!("2026-01-31")));
        assert_eq!((&sample["kind"], &sample["tags"]), (&json!({"x": true}), &json!(["a"])));
        assert!(sample["parent"]["id"] == 7, "{sample}");
        assert_eq!(required_sample(&schema).unwrap().to_value(), json!({"name": "te"}));
        assert_eq!(required_sample(&json!({"type": "object"})), None);
    }
}
