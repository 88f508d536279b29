//! Builds request bodies from items: one, many, patches, forms. Pure; keeps the digits of every item.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::authoring::{Pointer, TextPart};
use crate::definition::{ItemRule, Operation, Send};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::{Item, Items};
use crate::options::Options;
use crate::request::{RequestBody, body_fields};

/// The items of one request: the index of the first, and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) first: usize,
    pub(crate) count: usize,
}

/// Splits the items into requests.
pub(crate) fn chunks(rule: &ItemRule, count: usize) -> Vec<Chunk> {
    let step = match rule.send {
        Send::Each | Send::JsonPatch | Send::Multipart => 1,
        Send::All => count.max(1),
        Send::Chunk(n) => n as usize,
    };
    (0..count).step_by(step.max(1)).map(|first| Chunk { first, count: step.min(count - first) }).collect()
}

/// The body of one request; `None` if the verb has none (DELETE by path).
pub(crate) fn body(
    operation: &Operation,
    rule: &ItemRule,
    options: &Options,
    items: &Items,
    chunk: Chunk,
) -> Result<Option<RequestBody>> {
    let Some(first) = items.get(chunk.first) else { return Ok(None) };
    let json = match rule.send {
        Send::Each if rule.drop_path_fields => without_path_fields(operation, first),
        Send::Each => first.as_str().to_owned(),
        Send::All | Send::Chunk(_) => array(items, chunk),
        Send::JsonPatch => patch(operation, first),
        Send::Multipart => return multipart(first, chunk.first).map(Some),
    };
    Ok(Some(RequestBody::json(wrapped(rule, body_fields(operation, options), json))))
}

fn array(items: &Items, chunk: Chunk) -> String {
    let parts: Vec<&str> = items.iter().skip(chunk.first).take(chunk.count).map(Item::as_str).collect();
    format!("[{}]", parts.join(","))
}

/// Puts the body into the vendor's envelope; options in the body come first in its top object.
fn wrapped(rule: &ItemRule, mut beside: Vec<String>, json: String) -> String {
    let tokens = rule.wrap.as_ref().map(Pointer::tokens).unwrap_or_default();
    let Some((top, inner)) = tokens.split_first() else { return json };
    let member = |token: &String, json: String| format!("{}:{json}", Value::from(token.as_str()));
    let inner = inner.iter().rev().fold(json, |json, token| format!("{{{}}}", member(token, json)));
    beside.push(member(top, inner));
    format!("{{{}}}", beside.join(","))
}

/// A flat object as a JSON Patch (RFC 6902) without leading slashes; null removes. An array of patch operations is sent
/// unchanged.
fn patch(operation: &Operation, item: Item<'_>) -> String {
    let text = item.as_str();
    if text.starts_with('[') {
        return text.to_owned();
    }
    let fields = item.fields().unwrap_or_default();
    if fields.iter().any(|(n, _)| n == "op") && fields.iter().any(|(n, _)| n == "path") {
        return format!("[{text}]");
    }
    let operations: Vec<String> =
        fields.iter().filter(|(name, _)| !in_path(operation, name)).map(|(name, raw)| replace(name, raw)).collect();
    format!("[{}]", operations.join(","))
}

fn in_path(operation: &Operation, name: &str) -> bool {
    operation.path.parts().iter().any(|p| matches!(p, TextPart::Name(n) if n == name))
}

/// The item without the fields that are already in the address; the others keep their bytes.
fn without_path_fields(operation: &Operation, item: Item<'_>) -> String {
    let Some(fields) = item.fields() else { return item.as_str().to_owned() };
    let kept: Vec<String> = fields
        .iter()
        .filter(|(name, _)| !in_path(operation, name))
        .map(|(name, raw)| format!("{}:{}", Value::from(name.as_str()), raw.get()))
        .collect();
    format!("{{{}}}", kept.join(","))
}

fn replace(name: &str, raw: &RawValue) -> String {
    let path = Value::from(name);
    match raw.get() {
        "null" => format!(r#"{{"op":"remove","path":{path}}}"#),
        value => format!(r#"{{"op":"replace","path":{path},"value":{value}}}"#),
    }
}

/// One multipart/form-data body (RFC 7578): every field a part; a field `{ fileName, contentType, data }` with base64
/// data is a file.
fn multipart(item: Item<'_>, index: usize) -> Result<RequestBody> {
    let fields = item.fields().unwrap_or_default();
    let boundary = boundary(item.as_str());
    let mut bytes = Vec::new();
    for (name, raw) in fields {
        let value: Value = serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::from(raw.get()));
        let name = quoted(&name);
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name={name}");
        bytes.extend_from_slice(head.as_bytes());
        match &value {
            Value::Object(file) if file.contains_key("data") => {
                let text = |key: &str| file.get(key).and_then(Value::as_str);
                let data = STANDARD.decode(text("data").unwrap_or_default()).map_err(|e| {
                    Error::new(ErrorKind::InvalidItems, format!("the file in {name} is not base64: {e}"))
                        .at(Place::field(format!("/{index}")))
                })?;
                let file_name = quoted(text("fileName").unwrap_or("file"));
                let kind =
                    text("contentType").filter(|k| !k.contains(['\r', '\n'])).unwrap_or("application/octet-stream");
                bytes.extend_from_slice(format!("; filename={file_name}\r\nContent-Type: {kind}\r\n\r\n").as_bytes());
                bytes.extend_from_slice(&data);
            }
            Value::String(text) => bytes.extend_from_slice(format!("\r\n\r\n{text}").as_bytes()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                bytes.extend_from_slice(format!("\r\n\r\n{}", raw.get()).as_bytes());
            }
        }
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(RequestBody { content_type: format!("multipart/form-data; boundary={boundary}"), bytes: Bytes::from(bytes) })
}

/// A boundary that does not occur in the data: derived from it, so that the same item always gives the same bytes.
fn boundary(text: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text.as_bytes());
    let hex = crate::secret::hex(&digest, 12);
    format!("opnode-{hex}")
}

/// A quoted name; quotes and line breaks are encoded as the WHATWG form encoding does.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A"))
}
