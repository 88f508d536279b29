//! The body of a write: items, and how they are sent. Pure.

use super::api::{Api, ApiBody, ApiOperation, Media};
use super::envelope::{kind, properties, settled};
use super::refs::Spot;
use super::reply::{chosen, is_json};
use super::schemas::Schemas;
use super::settings::{ImportSettings, PatchWord};
use super::value::{Doc, Fields};

/// How a body is sent.
#[derive(Debug, Default)]
pub(crate) struct BodyFound {
    /// `body:` of the operation.
    pub(crate) format: Option<Doc>,
    pub(crate) format_why: Option<String>,
    pub(crate) items: Option<Doc>,
    pub(crate) why: Option<String>,
    pub(crate) headers: Fields,
    pub(crate) questions: Vec<(&'static str, String)>,
    pub(crate) notes: Vec<String>,
}

/// The body of a write. `Err` says why it cannot be sent.
#[expect(clippy::too_many_lines, reason = "one key of the definition after the other")]
pub(crate) fn body<'f>(
    api: &Api<'f>,
    settings: &ImportSettings,
    operation: &ApiOperation<'f>,
    body: &ApiBody<'f>,
    schemas: &mut Schemas<'f>,
) -> Result<BodyFound, String> {
    let Some(media) = chosen(&body.media) else { return Ok(BodyFound::default()) };
    let mut found = BodyFound::default();
    let base = media.kind.split(';').next().unwrap_or_default().trim().to_owned();
    let schema = media.schema.and_then(|schema| settled(api.files, schema));
    let shape = schema.map(|schema| kind(schema.doc)).unwrap_or_default().to_owned();
    let is_patch_list = schema.is_some_and(|schema| is_patch(api, schema));
    let send = match base.as_str() {
        "application/json-patch+json" => "rfc6902",
        "application/x-www-form-urlencoded" => "form",
        "multipart/form-data" => "multipart",
        kind if kind.starts_with("multipart/") => return Err(format!("its body is {kind}, which is not supported")),
        "application/x-ndjson" | "application/jsonl" => "ndjson",
        _ if is_json(&base) || base.is_empty() => match shape.as_str() {
            "array" => "all",
            _ => "each",
        },
        _ => "raw",
    };
    let mut items = Fields::from_iter([(
        "send".to_owned(),
        if send == "ndjson" { Doc::of([("ndjson", Doc::from(1000))]) } else { Doc::from(send) },
    )]);
    match send {
        "rfc6902" => {}
        "raw" => {
            let is_type = base.contains('/') && !base.contains('*') && http::HeaderValue::from_str(&base).is_ok();
            if is_type && (base.starts_with("text/") || base.ends_with("xml")) {
                found.headers.insert("Content-Type".to_owned(), Doc::Text(base.clone()));
            }
        }
        "all" => {
            if let (true, Some(word)) = (is_patch_list, settings.patch) {
                let send = if word == PatchWord::Names { "json_patch" } else { "rfc6902" };
                items.insert("send".to_owned(), Doc::from(send));
                let reply = super::reply::reply_shape(api.files, operation, (false, false), None);
                if let Some(record) = reply.element.and_then(|element| schemas.record_of(element)) {
                    items.insert("record".to_owned(), Doc::Text(record));
                }
                found.items = Some(Doc::Map(items));
                return Ok(found);
            }
            if is_patch_list {
                let text =
                    "the body is a list of patch operations, but not whether their path begins with a slash".to_owned();
                found.questions.push(("patch", text));
            }
            if let Some(element) = schema.and_then(|schema| schema.get("items")) {
                describe(element, schemas, &mut items);
            }
        }
        _ => {
            if let (Some(fields), "multipart") = (media.schema, send) {
                let mut schema = schemas.convert(settled(api.files, fields).unwrap_or(fields));
                files_as_objects(&mut schema);
                items.insert("schema".to_owned(), schema);
            } else if let Some(record) = media.schema {
                describe(record, schemas, &mut items);
            } else if !media.fields.is_empty() {
                items.insert("schema".to_owned(), form_schema(media, schemas));
            }
        }
    }
    if send == "each" && is_json(&base) && base != "application/json" && base.contains('/') && !base.contains('*') {
        found.headers.insert("Content-Type".to_owned(), Doc::Text(base));
    }
    let needs = schema.is_some_and(|schema| schema.doc.get("required").is_some_and(|names| !names.list().is_empty()));
    if !body.is_required && !needs && !api.is_two && operation.verb != "PUT" && operation.verb != "PATCH" {
        items.insert("required".to_owned(), Doc::Flag(false));
    }
    if !body.is_required && operation.verb == "DELETE" {
        items.insert("required".to_owned(), Doc::Flag(false));
    }
    if send == "form"
        && let Some(format) = form_format(api, media)
    {
        found.format = Some(format);
        items.insert("send".to_owned(), Doc::from("each"));
    }
    found.items = Some(Doc::Map(items));
    Ok(found)
}

/// The record of items, or their schema.
fn describe<'f>(spot: Spot<'f>, schemas: &mut Schemas<'f>, items: &mut Fields) {
    if let Some(record) = schemas.record_of(spot) {
        items.insert("record".to_owned(), Doc::Text(record));
        return;
    }
    let schema = schemas.convert(spot);
    if !schema.is_empty() && schema != Doc::Flag(true) {
        items.insert("schema".to_owned(), schema);
    }
}

/// A file of a form is an object with its name and data, or a list of them.
fn files_as_objects(schema: &mut Doc) {
    let is_file = |doc: &Doc| matches!(doc.text_of("format"), Some("binary" | "byte"));
    if let Some(Doc::Map(properties)) = schema.map_mut().and_then(|fields| fields.get_mut("properties")) {
        for property in properties.values_mut() {
            if is_file(property) || property.get("items").is_some_and(is_file) {
                *property = Doc::Map(Fields::new());
            }
        }
    }
}

fn form_schema<'f>(media: &Media<'f>, schemas: &mut Schemas<'f>) -> Doc {
    let mut fields = Fields::new();
    let mut required = Vec::new();
    for field in &media.fields {
        let mut schema = field.schema.map_or(Doc::Null, |schema| schemas.convert(schema));
        // A file is an object with its name and data.
        if field.spot.doc.text_of("type") == Some("file") {
            schema = Doc::Map(Fields::new());
        }
        fields.insert(field.name.to_owned(), schema);
        if field.is_required {
            required.push(field.name);
        }
    }
    let mut schema = Doc::of([("type", Doc::from("object")), ("properties", Doc::Map(fields))]);
    if !required.is_empty() {
        schema.put("required", Doc::texts(required));
    }
    schema
}

/// The notation of lists in a form: as the format of the description says it by default, unless fields are nested.
fn form_format<'f>(api: &Api<'f>, media: &Media<'f>) -> Option<Doc> {
    let own = media
        .fields
        .iter()
        .filter(|field| kind(field.spot.doc) == "array")
        .map(|field| field.spot.doc.text_of("collectionFormat"));
    let own: Vec<Option<&str>> = own.collect();
    let lists = |word: &str| Some(Doc::of([("form", Doc::of([("lists", Doc::from(word))]))]));
    if !own.is_empty() {
        return lists(if own.contains(&Some("multi")) { "repeat" } else { "comma" });
    }
    let encodings = media.spot.and_then(|spot| spot.get("encoding")).into_iter().flat_map(Spot::fields);
    if encodings.into_iter().any(|(_, spot)| spot.doc.text_of("style") == Some("deepObject")) {
        return None;
    }
    let fields = settled(api.files, media.schema?).map(|schema| properties(api.files, schema)).unwrap_or_default();
    let is_list = |spot: Spot<'f>| settled(api.files, spot).is_some_and(|end| kind(end.doc) == "array");
    fields.into_iter().any(|(_, spot, _)| is_list(spot)).then(|| lists("repeat"))?
}

/// Whether a schema is a list of patch operations.
fn is_patch<'f>(api: &Api<'f>, schema: Spot<'f>) -> bool {
    let Some(element) = schema.get("items").and_then(|items| settled(api.files, items)) else { return false };
    let fields = properties(api.files, element);
    ["op", "path", "value"].iter().all(|name| fields.iter().any(|(known, ..)| known == name))
}
