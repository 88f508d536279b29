//! Converts an operation's mirror to the checked operation. Pure.

use std::sync::{Arc, OnceLock};

use http::Method as Verb;
use serde_json::{Value, json};

use super::effects;
use super::option::{option_rule, page_size_option};
use super::paging::paging;
use super::response::{response, result_shape};
use crate::authoring::{Checker, Document, Format, Json, Ordered, Text, explain};
use crate::definition::connector::Connector;
use crate::definition::file::{ItemsFile, MethodFile, OperationFile, OptionFile, RecordFile, SendFile};
use crate::definition::operation::{LaterRecord, Method, Operation, Record};
use crate::definition::option_rule::{Location, OptionRule};
use crate::definition::paging::Paging;
use crate::definition::reply_rule::ReplyFormat;
use crate::definition::rules::{ItemRule, Repeat, ResultShape, Send};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::json_pointer::escape;

/// Reads one operation from its part of a file: a map with the one key `id`.
pub(in crate::definition) fn read_operation(
    doc: &Document,
    connector: &Arc<Connector>,
    record: &dyn Fn(&str) -> Option<Arc<LaterRecord>>,
) -> Result<Operation> {
    let mirror: Ordered<OperationFile> =
        doc.read().map_err(|e| explain(Format::Operations, doc, &["operations"], &e))?;
    let Some((id, file)) = mirror.into_iter().next() else {
        return Err(Error::new(ErrorKind::Internal, "an operation's part of a file is empty"));
    };
    let mut c = Checker::new(doc);
    let what = format!("the operation {id} is invalid");
    let operation = convert(&mut c, id, file, connector, record);
    let operation = c.finish(&what, operation)?;
    if cfg!(not(feature = "xml")) && matches!(operation.response.format, ReplyFormat::Xml) {
        let message = format!("this build cannot read XML, which {} returns", operation.id);
        return Err(Error::new(ErrorKind::Unsupported, message).advise("build with the feature xml"));
    }
    Ok(operation)
}

/// Reads one record from its part of a file.
pub(in crate::definition) fn read_record(doc: &Document) -> Result<Record> {
    let mirror: Ordered<RecordFile> = doc.read().map_err(|e| explain(Format::Operations, doc, &["records"], &e))?;
    let Some((name, file)) = mirror.into_iter().next() else {
        return Err(Error::new(ErrorKind::Internal, "a record's part of a file is empty"));
    };
    let mut c = Checker::new(doc);
    c.schema(&format!("/{}/schema", escape(&name)), "", || file.schema.to_value());
    let what = format!("the record {name} is invalid");
    let record =
        Record { title: file.title.unwrap_or_else(|| name.clone()), name, schema: file.schema, sample: file.sample };
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
    record: &dyn Fn(&str) -> Option<Arc<LaterRecord>>,
) -> Option<Operation> {
    let at = format!("/{}", escape(&id));
    let written = (!c.is_vouched()).then(|| file.clone());
    c.name(&at, &id);
    let (verb, path) = request_line(c, &format!("{at}/request"), &file.request)?;
    let method = Method::from(file.method);
    let names: Vec<String> = path.names().map(str::to_owned).collect();
    let declared = DeclaredOptions { own: file.options, sets: &file.sets, required: &file.required };
    let mut options = options(c, &at, declared, connector, &names);
    let result = result_shape(file.response.result);
    let own_paging = file.paging.and_then(|p| paging(c, &format!("{at}/paging"), p));
    if own_paging.as_ref().is_some_and(|(_, total)| total.is_some()) && file.response.total.is_some() {
        c.fault(&format!("{at}/response/total"), "`paging` already says where the total is; give it once", None);
    }
    let inherited = || match result == ResultShape::List && method == Method::Query {
        true => (connector.paging.clone(), connector.total.clone()),
        false => (Paging::default(), None),
    };
    let (paging, paging_total) = own_paging.unwrap_or_else(inherited);
    check_paging(c, &at, &paging, &options, result);
    if let Some(size) = &paging.size {
        options.push(page_size_option(size));
    }
    let forward_only = connector.forward_only.clone().filter(|_| file.forward_only != Some(false) && paging.is_paged());
    let named =
        |c: &mut Checker<'_>, at: String, name: &Option<String>| record_by_name(c, &at, name.as_deref()?, record);
    let item_record = file.items.as_ref().and_then(|i| named(c, format!("{at}/items/record"), &i.record));
    let reply_record = named(c, format!("{at}/response/record"), &file.response.record);
    if method == Method::Query && file.items.is_some() {
        c.fault(
            &format!("{at}/items"),
            "a query takes no items",
            Some("use options with `in: body` for a search body".into()),
        );
    }
    let items = file
        .items
        .and_then(|i| items(c, &format!("{at}/items"), i, item_record.as_ref().and_then(|r| r.as_deref()), &verb));
    let key = file.idempotency_key.and_then(|k| c.header(&format!("{at}/idempotency_key/header"), &k.header));
    let base_url = file.base_url.and_then(|b| c.text(&format!("{at}/base_url"), &b));
    let operation = Operation {
        repeat: repeat(method, &verb, file.idempotent, key.is_some()),
        response: response(c, &format!("{at}/response"), file.response, paging_total)?,
        id,
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
        headers: c.headers(&format!("{at}/headers"), file.headers),
        paging,
        forward_only,
        idempotency_key: key,
        anonymous: file.anonymous,
        option_check: OnceLock::new(),
        item_check: OnceLock::new(),
        item_fields: OnceLock::new(),
        record_fields: OnceLock::new(),
    };
    if let Some(written) = written {
        effects::check(c, &at, &written, &operation);
    }
    Some(operation)
}

/// Verb and path of a request line.
pub(super) fn request_line(c: &mut Checker<'_>, at: &str, line: &str) -> Option<(Verb, Text)> {
    let advice = Some("write a verb and a path, such as `GET /things/{id}`".into());
    let Some((verb, path)) = line.split_once(' ') else {
        c.fault(at, format!("`{line}` is not a request line"), advice);
        return None;
    };
    let verbs = [Verb::GET, Verb::HEAD, Verb::POST, Verb::PUT, Verb::PATCH, Verb::DELETE];
    let Some(verb) = verbs.iter().find(|v| v.as_str() == verb) else {
        c.fault(at, format!("`{verb}` is not a supported verb: GET, HEAD, POST, PUT, PATCH, DELETE"), None);
        return None;
    };
    let path = path.trim();
    if !path.starts_with('/') || path.contains(['?', '#', ' ']) || path.split('/').any(|s| s == "." || s == "..") {
        c.fault(at, format!("`{path}` is not a path"), advice);
        return None;
    }
    Some((verb.clone(), c.text(at, path)?))
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
        let advice = "records are declared under `records:` in a file of the same connector";
        c.fault(at, format!("no record is called `{name}`"), Some(advice.into()));
    }
    found
}

/// The options declared in an operation.
struct DeclaredOptions<'f> {
    own: Ordered<OptionFile>,
    sets: &'f [String],
    required: &'f [String],
}

fn options(
    c: &mut Checker<'_>,
    at: &str,
    declared: DeclaredOptions<'_>,
    connector: &Connector,
    path: &[String],
) -> Vec<OptionRule> {
    let DeclaredOptions { own, sets, required } = declared;
    let mut rules: Vec<OptionRule> = shared_options(c, at, &own, sets, connector, path);
    for (name, file) in own {
        let place = format!("{at}/options/{}", escape(&name));
        if let Some(rule) = option_rule(c, &place, name, file, Some(path)) {
            rules.retain(|r| r.name != rule.name);
            rules.push(rule);
        }
    }
    for name in path.iter().filter(|n| !rules.iter().any(|r| r.name == **n)).cloned().collect::<Vec<_>>() {
        c.fault(&format!("{at}/request"), format!("the path parameter `{name}` is not declared under `options`"), None);
    }
    for (i, name) in required.iter().enumerate() {
        if required.iter().take(i).any(|other| other == name) {
            c.fault(&format!("{at}/required/{i}"), format!("`{name}` is listed twice"), None);
        }
        match rules.iter_mut().find(|r| r.name == *name) {
            Some(rule) => rule.required = true,
            None => c.fault(
                &format!("{at}/required"),
                format!("`{name}` is required but not declared under `options`"),
                None,
            ),
        }
    }
    rules
}

/// The options of the sets. An option that several sets declare must be equal in all.
fn shared_options(
    c: &mut Checker<'_>,
    at: &str,
    own: &Ordered<OptionFile>,
    sets: &[String],
    connector: &Connector,
    path: &[String],
) -> Vec<OptionRule> {
    let mut found: Vec<(&str, OptionRule)> = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        let place = format!("{at}/use/{i}");
        if sets.iter().take(i).any(|other| other == set) {
            c.fault(&place, format!("the option set `{set}` is listed twice"), None);
            continue;
        }
        let Some((_, options)) = connector.option_sets.iter().find(|(name, _)| name == set) else {
            let hint = did_you_mean(set, connector.option_sets.iter().map(|(n, _)| n.as_str()));
            c.fault(&format!("{at}/use"), format!("the connector has no option set `{set}`{hint}"), None);
            continue;
        };
        for rule in options.iter().filter(|rule| !own.contains_key(&rule.name)) {
            let rule = in_path(c, &place, set, rule.clone(), path);
            match found.iter().find(|(_, other)| other.name == rule.name) {
                None => found.push((set, rule)),
                Some((_, other)) if other.is_same(&rule) => {}
                Some((other, _)) => c.fault(
                    &place,
                    format!("the option sets differ in `{}`: `{other}` and `{set}`", rule.name),
                    Some(
                        format!("declare `{}` under `options` of this operation, which overrides the sets", rule.name)
                            .into(),
                    ),
                ),
            }
        }
    }
    found.into_iter().map(|(_, rule)| rule).collect()
}

/// An option of a set that the path of an operation names.
fn in_path(c: &mut Checker<'_>, at: &str, set: &str, rule: OptionRule, path: &[String]) -> OptionRule {
    let named = path.contains(&rule.name);
    match (named, rule.location) {
        (true, Location::Path) => OptionRule { required: true, ..rule },
        (true, _) if !rule.placed => OptionRule { location: Location::Path, required: true, ..rule },
        (true, _) => {
            c.fault(
                at,
                format!("`{}` of the option set `{set}` is in the path, but the set sends it elsewhere", rule.name),
                None,
            );
            rule
        }
        (false, Location::Path) => {
            c.fault(
                at,
                format!("`{}` of the option set `{set}` is sent in the path, but the path does not name it", rule.name),
                None,
            );
            rule
        }
        (false, Location::Query | Location::Header | Location::Body | Location::PageSize) => rule,
    }
}

fn check_paging(c: &mut Checker<'_>, at: &str, paging: &Paging, options: &[OptionRule], result: ResultShape) {
    for name in paging.reserved().into_iter().chain(paging.size.as_ref().map(|s| s.query.as_str())) {
        if options.iter().any(|o| o.name == name) {
            c.fault(
                &format!("{at}/options/{}", escape(name)),
                format!("`{name}` is a paging parameter and cannot be an option"),
                None,
            );
        }
    }
    if let Some(size) = paging.size.as_ref().filter(|size| paging.reserved().contains(&size.query.as_str())) {
        c.fault(&format!("{at}/paging"), format!("`{}` cannot be both the page and the page size", size.query), None);
    }
    if result != ResultShape::List && paging.is_paged() {
        c.fault(&format!("{at}/paging"), "only `result: list` is paged", None);
    }
}

fn items(c: &mut Checker<'_>, at: &str, file: ItemsFile, record: Option<&Record>, verb: &Verb) -> Option<ItemRule> {
    let mut schema = record.map(|r| r.schema.to_value()).unwrap_or_else(|| json!({"type": "object"}));
    if file.record.is_some() {
        let creates = *verb == Verb::POST && matches!(file.send, SendFile::Each | SendFile::All | SendFile::Chunk(_));
        // An update may omit fields that the record requires.
        if let (false, Some(map)) = (creates, schema.as_object_mut()) {
            map.remove("required");
        }
        written_only(&mut schema);
    }
    if let (Some(base), Some(Value::Object(over))) = (schema.as_object_mut(), file.schema.as_ref().map(Json::to_value))
    {
        base.extend(over);
    }
    if matches!(file.send, SendFile::JsonPatch) {
        schema = json!({"anyOf": [schema, {"type": "array", "items": {"type": "object", "required": ["op", "path"]}}]});
    }
    c.schema(&format!("{at}/schema"), "", || schema.clone());
    let send = match file.send {
        SendFile::Each => Send::Each,
        SendFile::All => Send::All,
        SendFile::Chunk(0) => {
            c.fault(&format!("{at}/send"), "a chunk needs at least one item", None);
            return None;
        }
        SendFile::Chunk(n) => Send::Chunk(n),
        SendFile::JsonPatch => Send::JsonPatch,
        SendFile::Multipart => Send::Multipart,
    };
    let wrap = file.wrap.and_then(|w| c.pointer(&format!("{at}/wrap"), &w));
    Some(ItemRule {
        send,
        schema,
        sample: file.sample,
        required: file.required.unwrap_or(true),
        wrap,
        drop_path_fields: file.drop_path_fields,
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
