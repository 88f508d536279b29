//! Converts an operation's mirror to the checked operation. Pure.

use std::sync::{Arc, OnceLock};

use http::Method as Verb;
use serde_json::{Value, json};

use super::effects;
use super::job::job;
use super::option::page_size_option;
use super::option_set::{DeclaredOptions, options};
use super::paging_use::{check_paging, paging_in_use};
use super::record_refs::{OtherRecords, RECORDS_ARE, check, embedded, may_refer};
use super::request;
use super::request_line::request_line;
use super::response::{response, response_in_use, result_shape};
use crate::authoring::{Checker, Document, Format, Json, Ordered, Target, Text, explain};
use crate::definition::connector::Connector;
use crate::definition::file::{BodyFile, ItemsFile, MethodFile, OperationFile, PagingUseFile, RecordFile, SendFile};
use crate::definition::method::Method;
use crate::definition::operation::{LaterRecord, Operation, Record};
use crate::definition::paging::{Paging, Total};
use crate::definition::reply_rule::ReplyFormat;
use crate::definition::request_rule::{BodyFormat, FormStyle};
use crate::definition::rules::{ItemRule, PatchPaths, Repeat, ResultShape, Send};
use crate::definition::sample::sample_of;
use crate::error::{Error, ErrorKind, Result};
use crate::json_pointer::escape;

/// The records of the connector of an operation.
pub(in crate::definition) struct OwnRecords<'r> {
    pub(in crate::definition) record: &'r dyn Fn(&str) -> Option<Arc<LaterRecord>>,
    /// For schemas.
    pub(in crate::definition) schemas: OtherRecords<'r>,
}

/// Reads one operation from its part of a file: a map with the one key `id`.
pub(in crate::definition) fn read_operation(
    doc: &Document,
    connector: &Arc<Connector>,
    records: &OwnRecords<'_>,
) -> Result<Operation> {
    let mirror: Ordered<OperationFile> =
        doc.read().map_err(|e| explain(Format::Operations, doc, &["operations"], &e))?;
    let Some((id, file)) = mirror.into_iter().next() else {
        return Err(Error::new(ErrorKind::Internal, "an operation's part of a file is empty"));
    };
    let mut c = Checker::new(doc);
    let what = format!("the operation {id} is invalid");
    let operation = convert(&mut c, id, file, connector, records);
    let operation = c.finish(&what, operation)?;
    if cfg!(not(feature = "xml")) && matches!(operation.response.format, ReplyFormat::Xml) {
        let message = format!("this build cannot read XML, which {} returns", operation.id);
        let place = doc.place(&format!("/{}/response/format", escape(&operation.id)));
        return Err(Error::new(ErrorKind::Unsupported, message).advise("build with the feature xml").at(place));
    }
    Ok(operation)
}

/// The written schema of a record, for other records that refer to it.
pub(in crate::definition) fn record_schema(doc: &Document) -> Option<Value> {
    let mirror: Ordered<RecordFile> = doc.read().ok()?;
    mirror.into_iter().next().map(|(_, file)| file.schema.to_value())
}

/// One record in its part of a file.
fn record_file(doc: &Document) -> Result<(String, RecordFile)> {
    let mirror: Ordered<RecordFile> = doc.read().map_err(|e| explain(Format::Operations, doc, &["records"], &e))?;
    let found = mirror.into_iter().next();
    found.ok_or_else(|| Error::new(ErrorKind::Internal, "a record's part of a file is empty"))
}

/// Checks one record by itself.
pub(in crate::definition) fn check_record(doc: &Document, other: &OtherRecords<'_>) -> Result<()> {
    let (name, file) = record_file(doc)?;
    let mut c = Checker::new(doc);
    check(&mut c, &format!("/{}/schema", escape(&name)), "", file.schema.to_value(), other);
    c.finish(&format!("the record {name} is invalid"), Some(()))
}

/// Reads one record from its part of a file, with the records to which it refers.
pub(in crate::definition) fn read_record(doc: &Document, other: &OtherRecords<'_>) -> Result<Record> {
    let (name, file) = record_file(doc)?;
    let mut c = Checker::new(doc);
    let at = format!("/{}/schema", escape(&name));
    let schema = match may_refer(&file.schema.0) {
        true => Json::from(embedded(&mut c, &at, file.schema.to_value(), other)),
        false => file.schema,
    };
    let what = format!("the record {name} is invalid");
    let sample = file.sample.unwrap_or_else(|| sample_of(&schema.to_value()));
    let record = Record { title: file.title.unwrap_or_else(|| name.clone()), name, schema, sample };
    c.finish(&what, Some(record))
}

impl From<MethodFile> for Method {
    fn from(file: MethodFile) -> Method {
        match file {
            MethodFile::Query => Method::Query,
            MethodFile::Mutate => Method::Mutate,
            MethodFile::Delete => Method::Delete,
        }
    }
}

fn convert(
    c: &mut Checker<'_>,
    id: String,
    file: OperationFile,
    connector: &Arc<Connector>,
    records: &OwnRecords<'_>,
) -> Option<Operation> {
    let at = format!("/{}", escape(&id));
    let written = (!c.is_vouched()).then(|| file.clone());
    c.name(&at, &id);
    let (verb, path) = request_line(c, &format!("{at}/request"), &file.request)?;
    let method = Method::from(file.method);
    let reply = response_in_use(c, &format!("{at}/response"), file.response, connector);
    let said = reply.clone();
    let declared_names: Vec<String> = file.options.keys().cloned().collect();
    let result = result_shape(reply.result);
    let is_list = result == ResultShape::List && method == Method::Query;
    let (paging, paging_total) = paging_of(c, &at, file.paging, (is_list, reply.total.is_some()), connector);
    let (record, other) = (records.record, &records.schemas);
    let declared = DeclaredOptions { own: file.options, sets: &file.sets, required: &file.required, records: other };
    let mut options = options(c, &at, declared, connector, &option_names(&path, &paging, connector, &declared_names));
    check_paging(c, &at, &paging, &options, result);
    if let Some(size) = &paging.size {
        options.push(page_size_option(size));
    }
    let forward_only = connector.forward_only.clone().filter(|_| file.forward_only != Some(false) && paging.is_paged());
    let named =
        |c: &mut Checker<'_>, at: String, name: &Option<String>| record_by_name(c, &at, name.as_deref()?, record);
    let item_record = file.items.as_ref().and_then(|i| named(c, format!("{at}/items/record"), &i.record));
    let reply_record = named(c, format!("{at}/response/record"), &reply.record);
    if method == Method::Query && file.items.is_some() {
        let advice = Some("use options with `in: body` for a search body".into());
        c.fault(&format!("{at}/items"), "a query takes no items", advice);
    }
    let written_send = file.items.as_ref().map(|i| i.send.clone());
    let items = file.items.and_then(|i| {
        let own = item_record.as_ref().and_then(|r| r.as_deref());
        items(c, &format!("{at}/items"), i, (own, other), &verb)
    });
    let key = file.idempotency_key.and_then(|k| c.header(&format!("{at}/idempotency_key/header"), &k.header));
    let job = file.job.and_then(|j| job(c, &format!("{at}/job"), j, (&path, &options, connector)));
    let base_url = file.base_url.and_then(|b| c.text(&format!("{at}/base_url"), &b));
    let body = body_format(c, &at, file.body, written_send);
    let operation = Operation {
        repeat: repeat(method, &verb, file.idempotent, key.is_some()),
        response: response(c, &format!("{at}/response"), reply, paging_total)?,
        id,
        vendor_id: file.vendor_id,
        connector: Arc::clone(connector),
        title: file.title,
        description: file.description,
        method,
        verb,
        options,
        items,
        record: reply_record,
        deprecated: file.deprecated.map(|d| d.instead),
        path,
        base_url,
        fixed: request::fixed(c, &at, file.fixed, file.headers),
        body,
        rules: request::rules(c, &format!("{at}/rules"), file.rules),
        paging,
        forward_only,
        idempotency_key: key,
        anonymous: file.anonymous,
        job,
        is_state: false,
        option_check: OnceLock::new(),
        item_check: OnceLock::new(),
        item_fields: OnceLock::new(),
        record_fields: OnceLock::new(),
    };
    if let Some(written) = written {
        effects::check(c, &at, (&written, &said), &operation);
    }
    Some(operation)
}

/// The paging of an operation and where its total is: its own, or that of the connector for a list.
fn paging_of(
    c: &mut Checker<'_>,
    at: &str,
    own: Option<PagingUseFile>,
    (is_list, has_total): (bool, bool),
    connector: &Connector,
) -> (Paging, Option<Total>) {
    let own = own.and_then(|p| paging_in_use(c, &format!("{at}/paging"), p, connector));
    if own.as_ref().is_some_and(|(_, total)| total.is_some()) && has_total {
        c.fault(&format!("{at}/response/total"), "`paging` already says where the total is; give it once", None);
    }
    own.unwrap_or_else(|| match is_list {
        true => (connector.paging.clone(), connector.total.clone()),
        false => (Paging::default(), None),
    })
}

/// The placeholders of the path that are options: not those of the paging, and not the connection's properties.
fn option_names(path: &Text, paging: &Paging, connector: &Connector, declared: &[String]) -> Vec<String> {
    let size = paging.size.as_ref().map(|size| &size.at);
    let pages: Vec<&str> = paging
        .targets()
        .into_iter()
        .chain(size)
        .filter_map(|target| match target {
            Target::Path(name) => Some(name.as_str()),
            Target::Query(_) | Target::Header(_) | Target::Body(_) | Target::Text(_) => None,
        })
        .collect();
    let in_sets = |name: &str| connector.option_sets.iter().any(|(_, set)| set.iter().any(|o| o.name == name));
    let is_property = |name: &str| {
        connector.property(name).is_some() && !in_sets(name) && !declared.iter().any(|declared| declared == name)
    };
    // A walk may begin at the value of an option in the place of its paging.
    let is_declared = |name: &str| declared.iter().any(|own| own == name);
    let names = path.names().filter(|name| (!pages.contains(name) || is_declared(name)) && !is_property(name));
    names.map(str::to_owned).collect()
}

/// A record by name, or a fault.
fn record_by_name(
    c: &mut Checker<'_>,
    at: &str,
    name: &str,
    record: &dyn Fn(&str) -> Option<Arc<LaterRecord>>,
) -> Option<Arc<LaterRecord>> {
    let found = record(name);
    if found.is_none() {
        c.fault(at, format!("no record is called `{name}`"), Some(RECORDS_ARE.into()));
    }
    found
}

/// The format of the body, as `body` or as `items: { send }` says it.
fn body_format(c: &mut Checker<'_>, at: &str, file: Option<BodyFile>, send: Option<SendFile>) -> BodyFormat {
    let implied = send.and_then(|send| match send {
        SendFile::Multipart => Some(BodyFormat::Multipart),
        SendFile::Form => Some(BodyFormat::Form(FormStyle::default())),
        SendFile::Raw => Some(BodyFormat::Raw),
        SendFile::Xml => Some(BodyFormat::Xml(None)),
        SendFile::Ndjson(_) => Some(BodyFormat::Ndjson),
        SendFile::JsonPatch | SendFile::Rfc6902 => Some(BodyFormat::Json),
        SendFile::Each | SendFile::All | SendFile::Chunk(_) => None,
    });
    let own = file.and_then(|body| request::body(c, &format!("{at}/body"), body));
    match (own, implied) {
        (Some(own), Some(implied)) if std::mem::discriminant(&own) != std::mem::discriminant(&implied) => {
            let message = format!("`body` says {}, but `items: {{ send }}` says {}", own.words(), implied.words());
            c.fault(&format!("{at}/body"), message, None);
            own
        }
        (Some(own), _) => own,
        (None, implied) => implied.unwrap_or_default(),
    }
}

fn items(
    c: &mut Checker<'_>,
    at: &str,
    file: ItemsFile,
    (record, other): (Option<&Record>, &OtherRecords<'_>),
    verb: &Verb,
) -> Option<ItemRule> {
    let usual = || if matches!(file.send, SendFile::Raw) { Value::Bool(true) } else { json!({"type": "object"}) };
    let mut schema = record.map(|r| r.schema.to_value()).unwrap_or_else(usual);
    let is_patch = matches!(file.send, SendFile::JsonPatch | SendFile::Rfc6902);
    if file.record.is_some() {
        let creates = *verb == Verb::POST && !is_patch && !matches!(file.send, SendFile::Multipart | SendFile::Raw);
        // An update may omit fields that the record requires.
        if let (false, Some(map)) = (creates, schema.as_object_mut()) {
            map.remove("required");
        }
        written_only(&mut schema);
    }
    match (&mut schema, file.schema.as_ref().map(Json::to_value)) {
        (Value::Object(base), Some(Value::Object(over))) => base.extend(over),
        (_, Some(over)) => schema = over,
        (_, None) => {}
    }
    if file.schema.as_ref().is_some_and(|own| may_refer(&own.0)) {
        schema = embedded(c, &format!("{at}/schema"), schema, other);
    }
    if is_patch {
        // References in it start at the item.
        if let Some(map) = schema.as_object_mut().filter(|map| map.contains_key("$defs")) {
            map.insert("$id".to_owned(), json!("urn:item"));
        }
        schema = json!({"anyOf": [schema, {"type": "array", "items": {"type": "object", "required": ["op", "path"]}}]});
    }
    // The record was checked by itself.
    if file.schema.is_some() || other.are_near {
        c.schema(&format!("{at}/schema"), "", || schema.clone());
    }
    let send = match file.send {
        SendFile::Each | SendFile::Multipart | SendFile::Form | SendFile::Raw | SendFile::Xml => Send::Each,
        SendFile::All => Send::All,
        SendFile::Chunk(0) | SendFile::Ndjson(0) => {
            c.fault(&format!("{at}/send"), "a chunk needs at least one item", None);
            return None;
        }
        SendFile::Chunk(n) | SendFile::Ndjson(n) => Send::Chunk(n),
        SendFile::JsonPatch => Send::JsonPatch(PatchPaths::Names),
        SendFile::Rfc6902 => Send::JsonPatch(PatchPaths::Pointers),
    };
    let wrap = file.wrap.and_then(|w| c.pointer(&format!("{at}/wrap"), &w));
    Some(ItemRule {
        send,
        schema,
        sample: file.sample,
        required: file.required.unwrap_or(true),
        wrap,
        drop_sent: file.drop_sent || file.drop_path_fields,
    })
}

/// Removes read-only properties from `required`, at every depth.
fn written_only(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    let properties = map.get("properties").and_then(Value::as_object);
    let own = |name: &Value| {
        let property = name.as_str().and_then(|name| properties?.get(name));
        property.and_then(|p| p.get("readOnly")) != Some(&Value::Bool(true))
    };
    let required =
        map.get("required").and_then(Value::as_array).map(|all| all.iter().filter(|n| own(n)).cloned().collect());
    if let Some(required) = required {
        map.insert("required".into(), Value::Array(required));
    }
    map.get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|p| p.values_mut())
        .for_each(written_only);
    map.get_mut("items").into_iter().for_each(written_only);
    map.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flat_map(|d| d.values_mut()).for_each(written_only);
}

/// The column of the retry table: queries by method or verb, PUT and DELETE by RFC 9110 section 9.2.2, others only if
/// the vendor says so.
fn repeat(method: Method, verb: &Verb, idempotent: Option<bool>, has_key: bool) -> Repeat {
    let read = method == Method::Query && idempotent != Some(false);
    match idempotent {
        _ if read => Repeat::SafeRead,
        Some(true) => Repeat::IdempotentWrite,
        _ if has_key => Repeat::IdempotentWrite,
        None if *verb == Verb::PUT || *verb == Verb::DELETE => Repeat::IdempotentWrite,
        Some(false) | None => Repeat::OtherWrite,
    }
}
