//! What a reply contains: its result, where the items are, and how certain that is. Pure.

use super::api::{ApiOperation, ApiReply, Media};
use super::envelope::{Envelope, ReplyLeaf, kind, properties, settled};
use super::refs::{Files, Spot};
use super::report::Grade;
use super::value::Doc;
use crate::draft::{last_noun, plain, singular};

/// What a reply contains.
#[derive(Debug)]
pub(crate) struct ReplyShape<'f> {
    /// A word of `response: { result }`.
    pub(crate) result: &'static str,
    pub(crate) format: Option<&'static str>,
    /// Where the items are.
    pub(crate) items: String,
    /// Whether the schema says that they are always there.
    pub(crate) is_required: bool,
    /// The schema of an item.
    pub(crate) element: Option<Spot<'f>>,
    pub(crate) envelope: Envelope<'f>,
    /// Where the total is, as a definition says it.
    pub(crate) total: Option<Doc>,
    pub(crate) grade: Grade,
    pub(crate) why: String,
}

/// Names of the list in a reply.
const LISTS: [&str; 30] = [
    "data",
    "items",
    "item",
    "results",
    "result",
    "records",
    "value",
    "values",
    "entries",
    "list",
    "content",
    "contents",
    "elements",
    "rows",
    "objects",
    "members",
    "resources",
    "collection",
    "hits",
    "documents",
    "nodes",
    "edges",
    "features",
    "response",
    "payload",
    "body",
    "entities",
    "resultlist",
    "datalist",
    "resultset",
];
/// Names of the record in a reply.
const RECORDS: [&str; 9] = ["data", "result", "response", "payload", "item", "record", "object", "resource", "body"];
/// Lists that are never the items.
const NOISE: [&str; 15] = [
    "errors",
    "warnings",
    "links",
    "messages",
    "facets",
    "aggregations",
    "included",
    "notices",
    "details",
    "validationerrors",
    "errormessages",
    "warningmessages",
    "schemas",
    "columns",
    "fields",
];
/// Names of fields that describe the reply and not a record, beside those that [`is_meta`] knows by a part.
const META: [&str; 31] = [
    "recordstotal",
    "numfound",
    "found",
    "currentpage",
    "perpage",
    "limit",
    "offset",
    "skip",
    "start",
    "size",
    "first",
    "last",
    "self",
    "more",
    "meta",
    "metadata",
    "pagination",
    "paging",
    "status",
    "success",
    "ok",
    "message",
    "code",
    "requestid",
    "took",
    "timestamp",
    "object",
    "kind",
    "etag",
    "type",
    "version",
];
const TOTALS: [&str; 16] = [
    "total",
    "totalcount",
    "totalresults",
    "totalitems",
    "totalrecords",
    "totalelements",
    "totalsize",
    "recordstotal",
    "numfound",
    "nbhits",
    "totalhits",
    "odatacount",
    "totalnumberofrecords",
    "totalrows",
    "resultcount",
    "totalrecordcount",
];

/// Whether a field describes the reply.
fn is_meta(name: &str) -> bool {
    META.contains(&name)
        || NOISE.contains(&name)
        || ["next", "prev", "has", "total", "page", "odata", "cursor", "warning", "error", "response"]
            .iter()
            .any(|start| name.starts_with(start))
        || ["token", "cursor", "count", "link", "links", "url", "position", "setsize"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// What a description says of the replies of an operation. `is_search`: whether it reads; `has_pages`: whether it has
/// parameters of a paging; `pageable`: the name of the list by an extension.
pub(crate) fn reply_shape<'f>(
    files: &'f Files,
    operation: &ApiOperation<'f>,
    (is_query, has_pages): (bool, bool),
    listed: Option<&str>,
) -> ReplyShape<'f> {
    let Some(reply) = success(operation) else { return bare("none", Grade::Sure, "") };
    let undescribed = |grade, why: &str| match is_query && has_pages {
        true => bare("none", Grade::Ask, "the reply is not described, but parameters ask for pages"),
        false => bare("none", grade, why),
    };
    let Some(media) = best(&reply.media) else {
        // Nothing is said of the body; what the server returns is kept.
        return undescribed(Grade::Sure, "");
    };
    let body = media.schema.and_then(|schema| settled(files, schema));
    let raw = media.schema.unwrap_or(operation.spot);
    if let Some(other) = not_json(media, body) {
        return ReplyShape { element: None, ..other };
    }
    let Some(body) = body.filter(|body| !body.doc.is_empty()) else {
        return undescribed(
            Grade::Likely,
            "the document does not say what the reply contains: it is returned as it comes",
        );
    };
    let mut found = match kind(body.doc) {
        "array" => {
            let grade = if is_query || operation.verb != "GET" { Grade::Sure } else { Grade::Likely };
            ReplyShape { element: body.get("items"), is_required: true, ..bare("list", grade, "") }
        }
        "object" => object(files, operation, (body, raw), (is_query, has_pages), listed),
        "" if body.doc.get("oneOf").or_else(|| body.doc.get("anyOf")).is_some() => {
            object(files, operation, (body, raw), (is_query, has_pages), listed)
        }
        "" => {
            undescribed(Grade::Likely, "the document does not say what the reply contains: it is returned as it comes")
        }
        _ => bare("object", Grade::Sure, ""),
    };
    if found.result == "list" && is_query {
        found.total = total(&found, reply);
    }
    if is_query && matches!(found.result, "object" | "none") && is_perhaps_list(operation, &found, has_pages) {
        found.why = match found.envelope.lists.is_empty() {
            true => "the reply is not described, but parameters ask for pages".to_owned(),
            false => "the reply has several lists or none that stands out".to_owned(),
        };
        found.grade = Grade::Ask;
    }
    if let (Some(element), "list") = (found.element, found.result)
        && settled(files, element).is_none()
    {
        found.element = None;
    }
    found
}

/// Whether a reply that is taken as it comes may be a page of a list.
fn is_perhaps_list(operation: &ApiOperation<'_>, found: &ReplyShape<'_>, has_pages: bool) -> bool {
    let next = || found.envelope.scalars.iter().any(|leaf| leaf.name.starts_with("next") && leaf.is_text());
    // A record may have lists of its own.
    let has_id = || found.envelope.scalars.iter().any(|leaf| leaf.depth == 0 && leaf.name == "id");
    let is_named = operation.path.trim_end_matches('/').ends_with('}');
    match found.envelope.lists.is_empty() {
        true => has_pages && (found.envelope.scalars.is_empty() || next()),
        false => next() || (has_pages && !has_id() && !is_named),
    }
}

fn bare<'f>(result: &'static str, grade: Grade, why: &str) -> ReplyShape<'f> {
    ReplyShape {
        result,
        format: None,
        items: String::new(),
        is_required: false,
        element: None,
        envelope: Envelope::default(),
        total: None,
        grade,
        why: why.to_owned(),
    }
}

/// The reply that means success.
pub(crate) fn success<'o, 'f>(operation: &'o ApiOperation<'f>) -> Option<&'o ApiReply<'f>> {
    let mut replies: Vec<&ApiReply<'f>> = operation.replies.iter().filter(|reply| reply.is_success()).collect();
    replies.sort_by_key(|reply| (reply.media.is_empty(), reply.status != "200"));
    let default = || operation.replies.iter().find(|reply| reply.status == "default");
    replies.first().copied().or_else(default)
}

/// JSON, if there is a choice.
fn best<'o, 'f>(media: &'o [Media<'f>]) -> Option<&'o Media<'f>> {
    media.iter().find(|media| is_json(&media.kind)).or_else(|| media.first())
}

pub(crate) fn is_json(kind: &str) -> bool {
    let base = kind.split(';').next().unwrap_or_default().trim();
    base == "application/json"
        || base == "text/json"
        || base.ends_with("+json")
        || base == "*/*"
        || base == "application/*"
}

/// A reply that is not JSON.
fn not_json<'f>(media: &Media<'f>, body: Option<Spot<'f>>) -> Option<ReplyShape<'f>> {
    let base = media.kind.split(';').next().unwrap_or_default().trim();
    let is_bytes = body.is_some_and(|body| {
        matches!(body.doc.text_of("format"), Some("binary" | "byte")) && kind(body.doc) == "string"
            || body.doc.text_of("type") == Some("file")
    });
    let likely = |result, format| Some(ReplyShape { format, ..bare(result, Grade::Sure, "") });
    match base {
        _ if is_bytes => likely("file", None),
        "text/csv" | "application/csv" => likely("list", Some("csv")),
        "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" | "application/json-lines" => {
            likely("list", Some("ndjson"))
        }
        _ if is_json(&media.kind) => None,
        "text/event-stream" => likely("text", None),
        "application/xml" | "text/xml" => likely("text", None),
        _ if base.ends_with("+xml") || base.starts_with("text/") => likely("text", None),
        _ => likely("file", None),
    }
}

#[expect(clippy::too_many_lines, reason = "the rules in the order in which they are tried")]
fn object<'f>(
    files: &'f Files,
    operation: &ApiOperation<'f>,
    (body, raw): (Spot<'f>, Spot<'f>),
    (is_query, has_pages): (bool, bool),
    listed: Option<&str>,
) -> ReplyShape<'f> {
    let envelope = Envelope::of(files, body);
    let whole = |envelope, grade, why: &str| ReplyShape {
        envelope,
        element: Some(raw),
        is_required: true,
        ..bare("object", grade, why)
    };
    let own: Vec<(&str, Spot<'f>, bool)> = properties(files, body);
    if is_count(operation, &own) {
        return bare("count", Grade::Sure, "");
    }
    if !is_query {
        return whole(envelope, Grade::Sure, "");
    }
    let list = |leaf: &ReplyLeaf<'f>, grade, why: String| ReplyShape {
        items: leaf.pointer.clone(),
        element: leaf.end.get("items"),
        is_required: leaf.is_required,
        why,
        ..bare("list", grade, "")
    };
    if let Some(leaf) = listed.and_then(|name| envelope.lists.iter().find(|leaf| leaf.pointer == name)) {
        return ReplyShape { ..list(leaf, Grade::Sure, String::new()) }.with(envelope);
    }
    let noun = last_noun(operation.path).unwrap_or_default();
    let is_noun = |name: &str| {
        let (noun, one) = (plain(noun), plain(&singular(noun)));
        !noun.is_empty() && (name == noun || plain(&singular(name)) == one || name.ends_with(&noun))
    };
    let is_single = operation.path.trim_end_matches('/').ends_with('}');
    let is_item = |leaf: &&ReplyLeaf<'f>| !NOISE.contains(&leaf.name.as_str()) || is_noun(&leaf.name);
    let lists: Vec<&ReplyLeaf<'f>> = envelope.lists.iter().filter(is_item).collect();
    let first = lists.iter().map(|leaf| leaf.depth).min();
    let top: Vec<&&ReplyLeaf<'f>> = lists.iter().filter(|leaf| Some(leaf.depth) == first).collect();
    // Lists deeper than another one that fits are parts of something else.
    let strong: Vec<&&ReplyLeaf<'f>> =
        lists.iter().filter(|leaf| LISTS.contains(&leaf.name.as_str()) || is_noun(&leaf.name)).collect();
    let least = strong.iter().map(|leaf| leaf.depth).min();
    let strong: Vec<&&ReplyLeaf<'f>> = strong.into_iter().filter(|leaf| Some(leaf.depth) == least).collect();
    let beside = |leaf: &ReplyLeaf<'f>| {
        // Every other field on the way to the list describes the reply.
        own.iter().all(|(name, ..)| {
            let name = plain(name);
            is_meta(&name) || leaf.pointer.split('/').nth(1).is_some_and(|first| plain(first) == name)
        })
    };
    let is_open = !is_single && !own.iter().any(|(name, ..)| *name == "id");
    let has_signs =
        envelope.scalars.iter().any(|leaf| leaf.name.starts_with("next") || TOTALS.contains(&leaf.name.as_str()));
    let chosen = match (lists.as_slice(), strong.as_slice()) {
        ([], _) => None,
        _ if is_single && !has_pages => None,
        ([one], _) if beside(one) && !is_single => Some(list(one, Grade::Sure, String::new())),
        (_, [one]) if beside(one) && !is_single => Some(list(one, Grade::Sure, String::new())),
        ([one], _) if beside(one) => {
            Some(list(one, Grade::Likely, "it has parameters of a paging, and only one list".to_owned()))
        }
        // A record may have lists of its own: one that has no id, and is asked for by pages, is none.
        (_, [one]) if is_open && has_pages => {
            Some(list(one, Grade::Likely, format!("of the lists in the reply, its name says most: {}", one.pointer)))
        }
        _ if is_open && has_pages && has_signs && top.len() == 1 => top
            .first()
            .map(|one| list(one, Grade::Likely, format!("{} is the only list at the top of the reply", one.pointer))),
        ([_, ..], _) if has_pages && is_open => {
            let why = "the reply has several lists or none that stands out";
            return whole(envelope, Grade::Ask, why);
        }
        _ => None,
    };
    if let Some(found) = chosen {
        return found.with(envelope);
    }
    // One record in an envelope.
    let inner: Vec<&ReplyLeaf<'f>> =
        envelope.objects.iter().filter(|leaf| leaf.depth == 0 && !is_meta_object(&leaf.name)).collect();
    let inner_found = match inner.as_slice() {
        [one] if beside(one) && (RECORDS.contains(&one.name.as_str()) || is_noun(&one.name)) => Some(one),
        _ => None,
    };
    match inner_found {
        Some(one) => ReplyShape {
            items: one.pointer.clone(),
            element: Some(one.spot),
            is_required: one.is_required,
            ..bare("object", Grade::Sure, "")
        },
        None => whole(envelope, Grade::Sure, ""),
    }
}

fn is_meta_object(name: &str) -> bool {
    matches!(
        name,
        "meta" | "metadata" | "links" | "paging" | "pagination" | "pageinfo" | "error" | "errors" | "status" | "pager"
    )
}

impl<'f> ReplyShape<'f> {
    /// Says where its items are, which the document does not.
    pub(crate) fn say_items(&mut self, pointer: &str, why: String) {
        let list = self.envelope.lists.iter().find(|leaf| leaf.pointer == pointer);
        self.element = list.and_then(|leaf| leaf.end.get("items"));
        self.is_required = list.is_some_and(|leaf| leaf.is_required);
        (self.result, self.items, self.why, self.grade) = ("list", pointer.to_owned(), why, Grade::Likely);
    }

    fn with(self, envelope: Envelope<'f>) -> ReplyShape<'f> {
        ReplyShape { envelope, ..self }
    }
}

fn is_count(operation: &ApiOperation<'_>, own: &[(&str, Spot<'_>, bool)]) -> bool {
    let last = operation.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    matches!(own, [(name, spot, _)] if *name == "count" && matches!(kind(spot.doc), "integer" | "number"))
        && last.ends_with("count")
}

fn total(found: &ReplyShape<'_>, reply: &ApiReply<'_>) -> Option<Doc> {
    let scalars = &found.envelope.scalars;
    let named =
        |name: &str| scalars.iter().find(|leaf| leaf.name == name && (leaf.is_number() || leaf.kind().is_empty()));
    let links = ["next", "previous"].iter().all(|name| scalars.iter().any(|leaf| leaf.name == *name));
    let field = TOTALS.iter().find_map(|name| named(name)).or_else(|| named("count").filter(|_| links));
    if let Some(leaf) = field {
        return Some(Doc::Text(leaf.pointer.clone()));
    }
    let names = [
        "x-total-count",
        "x-total",
        "total-count",
        "x-wp-total",
        "x-pagination-total-count",
        "pagination-count",
        "x-total-results",
    ];
    let header = reply.headers.iter().find(|(name, _)| names.contains(&name.to_ascii_lowercase().as_str()));
    header.map(|(name, _)| Doc::of([("header", Doc::from(*name))]))
}

/// The media type that is sent: JSON, if there is a choice.
pub(crate) fn chosen<'o, 'f>(media: &'o [Media<'f>]) -> Option<&'o Media<'f>> {
    media
        .iter()
        .find(|media| media.kind == "application/json")
        .or_else(|| media.iter().find(|media| is_json(&media.kind)))
        .or_else(|| media.first())
}
