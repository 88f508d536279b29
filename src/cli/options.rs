//! Options from the command line: `--options` and `--set`, typed by the operation's schemas and laid over a template's.

use serde_json::{Map, Number, Value};

use super::args_call::CallArgs;
use super::input::input;
use crate::definition::{Operation, OptionRule, kind_of};
use crate::error::{Error, ErrorKind, Place, Result};

/// The options of a call, and the file that they came from, when they did.
pub(crate) struct Given {
    pub(crate) options: Map<String, Value>,
    /// Names that were typed, template values left out.
    pub(crate) named: Vec<String>,
    pub(crate) file: Option<String>,
}

/// Lays what was typed over the options of a template.
pub(crate) fn given(operation: &Operation, base: Map<String, Value>, args: &CallArgs) -> Result<Given> {
    let mut given = Given { options: base, named: Vec::new(), file: None };
    if let Some(argument) = &args.options {
        let (map, file) = object(argument)?;
        given.named.extend(map.keys().cloned());
        given.options.extend(map);
        given.file = file;
    }
    let mut lists: Vec<String> = Vec::new();
    for pair in &args.set {
        let (name, text) = split(pair)?;
        // An option that the operation does not have goes in as text: the check of all options then names it and the nearest right one.
        let value = operation.option(name).map_or_else(|| Value::from(text), |rule| typed(rule, text));
        match (value, given.options.get_mut(name)) {
            (Value::Array(more), Some(Value::Array(list))) if lists.iter().any(|n| n == name) => list.extend(more),
            (value, _) => {
                given.options.insert(name.to_owned(), value);
            }
        }
        lists.push(name.to_owned());
        given.named.push(name.to_owned());
    }
    Ok(given)
}

fn object(argument: &str) -> Result<(Map<String, Value>, Option<String>)> {
    let input = input("--options", argument, ErrorKind::InvalidOptions)?;
    let place = |line: usize, column: usize| Place {
        file: input.file.clone(),
        line: input.file.is_some().then_some(line as u64),
        column: input.file.is_some().then_some(column as u64),
        field: None,
    };
    let wrong = |message: String, at: Place| {
        Error::new(ErrorKind::InvalidOptions, message)
            .at(at)
            .advise("options are a JSON object, such as {\"id\": 12}; --set id=12 gives one without quotes")
    };
    match serde_json::from_str(&input.text) {
        Ok(Value::Object(map)) => Ok((map, input.file)),
        Ok(other) => Err(wrong(format!("--options must be a JSON object, not {}", kind_of(&other)), place(1, 1))),
        Err(e) => Err(wrong(format!("--options is not JSON: {e}"), place(e.line(), e.column()))),
    }
}

fn split(pair: &str) -> Result<(&str, &str)> {
    pair.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Error::new(ErrorKind::Usage, format!("--set {pair} gives no value")).advise("write it as --set name=value"))
}

/// The text as the option's schema wants it. What does not fit stays text, and the check of the options says what is wrong with it.
fn typed(rule: &OptionRule, text: &str) -> Value {
    let schema = rule.schema.to_value();
    by_types(&types(&schema), &schema, text)
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        // Without a type, the values that are listed tell it.
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

fn by_types(types: &[&str], schema: &Value, text: &str) -> Value {
    let has = |name: &str| types.contains(&name);
    let number = || text.trim().parse::<Number>().ok().map(Value::Number);
    let whole = || text.trim().parse::<i64>().map(Value::from).or_else(|_| text.trim().parse::<u64>().map(Value::from)).ok();
    let flag = || text.trim().parse::<bool>().ok().map(Value::Bool);
    let json = |wanted: fn(&Value) -> bool| serde_json::from_str::<Value>(text).ok().filter(wanted);
    let found = None
        .or_else(|| if has("integer") { whole() } else { None })
        .or_else(|| if has("number") { number() } else { None })
        .or_else(|| if has("boolean") { flag() } else { None })
        .or_else(|| if has("object") { json(Value::is_object) } else { None })
        .or_else(|| if has("array") { Some(list(schema, text)) } else { None })
        .or_else(|| if has("null") && text == "null" { Some(Value::Null) } else { None });
    found.unwrap_or_else(|| Value::from(text))
}

/// A JSON array, or values separated by commas.
fn list(schema: &Value, text: &str) -> Value {
    if let Some(array) = serde_json::from_str::<Value>(text).ok().filter(Value::is_array) {
        return array;
    }
    let element = schema.get("items").cloned().unwrap_or_default();
    let kinds = types(&element);
    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(|t| by_types(&kinds, &element, t)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{by_types, types};

    #[test]
    fn values_take_the_type_of_the_schema() {
        for (schema, text, value) in [
            (json!({"type": "integer"}), "12", json!(12)),
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
            assert_eq!(by_types(&types(&schema), &schema, text), value, "{schema} {text}");
        }
        assert_eq!(types(&Value::Null), Vec::<&str>::new());
    }
}
