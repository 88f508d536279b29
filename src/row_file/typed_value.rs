//! Converts a text from a table or a command line to JSON, typed by a schema. Keeps digits. Pure.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::digits::{Decimal, is_number};

/// The schema at a path in the schema of a record.
pub(crate) fn at_path<'s>(schema: &'s Value, path: &[String]) -> Option<&'s Value> {
    let Some((name, rest)) = path.split_first() else { return Some(schema) };
    let own = schema
        .get("properties")
        .and_then(|p| p.get(name))
        .or_else(|| schema.get("items").filter(|_| name.parse::<usize>().is_ok()));
    let parts = || ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
    own.and_then(|schema| at_path(schema, rest)).or_else(|| parts().find_map(|part| at_path(part, path)))
}

/// A text as JSON, typed by the schema. Invalid values stay text; the check of the call reports them.
pub(crate) fn typed_by(schema: &Value, text: &str) -> String {
    let schema = referred(schema);
    by_types(&types(schema), schema, text)
}

/// What a schema refers to within itself; itself without a reference.
pub(crate) fn referred(schema: &Value) -> &Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/$defs/"));
    target.and_then(|name| schema.get("$defs")?.get(crate::json_pointer::unescape(name))).unwrap_or(schema)
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        // Without `type`, the types of the enumerated values count.
        _ => schema.get("enum").and_then(Value::as_array).into_iter().flatten().map(type_of).collect(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn by_types(types: &[&str], schema: &Value, text: &str) -> String {
    let has = |name: &str| types.contains(&name);
    let plain = text.trim();
    // Accept `+5` and `007` as numbers.
    let digits = plain.strip_prefix('+').unwrap_or(plain);
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let padded = unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.bytes().all(|b| b.is_ascii_digit());
    let number = || match padded {
        true => format!(
            "{}{}",
            if digits.starts_with('-') { "-" } else { "" },
            Some(unsigned.trim_start_matches('0')).filter(|d| !d.is_empty()).unwrap_or("0")
        ),
        false => digits.to_owned(),
    };
    let number = Some(number()).filter(|n| is_number(n));
    let whole = || number.clone().filter(|n| Decimal::of(n).is_some_and(|d| d.is_whole()));
    let json = |first: char| {
        plain
            .starts_with(first)
            .then(|| serde_json::from_str::<&RawValue>(plain).ok().map(|r| r.get().to_owned()))
            .flatten()
    };
    let found = None
        .or_else(|| if has("integer") { whole() } else { None })
        .or_else(|| if has("number") { number.clone() } else { None })
        .or_else(|| {
            if has("boolean") {
                Some(plain).filter(|t| matches!(*t, "true" | "false")).map(str::to_owned)
            } else {
                None
            }
        })
        .or_else(|| if has("object") { json('{') } else { None })
        .or_else(|| if has("array") { Some(json('[').unwrap_or_else(|| list(schema, text))) } else { None })
        .or_else(|| if has("null") && text == "null" { Some("null".to_owned()) } else { None });
    found.unwrap_or_else(|| quoted(text))
}

/// A cell of a table as JSON. Accepts TRUE and FALSE, as spreadsheets write them.
pub(crate) fn typed_cell(schema: &Value, cell: &str) -> String {
    let json = typed_by(schema, cell);
    let word = cell.trim().to_ascii_lowercase();
    if json.starts_with('"') && matches!(word.as_str(), "true" | "false") {
        let flag = typed_by(schema, &word);
        return if flag.starts_with('"') { json } else { flag };
    }
    json
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Comma-separated values as a list.
fn list(schema: &Value, text: &str) -> String {
    let element = schema.get("items").cloned().unwrap_or_default();
    let kinds = types(&element);
    let parts: Vec<String> =
        text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(|t| by_types(&kinds, &element, t)).collect();
    format!("[{}]", parts.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{by_types, types};

    #[test]
    fn values_are_typed_by_the_schema() {
        for (schema, text, value) in [
            (json!({"type": "integer"}), "12", json!(12)),
            (json!({"type": "integer"}), " +007", json!(7)),
            (json!({"type": "integer"}), "1.5", json!("1.5")),
            (json!({"type": "string"}), "12", json!("12")),
            (json!({"type": "number"}), "1.50", json!(1.5)),
            (json!({"type": "boolean"}), "true", json!(true)),
            (json!({"type": "boolean"}), "yes", json!("yes")),
            (json!({"type": ["integer", "string"]}), "x", json!("x")),
            (json!({"type": "array", "items": {"type": "integer"}}), "1, 2,x", json!([1, 2, "x"])),
            (json!({"type": "array"}), "[1,\"a,b\"]", json!([1, "a,b"])),
            (json!({"type": "object"}), "{\"a\":1}", json!({"a": 1})),
            (json!({"enum": [1, 2]}), "2", json!(2)),
            (json!({}), "true", json!("true")),
        ] {
            let json = by_types(&types(&schema), &schema, text);
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value, "{schema} {text}");
        }
        assert_eq!(types(&Value::Null), Vec::<&str>::new());
    }

    #[test]
    fn digits_are_kept() {
        for (schema, text, expected) in [
            (json!({"type": "integer"}), "18446744073709551617", "18446744073709551617"),
            (json!({"type": "integer"}), "1e2", "1e2"),
            (json!({"type": "integer"}), "-0", "-0"),
            (json!({"type": "integer"}), "-00", "-0"),
            (json!({"type": "integer"}), "12345678901234567890.5", "\"12345678901234567890.5\""),
            (json!({"type": "number"}), "1.10", "1.10"),
            (json!({"type": "array", "items": {"type": "number"}}), "1.10, 1e2", "[1.10,1e2]"),
            (json!({"type": "array"}), "[1.10, 1e400]", "[1.10, 1e400]"),
            (json!({"type": "object"}), "{\"a\":1.10}", "{\"a\":1.10}"),
        ] {
            assert_eq!(by_types(&types(&schema), &schema, text), expected, "{schema} {text}");
        }
    }
}
