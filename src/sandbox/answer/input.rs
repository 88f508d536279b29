//! Reads the items in a request's body and checks them against the operation. Pure.

use serde_json::Value;

use super::options::as_declared;
use super::sent::{SentValues, invalid_body};
use crate::authoring::{Json, Pointer};
use crate::definition::{BodyFormat, ItemRule, Location, Operation, OptionRule, Send};
use crate::sandbox::http::Refusal;
use crate::sandbox::records::Tree;

/// Maximum number of fields of a record, and of operations of a patch.
const FIELDS_MAX: usize = 2_000;

/// Reads the records, or patch operations, in a request's body.
pub(super) fn read(operation: &Operation, sent: &SentValues<'_>) -> Result<Vec<Tree>, Refusal> {
    let Some(rule) = &operation.items else { return Ok(Vec::new()) };
    let is_empty = sent.call.body.as_ref().is_none_or(bytes::Bytes::is_empty);
    if is_empty {
        return if rule.required { Err(invalid_body("expected a body")) } else { Ok(Vec::new()) };
    }
    // Other formats have no fields: the reply is built from the sample.
    let Some(json) = &sent.json else { return Ok(Vec::new()) };
    let typed = match (&operation.body, &sent.body) {
        (BodyFormat::Form(_), Some(body)) => Some(declared(rule, body).to_string()),
        _ => None,
    };
    let json = typed.as_ref().unwrap_or(json);
    let tree = Tree::parse(json).map_err(|why| invalid_body(format!("the body is {why}")))?;
    let value = serde_json::from_str(json).unwrap_or_default();
    let tree = without(operation, rule, tree);
    items(operation, rule, tree, &value)
}

/// The texts of a form with the types of the item's schema.
fn declared(rule: &ItemRule, body: &Value) -> Value {
    let mut body = body.clone();
    let tokens = rule.wrap.as_ref().map(Pointer::tokens).unwrap_or_default();
    let place = tokens.iter().try_fold(&mut body, |node, token| node.get_mut(token));
    if let Some(item) = place {
        *item = as_declared(&rule.schema, item);
    }
    body
}

/// Constants and options beside the item are not its fields.
fn without(operation: &Operation, rule: &ItemRule, mut tree: Tree) -> Tree {
    if rule.wrap.as_ref().is_some_and(|wrap| !wrap.tokens().is_empty()) {
        return tree;
    }
    let options = operation.options.iter().filter(|o| o.location == Location::Body).map(OptionRule::body_place);
    let constants = operation.fixed.body.iter().chain(&operation.connector.fixed.body).map(Json::to_value);
    let constants = constants.filter_map(|v| v.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()));
    let names = options.filter_map(|place| place.tokens().first().cloned()).chain(constants.flatten());
    names.for_each(|name| tree.remove(&name));
    tree
}

/// Takes the items from the body's envelope and checks each.
fn items(operation: &Operation, rule: &ItemRule, tree: Tree, value: &Value) -> Result<Vec<Tree>, Refusal> {
    // A patch is the body itself; its paths may lead below `wrap`.
    let wrap = rule.wrap.clone().filter(|_| !matches!(rule.send, Send::JsonPatch(_)));
    let pointer = wrap.unwrap_or_default();
    let missing = || Refusal::invalid(format!("`{pointer}` is missing")).at(field(&pointer), "MissingField");
    let tree = tree.at(pointer.tokens()).cloned().ok_or_else(missing)?;
    let value = pointer.find(value).ok_or_else(missing)?;
    if let (Send::JsonPatch(_), Tree::List(steps)) = (rule.send, &tree) {
        check_size(steps.len())?;
    }
    match (rule.send, tree) {
        (Send::JsonPatch(_), Tree::List(operations)) => {
            check_patch(operation, rule, value)?;
            Ok(operations)
        }
        (Send::JsonPatch(_), _) => Err(invalid_body("the body must be a list of patch operations")),
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
        (Send::Each, one) => {
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
