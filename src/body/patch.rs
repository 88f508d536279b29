//! JSON Patch bodies (RFC 6902) without leading slashes. Pure.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::definition::Operation;
use crate::item::Item;

/// A flat object as a patch; null removes. An array of patch operations is sent unchanged.
pub(super) fn patch(operation: &Operation, item: Item<'_>) -> String {
    let text = item.as_str();
    if text.starts_with('[') {
        return text.to_owned();
    }
    let fields = item.fields().unwrap_or_default();
    if fields.iter().any(|(n, _)| n == "op") && fields.iter().any(|(n, _)| n == "path") {
        return format!("[{text}]");
    }
    let sent = fields.iter().filter(|(name, _)| !operation.fills_option(name));
    let operations: Vec<String> = sent.map(|(name, raw)| replace(name, raw)).collect();
    format!("[{}]", operations.join(","))
}

fn replace(name: &str, raw: &RawValue) -> String {
    let path = Value::from(name);
    match raw.get() {
        "null" => format!(r#"{{"op":"remove","path":{path}}}"#),
        value => format!(r#"{{"op":"replace","path":{path},"value":{value}}}"#),
    }
}
