//! Reads the items in a request's body and checks them against the operation. Pure.

use serde_json::Value;

use crate::authoring::Pointer;
use crate::definition::{ItemRule, Location, Operation, Send};
use crate::json_error;
use crate::sandbox::http::{BODY_MAX, Refusal, RefusalKind, SandboxCall};
use crate::sandbox::records::Tree;

/// Maximum number of fields of a record, and of operations of a patch.
const FIELDS_MAX: usize = 2_000;

/// The parsed body of a request.
pub(super) struct SentInput {
    /// The whole body, for options that are sent in it.
    pub(super) body: Option<Value>,
    /// The records or patch operations.
    pub(super) items: Vec<Tree>,
}

/// Reads a request's body.
pub(super) fn read(operation: &Operation, call: &SandboxCall) -> Result<SentInput, Refusal> {
    let Some(bytes) = &call.body else {
        return Err(Refusal::new(
            RefusalKind::TooLarge,
            format!("the body is larger than {} MiB, or did not arrive", BODY_MAX >> 20),
        ));
    };
    let none = SentInput { body: None, items: Vec::new() };
    let takes_options = operation.options.iter().any(|o| o.location == Location::Body);
    let rule = operation.items.as_ref();
    if rule.is_none() && !takes_options {
        return Ok(none);
    }
    if bytes.is_empty() {
        return if rule.is_some_and(|r| r.required) { Err(invalid_body("expected a body")) } else { Ok(none) };
    }
    let form = rule.is_some_and(|r| r.send == Send::Multipart);
    check_media(call, form)?;
    if form {
        // The fields of a form have no effect: the reply is built from the sample.
        return Ok(none);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| invalid_body("the body is not UTF-8"))?;
    let tree = Tree::parse(text).map_err(|why| invalid_body(format!("the body is {why}")))?;
    let value: Value = serde_json::from_str(text)
        .map_err(|e| invalid_body(format!("the body is not JSON: {}", json_error::words(&e, text))))?;
    match rule {
        None => Ok(SentInput { body: Some(value), ..none }),
        Some(rule) => Ok(SentInput { items: items(operation, rule, tree, &value)?, body: Some(value) }),
    }
}

fn check_media(call: &SandboxCall, form: bool) -> Result<(), Refusal> {
    let kind = call.media_type();
    let is_json = kind == "application/json" || kind.ends_with("+json");
    let wanted = if form { "multipart/form-data" } else { "application/json" };
    if if form { kind == wanted } else { is_json } {
        return Ok(());
    }
    let shown = if kind.is_empty() { "nothing".to_owned() } else { format!("`{kind}`") };
    Err(Refusal::new(RefusalKind::UnsupportedMedia, format!("the ReplyContent-Type must be {wanted}, not {shown}")))
}

fn invalid_body(message: impl Into<String>) -> Refusal {
    Refusal::invalid(message).at("", "InvalidBody")
}

/// Takes the items from the body's envelope and checks each.
fn items(operation: &Operation, rule: &ItemRule, tree: Tree, value: &Value) -> Result<Vec<Tree>, Refusal> {
    let pointer = rule.wrap.clone().unwrap_or_default();
    let missing = || Refusal::invalid(format!("`{pointer}` is missing")).at(field(&pointer), "MissingField");
    let tree = tree.at(pointer.tokens()).cloned().ok_or_else(missing)?;
    let value = pointer.find(value).ok_or_else(missing)?;
    if let (Send::JsonPatch, Tree::List(steps)) = (rule.send, &tree) {
        check_size(steps.len())?;
    }
    match (rule.send, tree) {
        (Send::JsonPatch, Tree::List(operations)) => {
            check_patch(operation, rule, value)?;
            Ok(operations)
        }
        (Send::JsonPatch, _) => Err(invalid_body("the body must be a list of patch operations")),
        (Send::All | Send::Chunk(_), Tree::List(list)) => {
            if matches!(rule.send, Send::Chunk(most) if list.len() > most as usize) {
                return Err(invalid_body(format!(
                    "the body contains {} records, more than the system accepts at once",
                    list.len()
                )));
            }
            value.as_array().into_iter().flatten().try_for_each(|item| check(operation, rule, item))?;
            Ok(list)
        }
        (Send::All | Send::Chunk(_), _) => Err(invalid_body("the body must be a list of records")),
        (Send::Each | Send::Multipart, one) => {
            check(operation, rule, value)?;
            Ok(vec![one])
        }
    }
}

fn check_size(fields: usize) -> Result<(), Refusal> {
    if fields <= FIELDS_MAX {
        return Ok(());
    }
    Err(invalid_body(format!("the body has {fields} fields, more than the limit of {FIELDS_MAX}")))
}

fn field(pointer: &Pointer) -> String {
    pointer.tokens().join("/")
}

/// Checks a record against the operation's schema; reports the first fault.
fn check(operation: &Operation, rule: &ItemRule, item: &Value) -> Result<(), Refusal> {
    let mut required =
        rule.schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = item.as_object().and_then(|object| required.find(|name| !object.contains_key(*name))) {
        return Err(missing_field(name));
    }
    check_size(item.as_object().map_or(0, serde_json::Map::len))?;
    let findings = operation.check_item(rule, item).map_err(|error| Refusal::invalid(error.message.clone()))?;
    match findings.into_iter().next() {
        None => Ok(()),
        Some(finding) => {
            let field = format!("{}/{}", finding.pointer, finding.key.unwrap_or_default());
            Err(Refusal::invalid(finding.message).at(field.trim_matches('/'), "InvalidField"))
        }
    }
}

/// Checks each value of a patch against the schema of its field.
fn check_patch(operation: &Operation, rule: &ItemRule, operations: &Value) -> Result<(), Refusal> {
    let mut fields = serde_json::Map::new();
    for step in operations.as_array().into_iter().flatten() {
        let path = step.get("path").and_then(Value::as_str).unwrap_or_default().trim_start_matches('/');
        if let (Some(value), false) = (step.get("value"), path.is_empty() || path.contains('/')) {
            fields.insert(path.to_owned(), value.clone());
        }
    }
    let findings =
        operation.check_item(rule, &Value::Object(fields)).map_err(|error| Refusal::invalid(error.message.clone()))?;
    // A patch need not contain all required fields.
    match findings.into_iter().find(|f| !f.pointer.is_empty()) {
        None => Ok(()),
        Some(finding) => {
            Err(Refusal::invalid(finding.message).at(finding.pointer.trim_start_matches('/'), "InvalidField"))
        }
    }
}

fn missing_field(name: &str) -> Refusal {
    Refusal::invalid(format!("`{name}` is missing")).at(name, "MissingField")
}

/// Refuses a record in which a required field is missing or empty.
pub(in crate::sandbox) fn check_required(record: &Tree, required: &[String]) -> Result<(), Refusal> {
    let empty = |name: &String| {
        record.get(name).is_none_or(|value| value.is_null() || value.plain().is_some_and(|t| t.is_empty()))
    };
    required.iter().find(|name| empty(name)).map_or(Ok(()), |name| Err(missing_field(name)))
}
