//! Options from the command line: `--options` and `--set`, typed by the operation's schemas. Digits stay.

use serde_json::Value;
use serde_json::value::RawValue;

use super::args_call::CallArgs;
use super::input::input;
use crate::authoring::kind_of;
use crate::definition::{Operation, OptionRule};
use crate::digits::{Decimal, is_number};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::options::Options;

/// The options of a call, and the file that they came from, when they did.
pub(crate) struct Given {
    pub(crate) options: Options,
    /// Fields of items that were set one by one.
    pub(crate) fields: Vec<ItemField>,
    pub(crate) file: Option<String>,
}

/// `--set items.0.title=…`
pub(crate) struct ItemField {
    pub(crate) index: usize,
    pub(crate) path: Vec<String>,
    /// JSON.
    pub(crate) value: String,
}

/// The options that were typed; `set` are the pairs of `--set`.
pub(crate) fn given(operation: &Operation, args: &CallArgs, set: &[String]) -> Result<Given> {
    let mut given = Given { options: Options::default(), fields: Vec::new(), file: None };
    if let Some(argument) = &args.options {
        let (typed, file) = object(argument)?;
        given.options.extend(&typed);
        given.file = file;
    }
    let mut lists: Vec<String> = Vec::new();
    for pair in set {
        let (name, text) = split(pair)?;
        if operation.option(name).is_none() && (name == "items" || name.starts_with("items.")) {
            given.fields.push(item_field(operation, pair, name, text)?);
            continue;
        }
        // An option that the operation does not have goes in as text: the check of all options then names it and the nearest right one.
        let json = operation.option(name).map_or_else(|| quoted(text), |rule| typed(rule, text));
        let before = given.options.json(name).filter(|_| lists.iter().any(|n| n == name));
        let json = before.and_then(|before| appended(&before, &json)).unwrap_or(json);
        let wrong = |e| {
            Error::new(ErrorKind::InvalidOptions, format!("--set {pair}: {e}")).at(Place::field(format!("/{name}")))
        };
        given.options.insert_json(name, &json).map_err(wrong)?;
        lists.push(name.to_owned());
    }
    Ok(given)
}

fn item_field(operation: &Operation, pair: &str, name: &str, text: &str) -> Result<ItemField> {
    let wrong = |why: &str| {
        let advice = "name the item by its number and then the field, such as --set items.0.title=Technician";
        Err(Error::new(ErrorKind::Usage, format!("--set {pair}: {why}")).advise(advice))
    };
    if operation.items.is_none() && !operation.options.iter().any(|o| operation.item_may_fill(o)) {
        return wrong(&format!("{} takes no items", operation.id));
    }
    let mut parts = name.split('.').skip(1);
    let Some(index) = parts.next().and_then(|n| n.parse().ok()) else { return wrong("it does not say which item") };
    let path: Vec<String> = parts.map(str::to_owned).collect();
    if path.is_empty() || path.iter().any(String::is_empty) {
        return wrong("it does not say which field");
    }
    let schema = operation.items.as_ref().and_then(|rule| at_path(&rule.schema, &path)).cloned();
    // A field that fills an option is typed as that option is.
    let filled = || path.first().and_then(|name| operation.option(name)).map(|rule| rule.schema.to_value());
    let schema = schema.or_else(filled).unwrap_or_default();
    Ok(ItemField { index, value: typed_by(&schema, text), path })
}

/// The schema of a field within a record's.
pub(crate) fn at_path<'s>(schema: &'s Value, path: &[String]) -> Option<&'s Value> {
    let Some((name, rest)) = path.split_first() else { return Some(schema) };
    let own = schema
        .get("properties")
        .and_then(|p| p.get(name))
        .or_else(|| schema.get("items").filter(|_| name.parse::<usize>().is_ok()));
    let parts = || ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
    own.and_then(|schema| at_path(schema, rest)).or_else(|| parts().find_map(|part| at_path(part, path)))
}

/// Two lists as one.
fn appended(list: &str, more: &str) -> Option<String> {
    let parts = |json: &str| {
        serde_json::from_str::<Vec<&RawValue>>(json).ok().map(|l| l.iter().map(|r| r.get().to_owned()).collect())
    };
    let (mut all, more): (Vec<String>, Vec<String>) = (parts(list)?, parts(more)?);
    all.extend(more);
    Some(format!("[{}]", all.join(",")))
}

fn object(argument: &str) -> Result<(Options, Option<String>)> {
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
    match Options::read(&input.text) {
        Ok(options) if options.as_value().is_object() => Ok((options, input.file)),
        Ok(other) => {
            Err(wrong(format!("--options must be a JSON object, not {}", kind_of(other.as_value())), place(1, 1)))
        }
        Err(e) if e.is_data() => Err(wrong(format!("--options: {e}"), place(e.line(), e.column()))),
        Err(e) => Err(wrong(format!("--options is not JSON: {e}"), place(e.line(), e.column()))),
    }
}

fn split(pair: &str) -> Result<(&str, &str)> {
    pair.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("--set {pair} gives no value")).advise("write it as --set name=value")
    })
}

/// The JSON of a text as the option's schema wants it. What does not fit stays text, and the check of the options says what is wrong with it.
fn typed(rule: &OptionRule, text: &str) -> String {
    typed_by(&rule.schema.to_value(), text)
}

/// The same by a schema.
pub(crate) fn typed_by(schema: &Value, text: &str) -> String {
    by_types(&types(schema), schema, text)
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

fn by_types(types: &[&str], schema: &Value, text: &str) -> String {
    let has = |name: &str| types.contains(&name);
    let plain = text.trim();
    // `+5` and `007` are numbers to people.
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

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Values separated by commas.
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
    fn values_take_the_type_of_the_schema() {
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
    fn digits_stay_as_typed() {
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
