//! Builds request bodies from constants, options, values of the paging and items, in the format of the operation. Pure;
//! keeps the digits of every value.

mod multipart;
mod patch;
mod tree;
mod xml;

use bytes::Bytes;
use serde_json::Value;

use crate::authoring::{Json, Pointer, Target, Text};
use crate::definition::{BodyFormat, ItemRule, Location, Operation, PatchPaths, Send};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::{Item, Items};
use crate::request::form::flatten;
use crate::request::{Inserted, RequestBody};
use crate::secret::form_value;
use multipart::Bytewise;
use tree::BodyTree;

/// The items of one request: the index of the first, and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) first: usize,
    pub(crate) count: usize,
}

/// Splits the items into requests.
pub(crate) fn chunks(rule: &ItemRule, count: usize) -> Vec<Chunk> {
    let step = match rule.send {
        Send::Each | Send::JsonPatch(_) => 1,
        Send::All => count.max(1),
        Send::Chunk(n) => n as usize,
    };
    (0..count).step_by(step.max(1)).map(|first| Chunk { first, count: step.min(count - first) }).collect()
}

/// The items of a body, and which of them.
pub(crate) type BodyItems<'a> = (&'a Items, Chunk);

/// The body of one request; `None` if it has none.
pub(crate) fn build(parts: &Inserted<'_>, items: Option<BodyItems<'_>>) -> Result<Option<RequestBody>> {
    let operation = parts.operation;
    let items = operation.items.as_ref().zip(items.filter(|(items, chunk)| items.get(chunk.first).is_some()));
    let media = match items.map(|(rule, _)| rule.send) {
        Some(Send::JsonPatch(PatchPaths::Pointers)) => "application/json-patch+json",
        Some(Send::JsonPatch(PatchPaths::Names) | Send::Each | Send::All | Send::Chunk(_)) | None => {
            operation.body.media_type()
        }
    };
    let body = |text: String| RequestBody { content_type: media.into(), bytes: Bytes::from(text) };
    match &operation.body {
        BodyFormat::Text(text) => Ok(Some(body(text_of(parts, text)?))),
        BodyFormat::Xml(Some(template)) => xml::filled(parts, template).map(|text| Some(body(text))),
        BodyFormat::Raw => {
            items.and_then(|(_, (items, chunk))| items.get(chunk.first).zip(Some(chunk.first))).map(raw).transpose()
        }
        BodyFormat::Ndjson => Ok(items.map(|(_, items)| body(lines(items)))),
        BodyFormat::Json | BodyFormat::Form(_) | BodyFormat::Multipart | BodyFormat::Xml(None) => {
            let Some(json) = fields(parts, items)? else { return Ok(None) };
            let index = items.map_or(0, |(_, (_, chunk))| chunk.first);
            Ok(Some(match &operation.body {
                BodyFormat::Form(style) => {
                    let mut pairs = Vec::new();
                    flatten("", &json, *style, &mut pairs).map_err(|name| form_fault(&name, index))?;
                    let encoded =
                        pairs.iter().map(|(name, value)| format!("{}={}", form_value(name), form_value(value)));
                    body(encoded.collect::<Vec<_>>().join("&"))
                }
                BodyFormat::Multipart => multipart::form(&json, index)?,
                BodyFormat::Xml(_) => body(xml::document(&json).map_err(|e| e.at(Place::field(format!("/{index}"))))?),
                BodyFormat::Json | BodyFormat::Raw | BodyFormat::Ndjson | BodyFormat::Text(_) => body(json),
            }))
        }
    }
}

/// The text with its placeholders replaced; a field of the item fills one that nothing else does.
fn text_of(parts: &Inserted<'_>, text: &Text) -> Result<String> {
    let mut out = String::new();
    for part in text.parts() {
        match part {
            crate::authoring::TextPart::Literal(literal) => out.push_str(literal),
            crate::authoring::TextPart::Name(name) => {
                let field = || parts.input.item.and_then(|item| item.raw(std::slice::from_ref(name)));
                let own = parts.render(&Text::only(name), str::to_owned)?;
                out.push_str(&own.or_else(|| field().map(crate::request::form::plain)).unwrap_or_default());
            }
        }
    }
    Ok(out)
}

/// A list whose elements cannot be told apart in a form.
fn form_fault(name: &str, index: usize) -> Error {
    let message =
        format!("an element of the list `{name}` contains a comma, which separates the elements in this form");
    Error::new(ErrorKind::InvalidItems, message)
        .at(Place::field(format!("/{index}")))
        .advise("send values without commas, or write the list in another way in the definition: `body: { form: { lists: repeat } }`")
}

/// The item itself: a text, or bytes.
fn raw((item, index): (Item<'_>, usize)) -> Result<RequestBody> {
    let json = item.as_str();
    if let Some(file) = Bytewise::of(json) {
        let data = file.bytes().map_err(|(field, why)| {
            Error::new(ErrorKind::InvalidItems, why).at(Place::field(format!("/{index}/{field}")))
        })?;
        return Ok(RequestBody { content_type: file.content_type().to_owned(), bytes: Bytes::from(data) });
    }
    match serde_json::from_str(json) {
        Ok(Value::String(text)) => {
            Ok(RequestBody { content_type: "text/plain; charset=utf-8".into(), bytes: Bytes::from(text) })
        }
        Ok(_) | Err(_) => {
            Err(Error::new(ErrorKind::InvalidItems, "the item is sent as it is, so it is a text or bytes")
                .at(Place::field(format!("/{index}")))
                .advise("give a text, or { \"contentType\": …, \"data\": BASE64 }"))
        }
    }
}

fn lines((items, chunk): BodyItems<'_>) -> String {
    let lines = items.iter().skip(chunk.first).take(chunk.count);
    lines.map(|item| format!("{}\n", item.as_str())).collect()
}

/// The body of named values as JSON; `None` if there are neither values nor items.
fn fields(parts: &Inserted<'_>, items: Option<(&ItemRule, BodyItems<'_>)>) -> Result<Option<String>> {
    let own = own_fields(parts)?;
    let Some((rule, (items, chunk))) = items else { return Ok(own.map(|body| body.to_json())) };
    let Some(first) = items.get(chunk.first) else { return Ok(None) };
    let operation = parts.operation;
    let wrap = rule.wrap.as_ref().map(Pointer::tokens).unwrap_or_default();
    let json = match rule.send {
        Send::Each if rule.drop_sent => without_sent_fields(operation, first),
        Send::Each => first.as_str().to_owned(),
        Send::All | Send::Chunk(_) => array(items, chunk),
        Send::JsonPatch(paths) => return Ok(Some(patch::patch(operation, first, paths, wrap))),
    };
    if own.is_none() && wrap.is_empty() {
        return Ok(Some(json));
    }
    let mut body = own.unwrap_or_else(BodyTree::object);
    body.put(wrap, BodyTree::Raw(json));
    Ok(Some(body.to_json()))
}

fn array(items: &Items, chunk: Chunk) -> String {
    let parts: Vec<&str> = items.iter().skip(chunk.first).take(chunk.count).map(Item::as_str).collect();
    format!("[{}]", parts.join(","))
}

/// Constants, options and values of the paging in the body; `None` if there are none.
fn own_fields(parts: &Inserted<'_>) -> Result<Option<BodyTree>> {
    let operation = parts.operation;
    let mut body: Option<BodyTree> = None;
    let mut options: Vec<_> = operation.options.iter().filter(|o| o.location == Location::Body).collect();
    options.sort_by_key(|option| option.wire_name());
    let has_body = operation.items.is_some() || operation.fixed.body.is_some() || !options.is_empty();
    let shared = operation.connector.fixed.body.iter().filter(|_| has_body);
    for constants in shared.chain(&operation.fixed.body) {
        let filled =
            constant(parts, BodyTree::Raw(constants.0.clone()), &|_| Ok(None))?.unwrap_or_else(BodyTree::object);
        body.get_or_insert_with(BodyTree::object).put(&[], filled);
    }
    for option in options {
        if let Some(given) = parts.input.options.get(&option.name) {
            let json = BodyTree::Raw(given.json().into_owned());
            body.get_or_insert_with(BodyTree::object).put(option.body_place().tokens(), json);
        }
    }
    let size = operation.paging.size.as_ref().zip(parts.input.page_size);
    if let Some((Target::Body(pointer), n)) = size.map(|(size, n)| (&size.at, n)) {
        body.get_or_insert_with(BodyTree::object).put(pointer.tokens(), BodyTree::Raw(n.to_string()));
    }
    for (pointer, json) in &parts.cursor.body {
        let pointer = Pointer::parse(pointer).map_err(|e| Error::new(ErrorKind::Internal, e))?;
        body.get_or_insert_with(BodyTree::object).put(pointer.tokens(), BodyTree::Raw(json.clone()));
    }
    Ok(body)
}

/// A body of constants with its placeholders replaced; `first` gives the JSON of those that it knows.
pub(crate) fn constants(parts: &Inserted<'_>, json: &Json, first: FirstOf<'_>) -> Result<RequestBody> {
    let filled = constant(parts, BodyTree::Raw(json.0.clone()), first)?.unwrap_or_else(BodyTree::object);
    Ok(RequestBody { content_type: BodyFormat::Json.media_type().into(), bytes: Bytes::from(filled.to_json()) })
}

/// The JSON of a placeholder, before other values are looked up.
type FirstOf<'f> = &'f dyn Fn(&str) -> Result<Option<String>>;

/// A constant with its placeholders replaced; `None` for a text that is an absent one.
fn constant(parts: &Inserted<'_>, mut node: BodyTree, first: FirstOf<'_>) -> Result<Option<BodyTree>> {
    if let BodyTree::Raw(json) = &node {
        if !json.contains('{') {
            return Ok(Some(node));
        }
        if let Ok(Value::String(text)) = serde_json::from_str(json) {
            let text = Text::parse(&text).ok().filter(|text| text.only_name().is_some());
            return match text {
                None => Ok(Some(node)),
                Some(text) => {
                    let known = first(text.only_name().unwrap_or_default())?;
                    let json = if known.is_some() { known } else { parts.json(&text)? };
                    Ok(json.map(BodyTree::Raw))
                }
            };
        }
    }
    node.split();
    Ok(Some(match node {
        BodyTree::Raw(_) => node,
        BodyTree::List(list) => {
            let filled = list.into_iter().map(|node| constant(parts, node, first)).collect::<Result<Vec<_>>>()?;
            BodyTree::List(filled.into_iter().flatten().collect())
        }
        BodyTree::Object(fields) => {
            let mut kept = Vec::new();
            for (name, node) in fields {
                kept.extend(constant(parts, node, first)?.map(|node| (name, node)));
            }
            BodyTree::Object(kept)
        }
    }))
}

/// The item without the fields that are sent elsewhere; the others keep their bytes.
fn without_sent_fields(operation: &Operation, item: Item<'_>) -> String {
    let Some(fields) = item.fields() else { return item.as_str().to_owned() };
    let kept: Vec<String> = fields
        .iter()
        .filter(|(name, _)| !operation.fills_option(name))
        .map(|(name, raw)| format!("{}:{}", Value::from(name.as_str()), raw.get()))
        .collect();
    format!("{{{}}}", kept.join(","))
}
