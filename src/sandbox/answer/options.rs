//! Reads the options in a request's path, query, headers and body, and checks them against the operation. Pure.

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::paging;
use super::sent::SentValues;
use crate::authoring::{Json, Pointer, Target, TextPart, scalar};
use crate::definition::{BodyFormat, FormNested, Location, Operation, OptionRule, ParameterStyle, Quote, RequestPlace};
use crate::sandbox::http::{QueryPair, Refusal, RefusalKind, SandboxCall};

/// Reads the options of a call.
pub(super) fn read(operation: &Operation, sent: &SentValues<'_>) -> Result<Map<String, Value>, Refusal> {
    let (call, path, body) = (sent.call, sent.path, sent.body.as_ref());
    let is_form = matches!(operation.body, BodyFormat::Form(_));
    let mut options = Map::new();
    for rule in &operation.options {
        let wire = rule.wire_name();
        let given = match rule.location {
            Location::Path => {
                path.iter().find(|(name, _)| *name == rule.name).map(|(_, value)| typed(&rule.schema.to_value(), value))
            }
            Location::Query => query_value(rule, call)?,
            Location::Header => call.header(wire).map(|value| typed(&rule.schema.to_value(), value)),
            Location::Cookie => call.cookie(wire).map(|value| typed(&rule.schema.to_value(), &value)),
            Location::Body => {
                let found = body.and_then(|b| rule.body_place().find(b)).cloned();
                found.map(|value| if is_form { as_declared(&rule.schema.to_value(), &value) } else { value })
            }
            Location::Text => sent
                .text(&rule.name)
                .map(|text| typed(&rule.schema.to_value(), &unquoted(rule.quote, text)))
                .filter(|value| value.as_str() != Some("")),
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
    for (name, text) in &operation.fixed.headers {
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

/// A text without the quotes that the option asks for.
fn unquoted(quote: Option<Quote>, text: &str) -> String {
    let inner = || text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap_or(text);
    match quote {
        None => text.to_owned(),
        Some(Quote::Double) => inner().replace("''", "'"),
        Some(Quote::Backslash) => inner().replace("\\'", "'").replace("\\\\", "\\"),
    }
}

/// Refuses query parameters and body fields that are not declared.
fn check_names(operation: &Operation, call: &SandboxCall, body: Option<&Value>) -> Result<(), Refusal> {
    let paging = paging::names(operation);
    let auth = operation.connector.auth.places();
    let is_credential = |name: &str| auth.iter().any(|p| matches!(p, RequestPlace::Query(own) if own == name));
    let unknown =
        |name: &str| Refusal::invalid(format!("`{name}` is not a parameter here")).at(name, "UnknownParameter");
    let fixed = [&operation.connector.fixed, &operation.fixed];
    let is_fixed = |name: &str| fixed.iter().any(|fixed| fixed.query.iter().any(|(own, _)| own == name));
    for pair in &call.query {
        let rule = operation.options.iter().find(|o| o.location == Location::Query && takes_parameter(o, &pair.name));
        if rule.is_none()
            && !paging.contains(&pair.name.as_str())
            && !is_fixed(&pair.name)
            && !is_credential(&pair.name)
        {
            return Err(unknown(&pair.name));
        }
    }
    let fields = body.filter(|_| operation.items.is_none()).and_then(Value::as_object);
    match fields.into_iter().flat_map(Map::keys).find(|name| !is_body_field(operation, name)) {
        Some(name) => Err(unknown(name)),
        None => Ok(()),
    }
}

/// Whether a field at the top of the body is declared.
fn is_body_field(operation: &Operation, name: &str) -> bool {
    let options = operation.options.iter().filter(|o| o.location == Location::Body).map(OptionRule::body_place);
    let size = operation.paging.size.as_ref().map(|size| &size.at);
    let pages = operation.paging.targets().into_iter().chain(size).filter_map(|target| match target {
        Target::Body(pointer) => Some(pointer.clone()),
        Target::Query(_) | Target::Header(_) | Target::Path(_) | Target::Text(_) => None,
    });
    let is_at = |pointer: Pointer| pointer.tokens().first().is_some_and(|first| first == name);
    let constants = operation.connector.fixed.body.iter().chain(&operation.fixed.body);
    options.chain(pages).any(is_at) || constants.map(Json::to_value).any(|body| body.get(name).is_some())
}

/// Whether a query parameter belongs to an option: by its name, or by the name before a bracket.
fn takes_parameter(rule: &OptionRule, name: &str) -> bool {
    let nested = || name.strip_prefix(rule.wire_name()).is_some_and(|rest| rest.starts_with('['));
    match rule.style {
        ParameterStyle::Brackets | ParameterStyle::Indexes | ParameterStyle::Deep => {
            nested() || name == rule.wire_name()
        }
        ParameterStyle::Fields => field_names(rule).iter().any(|field| field == name),
        ParameterStyle::Comma
        | ParameterStyle::Repeat
        | ParameterStyle::Pipes
        | ParameterStyle::Spaces
        | ParameterStyle::Json
        | ParameterStyle::Segments => name == rule.wire_name(),
    }
}

/// The fields of an object that is sent as one parameter per field.
fn field_names(rule: &OptionRule) -> Vec<String> {
    let schema = rule.schema.to_value();
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned().collect()
}

fn query_value(rule: &OptionRule, call: &SandboxCall) -> Result<Option<Value>, Refusal> {
    let schema = rule.schema.to_value();
    let given: Vec<&QueryPair> = call.query.iter().filter(|p| takes_parameter(rule, &p.name)).collect();
    let Some(first) = given.first() else { return Ok(None) };
    let list = |texts: Vec<String>| {
        let element = schema.get("items").cloned().unwrap_or_default();
        Value::Array(texts.iter().map(|text| typed(&element, text)).collect())
    };
    let all = || given.iter().map(|p| p.value.clone()).collect::<Vec<_>>();
    let split = |by: char| first.value.split(by).map(str::to_owned).collect::<Vec<_>>();
    Ok(Some(match rule.style {
        ParameterStyle::Repeat | ParameterStyle::Brackets | ParameterStyle::Indexes => list(all()),
        ParameterStyle::Deep => {
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(given.iter().map(|p| (&p.name, &p.value)));
            let object = super::sent::unfolded(&body.finish(), FormNested::Brackets);
            as_declared(&schema, object.get(rule.wire_name()).unwrap_or(&Value::Null))
        }
        ParameterStyle::Fields => {
            let fields = given.iter().map(|p| (p.name.clone(), Value::from(p.value.clone())));
            as_declared(&schema, &Value::Object(fields.collect()))
        }
        ParameterStyle::Json => serde_json::from_str(&first.value).unwrap_or_else(|_| Value::from(first.value.clone())),
        _ if given.len() > 1 => {
            return Err(Refusal::invalid(format!("`{}` is given more than once", rule.name))
                .at(rule.name.as_str(), "InvalidParameter"));
        }
        ParameterStyle::Pipes => list(split('|')),
        ParameterStyle::Spaces => list(split(' ')),
        ParameterStyle::Comma | ParameterStyle::Segments if is_list(&schema) => list(first.elements()),
        ParameterStyle::Comma | ParameterStyle::Segments => typed(&schema, &first.value),
    }))
}

/// Texts of a form or an object in the query with the types of their schema.
pub(super) fn as_declared(schema: &Value, value: &Value) -> Value {
    let inner = |key: &str| schema.get("properties").and_then(|p| p.get(key)).cloned().unwrap_or(Value::Bool(true));
    match value {
        Value::String(text) => typed(schema, text),
        Value::Array(list) => {
            let element = schema.get("items").cloned().unwrap_or(Value::Bool(true));
            list.iter().map(|value| as_declared(&element, value)).collect()
        }
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), as_declared(&inner(key), value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
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
