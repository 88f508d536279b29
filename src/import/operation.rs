//! One operation of a description as an operation of a definition file. Pure.

use super::api::{Api, ApiOperation, In};
use super::body::{BodyFound, body};
use super::envelope::settled;
use super::found::{ImportedList, PagingFound, PagingWord};
use super::options::{FoundOptions, PathNames};
use super::pager::{PageRole, Taken, role, taken};
use super::paging::{body_fields, has_pages, paging};
use super::prose::{DESCRIPTION_MAX, sentences, title};
use super::refs::Spot;
use super::reply::{ReplyShape, chosen, is_json, reply_shape, success};
use super::report::Grade;
use super::schemas::Schemas;
use super::settings::ImportSettings;
use super::tried::{ListGroup, TriedGroups};
use super::value::{Doc, Fields};
use crate::draft::{SEARCHES, area_of, last_noun, title_of, words};

/// A key of an operation with its value, and why it is only likely.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DraftLine {
    pub(crate) key: &'static str,
    pub(crate) value: Doc,
    pub(crate) why: Option<String>,
}

/// An operation to write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OperationDraft {
    pub(crate) id: String,
    /// Verb and path, as in the document.
    pub(crate) line: String,
    /// The name of its file.
    pub(crate) area: String,
    pub(crate) lines: Vec<DraftLine>,
    /// The paging of a list, until the connector has one.
    pub(crate) paging: Option<PagingFound>,
    /// The key and text of questions.
    pub(crate) questions: Vec<(&'static str, String)>,
    pub(crate) notes: Vec<String>,
    /// The names of its query parameters that may be an option set.
    pub(crate) tags: Vec<String>,
    pub(crate) group: ListGroup,
}

impl OperationDraft {
    pub(crate) fn value(&self, key: &str) -> Option<&Doc> {
        self.lines.iter().find(|line| line.key == key).map(|line| &line.value)
    }

    pub(crate) fn put(&mut self, key: &'static str, value: Doc, why: Option<String>) {
        match self.lines.iter_mut().find(|line| line.key == key) {
            Some(line) => (line.value, line.why) = (value, why),
            None => self.lines.push(DraftLine { key, value, why }),
        }
    }

    /// The origin of its own address.
    pub(crate) fn origin(&self) -> Option<String> {
        let url = url::Url::parse(self.value("base_url")?.text()?).ok()?;
        Some(url.origin().ascii_serialization())
    }

    pub(crate) fn drop_key(&mut self, key: &str) {
        self.lines.retain(|line| line.key != key);
    }
}

/// What operations have in common.
pub(crate) struct Common<'s> {
    pub(crate) settings: &'s ImportSettings,
    /// Headers that are properties of the connection or constants, in lower case.
    pub(crate) headers: Vec<String>,
    /// The media type of replies that the connector asks for.
    pub(crate) accept: Option<String>,
    /// Parameters that are credentials.
    pub(crate) credentials: Vec<(In, String)>,
    /// Whether operations sign in unless they say otherwise.
    pub(crate) signs_in: bool,
    pub(crate) tried: TriedGroups<'s>,
}

impl Common<'_> {
    /// The paging of a list, by the document and by what was tried.
    fn paging(&self, seen: &ImportedList<'_, '_>, group: &ListGroup) -> PagingFound {
        let found = paging(seen);
        let Some((key, _)) = &found.question else { return found };
        let numbered = || {
            let (start, why) = self.tried.start(group)?;
            let answered = paging(&ImportedList { page_start: Some(start), ..*seen });
            answered.question.is_none().then_some(PagingFound { grade: Grade::Likely, why, ..answered })
        };
        let answered = if *key == "page-start" { numbered() } else { None };
        answered.or_else(|| self.tried.paging(group, seen)).unwrap_or(found)
    }
}

/// What an operation does for its caller, and why that is only likely.
fn method<'f>(api: &Api<'f>, operation: &ApiOperation<'f>, id: &str) -> (&'static str, Option<String>) {
    match operation.verb.as_str() {
        "GET" | "HEAD" => ("query", None),
        "DELETE" => ("delete", None),
        "POST" if reads(api, operation, id) => {
            ("query", Some("its name says that it only reads, and it returns a list".to_owned()))
        }
        _ => ("mutate", None),
    }
}

/// Whether a POST seems only to read: its name says so, and its reply is a list.
fn reads<'f>(api: &Api<'f>, operation: &ApiOperation<'f>, id: &str) -> bool {
    let last = last_noun(operation.path).unwrap_or_default().to_lowercase();
    let last = last.trim_start_matches('_');
    let of_path = words(last).last().is_some_and(|word| SEARCHES.contains(&word.as_str()) && word != "report");
    let of_id = words(id);
    let first = of_id.first().map(String::as_str).unwrap_or_default();
    let of_id = matches!(first, "search" | "query" | "find" | "list")
        || of_id.last().is_some_and(|word| word == "search" || word == "query");
    let creates = operation.replies.iter().any(|reply| matches!(reply.status, "201" | "202"));
    if !(of_path || of_id) || creates {
        return false;
    }
    reply_shape(api.files, operation, (true, false), None).result == "list"
}

/// The document's own OperationId, or one by its path.
pub(crate) fn raw_id(operation: &ApiOperation<'_>) -> Option<String> {
    operation.spot.doc.text_of("operationId").map(|id| id.trim().to_owned())
}

/// What tells of the list that an operation returns.
pub(crate) struct ListParts<'f> {
    /// And why that is only likely.
    method: (&'static str, Option<String>),
    is_query: bool,
    /// The fields of the body of a search.
    searched: Vec<(String, Spot<'f>, bool)>,
    taken: Vec<Taken<'f>>,
    reply: ReplyShape<'f>,
    pub(crate) group: ListGroup,
}

/// Reads what an operation takes and returns.
pub(crate) fn list_parts<'f>(api: &Api<'f>, operation: &ApiOperation<'f>, id: &str) -> ListParts<'f> {
    let method = method(api, operation, id);
    let is_query = method.0 == "query";
    let body_schema = operation.body.as_ref().and_then(|body| chosen(&body.media)).and_then(|media| media.schema);
    let body_schema = body_schema.and_then(|schema| settled(api.files, schema));
    let searched = body_schema.filter(|_| is_query).map(|schema| body_fields(api.files, schema)).unwrap_or_default();
    let taken = taken(&operation.parameters, &searched, api.files);
    let listed = super::extensions::listed(operation.spot);
    let reply = reply_shape(api.files, operation, (is_query, has_pages(&taken)), listed.as_deref());
    let items = (reply.result == "list").then(|| reply.items.clone());
    let group = ListGroup::of(&area_of(operation.path), &taken, &reply.envelope, items);
    ListParts { method, is_query, searched, taken, reply, group }
}

/// Drafts an operation. `Err` says why it cannot be one.
#[expect(clippy::too_many_lines, reason = "one key of the definition after the other")]
pub(crate) fn draft<'f>(
    api: &Api<'f>,
    operation: &ApiOperation<'f>,
    (id, vendor_id): (&str, Option<String>),
    schemas: &mut Schemas<'f>,
    common: &Common<'_>,
) -> Result<OperationDraft, String> {
    let settings = common.settings;
    let doc = operation.spot.doc;
    let path = PathNames::read(operation.path)?;
    let ListParts { method: (method, method_why), is_query, searched, taken, mut reply, mut group } =
        list_parts(api, operation, id);
    let mut questions: Vec<(&'static str, String)> = Vec::new();
    if reply.grade == Grade::Ask {
        match common.tried.items(&group) {
            Some((pointer, why)) => {
                reply.say_items(&pointer, why);
                group.items = Some(pointer);
            }
            None => questions.push(("items", format!("where the list is: {}", reply.why))),
        }
    }
    // What may be a list is never complete.
    let open = is_query && reply.grade == Grade::Ask;
    let found = if open { Some(PagingFound::new(PagingWord::Unknown, Grade::Ask, "")) } else { None };
    let found = found.or_else(|| {
        (is_query && reply.result == "list").then(|| {
            let seen = ImportedList { operation, reply: &reply, taken: &taken, page_start: settings.page_start };
            said(settings, &taken).unwrap_or_else(|| common.paging(&seen, &group))
        })
    });
    if let Some((key, text)) = found.as_ref().and_then(|found| found.question.clone()) {
        questions.push((key, text));
    }
    let pages: Vec<(&'static str, String)> = found.as_ref().map(|found| found.parameters.clone()).unwrap_or_default();
    let is_single = is_query && reply.result != "list" && settings.said_paging().is_some();
    // A single record has no pages, whatever its parameters are.
    let idle = |place: In, name: &str| {
        is_single
            && place == In::Query
            && taken.iter().any(|taken| taken.name == name && role(taken).is_some() && !taken.is_required)
    };
    let place_of = |place: In| if place == In::Header { "header" } else { "query" };
    let is_consumed = |place: In, name: &str| {
        pages.iter().any(|(own, parameter)| *own == place_of(place) && parameter == name)
            || (place == In::Header && common.headers.contains(&name.to_ascii_lowercase()))
            || common.credentials.iter().any(|(own, credential)| *own == place && credential.eq_ignore_ascii_case(name))
            || idle(place, name)
    };
    let has_texts = !settings.without_texts;
    let mut options =
        FoundOptions::read(&operation.parameters, &path, schemas, (api.is_two, !is_query, has_texts), &is_consumed);
    let sent = match &operation.body {
        Some(found) if is_query => body_options(found, searched, schemas, &pages, &mut options),
        Some(found) => body(api, settings, operation, found, schemas)?,
        None => BodyFound::default(),
    };
    let mut headers = std::mem::take(&mut options.headers);
    headers.extend(sent.headers.clone());
    if let Some(kind) = accept(operation, common, &reply) {
        headers.insert("Accept".to_owned(), Doc::Text(kind));
    }
    let mut lines: Vec<DraftLine> = Vec::new();
    let mut put = |key: &'static str, value: Doc, why: Option<String>| lines.push(DraftLine { key, value, why });
    let given = doc.text_of("summary").filter(|_| has_texts).and_then(title);
    let longer = doc.text_of("description").filter(|_| has_texts);
    put(
        "title",
        Doc::Text(
            given
                .clone()
                .or_else(|| longer.and_then(title).filter(|text| text.chars().count() <= 60))
                .unwrap_or_else(|| title_of(id)),
        ),
        None,
    );
    if let Some(text) = longer
        .and_then(|text| sentences(text, DESCRIPTION_MAX))
        .filter(|text| Some(text.trim_end_matches('.')) != given.as_deref())
    {
        put("description", Doc::Text(text), None);
    }
    if let Some(vendor_id) = vendor_id {
        put("vendor_id", Doc::Text(vendor_id), None);
    }
    put("method", Doc::from(method), method_why);
    put("request", Doc::Text(format!("{} {}", operation.verb, path.path)), None);
    if let Some(address) = own_address(api, operation, settings, &mut questions)? {
        put("base_url", Doc::Text(address), None);
    }
    let constants = constants(operation.path);
    let mut notes: Vec<String> = Vec::new();
    if operation.path.split_once('?').is_some_and(|(_, query)| query.contains(['{', '%'])) {
        notes.push("parameters in its path have placeholders: left out".to_owned());
    }
    if !headers.is_empty() || !constants.is_empty() {
        let mut fixed = Fields::new();
        for (key, fields) in [("header", headers), ("query", constants)] {
            if !fields.is_empty() {
                fixed.insert(key.to_owned(), Doc::Map(fields));
            }
        }
        put("fixed", Doc::Map(fixed), None);
    }
    if let Some(format) = sent.format {
        put("body", format, sent.format_why.clone());
    }
    if !options.options.is_empty() {
        put("options", Doc::Map(options.options), None);
    }
    if !options.required.is_empty() {
        put("required", Doc::texts(options.required.iter().map(String::as_str)), None);
    }
    // Calls show fields and types, but not all of them.
    let examples = || settings.seen.as_ref().map(|_| "the fields and types of the examples".to_owned());
    if let Some(items) = sent.items {
        put("items", items, sent.why.clone().or_else(examples));
    }
    let response = response(&mut reply, id, schemas, settings);
    let of_examples = if response.get("record").is_some() { examples() } else { None };
    put("response", response, (reply.grade == Grade::Likely).then(|| reply.why.clone()).or(of_examples));
    if is_job(operation) {
        let why = doc
            .get("x-ms-long-running-operation")
            .is_none()
            .then(|| "the status 202 has a Location header, at which the work can be followed".to_owned());
        put("job", Doc::Map(Fields::new()), why);
    }
    if !is_query && operation.replies.iter().any(|reply| reply.status == "207") {
        let rule = Doc::of([("when", Doc::of([("status", Doc::from(207))])), ("then", Doc::from("unknown"))]);
        put(
            "rules",
            Doc::List(vec![rule]),
            Some("a reply with the status 207 reports on parts; say where with `response: { parts }`".to_owned()),
        );
    }
    if let Some(header) = options.idempotency {
        put("idempotency_key", Doc::of([("header", Doc::Text(header))]), None);
    }
    if operation.security.as_ref().is_some_and(|security| security.is_empty() || security.iter().all(Vec::is_empty))
        && common.signs_in
    {
        put("anonymous", Doc::Flag(true), None);
    }
    if doc.is_true("deprecated") {
        put("deprecated", Doc::Map(Fields::new()), None);
    }
    questions.extend(sent.questions);
    Ok(OperationDraft {
        id: id.to_owned(),
        line: operation.line(),
        area: area_of(&path.path),
        lines,
        paging: found,
        questions,
        group,
        notes: notes.into_iter().chain(operation.lost.iter().cloned()).chain(options.notes).chain(sent.notes).collect(),
        tags: doc
            .get("tags")
            .map(Doc::list)
            .unwrap_or_default()
            .iter()
            .filter_map(|tag| tag.text().map(str::to_owned))
            .collect(),
    })
}

/// The address of an operation that differs from that of the others.
fn own_address(
    api: &Api<'_>,
    operation: &ApiOperation<'_>,
    settings: &ImportSettings,
    questions: &mut Vec<(&'static str, String)>,
) -> Result<Option<String>, String> {
    let Some(server) = operation.servers.first() else { return Ok(None) };
    if api.servers.contains(server) || settings.own.connector.is_some() {
        return Ok(None);
    }
    let url = server.url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let host = |url: &str| url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let is_elsewhere = host(url).is_some() && !api.servers.iter().any(|server| host(&server.url) == host(url));
    if url.starts_with("http://") && is_elsewhere {
        return Err(format!("its own address, {url}, has no TLS"));
    }
    let is_whole = url::Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.username().is_empty());
    if !is_whole || url.contains('{') {
        questions.push((
            "address",
            format!("its own address, {}, cannot be used: it is called at that of the others", server.url),
        ));
        return Ok(None);
    }
    Ok(Some(url.to_owned()))
}

/// The paging that the user or the own connector has said, for an operation that takes its parameters.
fn said(settings: &ImportSettings, taken: &[Taken<'_>]) -> Option<PagingFound> {
    let style = settings.said_paging()?;
    let mut names = Vec::new();
    parameters_of(style, &mut names);
    let has = |name: &String| taken.iter().any(|taken| taken.name == *name);
    if names.is_empty() || !names.iter().all(has) {
        return None;
    }
    let own = taken.iter().filter(|taken| {
        names.contains(&taken.name) || matches!(role(taken), Some(PageRole::Page | PageRole::Offset | PageRole::Cursor))
    });
    Some(PagingFound {
        parameters: own.map(|taken| (taken.place, taken.name.clone())).collect(),
        ..PagingFound::new(PagingWord::Style(style.clone()), Grade::Sure, "")
    })
}

/// The query parameters that a paging sends.
fn parameters_of(doc: &Doc, found: &mut Vec<String>) {
    for (key, value) in doc.fields() {
        match value {
            Doc::Text(name) if key == "query" => found.push(name.clone()),
            Doc::Map(_) => parameters_of(value, found),
            _ => {}
        }
    }
}

/// Constants of a path that has a query.
fn constants(path: &str) -> Fields {
    let path = path.split('#').next().unwrap_or_default();
    let query = path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .filter(|(name, value)| !name.is_empty() && !value.contains('{'))
        .map(|(name, value)| (name.into_owned(), Doc::Text(value.into_owned())))
        .collect()
}

/// The media type that a reply must be asked for in.
pub(crate) fn reply_kind(operation: &ApiOperation<'_>) -> Option<String> {
    let media = &success(operation)?.media;
    if media.iter().any(|media| media.kind.starts_with("application/json") || media.kind == "*/*") {
        return None;
    }
    let first = media.iter().find(|media| is_json(&media.kind)).or_else(|| media.first())?;
    let is_type =
        first.kind.contains('/') && !first.kind.contains('*') && http::HeaderValue::from_str(&first.kind).is_ok();
    is_type.then(|| first.kind.clone())
}

fn accept(operation: &ApiOperation<'_>, common: &Common<'_>, reply: &ReplyShape<'_>) -> Option<String> {
    let kind = reply_kind(operation).filter(|kind| reply.format.is_none() && Some(kind) != common.accept.as_ref())?;
    // What the connector or its own constants ask for is asked for.
    let is_own = common.headers.iter().any(|name| name == "accept") && is_json(&kind);
    (!is_own).then_some(kind)
}

fn is_job(operation: &ApiOperation<'_>) -> bool {
    let accepted = operation.replies.iter().find(|reply| reply.status == "202");
    let has_location =
        accepted.is_some_and(|reply| reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("location")));
    let says = operation.spot.doc.is_true("x-ms-long-running-operation");
    let other = operation.spot.doc.at(&["x-ms-long-running-operation-options", "final-state-via"]).and_then(Doc::text);
    (says && other.is_none_or(|via| via == "location") && accepted.is_some()) || (has_location && !says)
}

/// The fields of a search as options.
fn body_options<'f>(
    found: &super::api::ApiBody<'f>,
    fields: Vec<(String, Spot<'f>, bool)>,
    schemas: &mut Schemas<'f>,
    pages: &[(&'static str, String)],
    options: &mut FoundOptions,
) -> BodyFound {
    let mut sent = BodyFound::default();
    let is_form = chosen(&found.media).is_some_and(|media| media.kind.contains("form-urlencoded"));
    for (name, spot, is_required) in fields {
        // The fields of a pager are the paging's.
        let is_consumed = pages
            .iter()
            .any(|(place, own)| *place == "body" && (*own == name || own.starts_with(&format!("/{name}/"))));
        if name.starts_with('/') || is_consumed {
            continue;
        }
        let Some(mut key) = super::names::plain_name(&name) else { continue };
        if options.options.contains_key(&key) {
            key = format!("{key}-body");
        }
        let mut option = Fields::from_iter([("in".to_owned(), Doc::from("body"))]);
        if key != name {
            option.insert(
                "as".to_owned(),
                Doc::Text(if name.starts_with('/') {
                    format!("/{}", crate::json_pointer::escape(&name))
                } else {
                    name.clone()
                }),
            );
        }
        if let Doc::Map(schema) = schemas.convert(spot) {
            option.extend(schema.into_iter().filter(|(key, _)| !matches!(key.as_str(), "readOnly" | "writeOnly")));
        }
        if is_required {
            options.required.push(key.clone());
        }
        options.options.insert(key, Doc::Map(option));
    }
    if is_form && options.options.values().any(|rules| rules.get("in") == Some(&Doc::from("body"))) {
        sent.format = Some(Doc::from("form"));
    }
    sent
}

fn response<'f>(reply: &mut ReplyShape<'f>, id: &str, schemas: &mut Schemas<'f>, settings: &ImportSettings) -> Doc {
    let mut out = Fields::from_iter([("result".to_owned(), Doc::from(reply.result))]);
    if let Some(format) = reply.format {
        out.insert("format".to_owned(), Doc::from(format));
    }
    if !reply.items.is_empty() {
        out.insert("items".to_owned(), Doc::Text(reply.items.clone()));
        if settings.optional_lists && !reply.is_required {
            out.insert("optional".to_owned(), Doc::Flag(true));
        }
    }
    if let Some(total) = reply.total.take() {
        out.insert("total".to_owned(), total);
    }
    if let Some(element) = reply.element.filter(|_| matches!(reply.result, "list" | "object"))
        && let Some(record) = schemas.record_for(element, id)
    {
        out.insert("record".to_owned(), Doc::Text(record));
    }
    Doc::Map(out)
}
