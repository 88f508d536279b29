//! JSON Patch bodies (RFC 6902); some systems want bare names as paths. Pure.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::definition::{Operation, PatchPaths};
use crate::item::Item;
use crate::json_pointer::escape;

/// A flat object as a patch of the fields within an object; null removes. An array of patch operations is sent unchanged.
pub(super) fn patch(operation: &Operation, item: Item<'_>, paths: PatchPaths, within: &[String]) -> String {
    let text = item.as_str();
    if text.starts_with('[') {
        return text.to_owned();
    }
    let fields = item.fields().unwrap_or_default();
    if fields.iter().any(|(n, _)| n == "op") && fields.iter().any(|(n, _)| n == "path") {
        return format!("[{text}]");
    }
    let sent = fields.iter().filter(|(name, _)| !operation.fills_option(name));
    let operations: Vec<String> = sent.map(|(name, raw)| replace(name, raw, paths, within)).collect();
    format!("[{}]", operations.join(","))
}

fn replace(name: &str, raw: &RawValue, paths: PatchPaths, within: &[String]) -> String {
    // By RFC 6902, `add` sets a field whether it is there or not; `replace` needs one that is there.
    let (set, path) = match paths {
        PatchPaths::Names => ("replace", Value::from(name)),
        PatchPaths::Pointers => {
            let above: String = within.iter().map(|token| format!("/{}", escape(token))).collect();
            ("add", Value::from(format!("{above}/{}", escape(name))))
        }
    };
    match raw.get() {
        "null" => format!(r#"{{"op":"remove","path":{path}}}"#),
        value => format!(r#"{{"op":"{set}","path":{path},"value":{value}}}"#),
    }
}
