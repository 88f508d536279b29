//! Reads the options in a request's path, query, headers and body, and checks them against the operation. Pure.

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::paging;
use crate::authoring::{TextPart, scalar};
use crate::definition::{Location, Operation, OptionRule, RequestPlace};
use crate::sandbox::http::{QueryPair, Refusal, RefusalKind, SandboxCall};

/// Reads the options of a call. `path` contains the values of the path parameters, `body` the request's body if options
/// are sent in it.
pub(super) fn read(
    operation: &Operation,
    call: &SandboxCall,
    path: &[(String, String)],
    body: Option<&Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut options = Map::new();
    for rule in &operation.options {
        let given = match rule.location {
            Location::Path => {
                path.iter().find(|(name, _)| *name == rule.name).map(|(_, value)| typed(&rule.schema.to_value(), value))
            }
            Location::Query => query_value(rule, call)?,
            Location::Header => call.header(rule.name.as_str()).map(|value| typed(&rule.schema.to_value(), value)),
            Location::Body => body.and_then(|b| b.get(&rule.name)).cloned(),
            Location::PageSize => None,
        };
        if let Some(value) = given {
            options.insert(rule.name.clone(), value);
        }
    }
    check_names(operation, call, body)?;
    operation.check_options(&options).map_err(|error| {
        let fault = error.to_faults().into_iter().next();
        let (message, field) = fault.map(|f| (f.message, f.place.field)).unwrap_or_default();
        Refusal::invalid(&message).at(field.unwrap_or_default().trim_start_matches('/'), "InvalidParameter")
    })?;
    Ok(options)
}

/// Headers with fixed values that the operation declares are required: without them the real system answers
/// differently.
pub(super) fn check_headers(operation: &Operation, call: &SandboxCall) -> Result<(), Refusal> {
    for (name, text) in &operation.headers {
        let [TextPart::Literal(wanted)] = text.parts() else { continue };
        if call.header(name) != Some(wanted) {
            let kind = if name == CONTENT_TYPE { RefusalKind::UnsupportedMedia } else { RefusalKind::Invalid };
            return Err(
                Refusal::new(kind, format!("the header {name} must be `{wanted}`")).at(name.as_str(), "InvalidHeader")
            );
        }
    }
    Ok(())
}

/// Refuses query parameters and body fields that are not declared.
fn check_names(operation: &Operation, call: &SandboxCall, body: Option<&Value>) -> Result<(), Refusal> {
    let declared =
        |name: &str, location: Location| operation.options.iter().any(|o| o.name == name && o.location == location);
    let paging = paging::names(operation);
    let auth = operation.connector.auth.places();
    let is_credential = |name: &str| auth.iter().any(|p| matches!(p, RequestPlace::Query(own) if own == name));
    let unknown =
        |name: &str| Refusal::invalid(format!("`{name}` is not a parameter here")).at(name, "UnknownParameter");
    for pair in &call.query {
        let known = declared(&pair.name, Location::Query) || paging.contains(&pair.name.as_str());
        if !known && !is_credential(&pair.name) {
            return Err(unknown(&pair.name));
        }
    }
    let fields = body.filter(|_| operation.items.is_none()).and_then(Value::as_object);
    match fields.into_iter().flat_map(Map::keys).find(|name| !declared(name, Location::Body)) {
        Some(name) => Err(unknown(name)),
        None => Ok(()),
    }
}

fn query_value(rule: &OptionRule, call: &SandboxCall) -> Result<Option<Value>, Refusal> {
    let given: Vec<&QueryPair> = call.query.iter().filter(|p| p.name == rule.name).collect();
    let schema = rule.schema.to_value();
    let list = |texts: Vec<String>| {
        let element = schema.get("items").cloned().unwrap_or_default();
        Value::Array(texts.iter().map(|text| typed(&element, text)).collect())
    };
    match given.as_slice() {
        [] => Ok(None),
        several if rule.repeat => Ok(Some(list(several.iter().map(|p| p.value.clone()).collect()))),
        [one] if is_list(&schema) => Ok(Some(list(one.elements()))),
        [one] => Ok(Some(typed(&schema, &one.value))),
        _ => Err(Refusal::invalid(format!("`{}` is given more than once", rule.name))
            .at(rule.name.as_str(), "InvalidParameter")),
    }
}

fn is_list(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("array")
}

/// Converts a text to the schema's type. Text that cannot be converted stays text, and the schema check then refuses
/// it.
fn typed(schema: &Value, text: &str) -> Value {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => return of_choices(schema, text),
    };
    types.iter().find_map(|t| as_type(t, schema, text)).unwrap_or_else(|| Value::from(text))
}

fn as_type(kind: &str, schema: &Value, text: &str) -> Option<Value> {
    match kind {
        "integer" => text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok(),
        "number" => serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number),
        "boolean" if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        "boolean" if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        "array" => {
            let element = schema.get("items").cloned().unwrap_or_default();
            Some(Value::Array(text.split(',').filter(|t| !t.is_empty()).map(|t| typed(&element, t)).collect()))
        }
        "string" => Some(Value::from(text)),
        _ => None,
    }
}

/// For a schema without a type: the listed value with this text, else the text.
fn of_choices(schema: &Value, text: &str) -> Value {
    let choices = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    choices.into_iter().find(|c| scalar(c).as_deref() == Some(text)).cloned().unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::typed;
    use serde_json::json;

    #[test]
    fn texts_are_converted_to_the_schema_type() {
        for (schema, text, expected) in [
            (json!({"type": "integer"}), "7", json!(7)),
            (json!({"type": "integer"}), "7.5", json!("7.5")),
            (json!({"type": "integer"}), "18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            (json!({"type": "number"}), "7.5", json!(7.5)),
            (json!({"type": "boolean"}), "True", json!(true)),
            (json!({"type": "boolean"}), "yes", json!("yes")),
            (json!({"type": "string"}), "7", json!("7")),
            (json!({"type": ["null", "integer", "string"]}), "x", json!("x")),
            (json!({"type": "array", "items": {"type": "integer"}}), "1,2,x", json!([1, 2, "x"])),
            (json!({"type": "array"}), "", json!([])),
            (json!({"enum": [1, "two"]}), "1", json!(1)),
            (json!({}), "1", json!("1")),
        ] {
            assert_eq!(typed(&schema, text), expected, "{schema} {text}");
        }
    }
}
