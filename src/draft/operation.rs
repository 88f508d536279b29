//! An operation and its record, drafted from a request and its reply. Pure.

use http::HeaderMap;

use super::body::BodyDraft;
use super::items::{find, id_field};
use super::names::{SEARCHES, last_noun, title_of};
use super::paging::{ListSeen, PagingDraft, candidates, total};
use super::personal::{is_secret, sample};
use super::raw::RawRequest;
use super::shape::{RecordShape, kind_of_text};
use super::tree::{Tree, json};
use super::yaml::{comment, flow, key, scalar};
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};

/// A request and its reply.
pub(crate) struct Seen<'a> {
    pub(crate) request: &'a RawRequest,
    pub(crate) headers: &'a HeaderMap,
    /// The body as text; `None` if it is not text.
    pub(crate) body: Option<&'a str>,
    /// Whether the method was chosen by the user.
    pub(crate) is_method_chosen: bool,
}

/// The paging that was chosen.
#[derive(Clone, Debug)]
pub(crate) enum Chosen {
    /// The connector's own.
    Inherited,
    /// The connector has another one, or none.
    Own { paging: PagingDraft, why: String },
    /// No paging; `is_needed` if the connector has one that does not fit.
    None { why: String, is_needed: bool },
}

/// The record of an operation.
#[derive(Clone, Debug)]
pub(crate) enum RecordChoice {
    New(String),
    Existing(String),
    None,
}

impl RecordChoice {
    fn name(&self) -> Option<&str> {
        match self {
            RecordChoice::New(name) | RecordChoice::Existing(name) => Some(name),
            RecordChoice::None => None,
        }
    }
}

/// What is known of an operation.
pub(crate) struct Draft {
    request: RawRequest,
    body: BodyDraft,
    result: &'static str,
    pointer: String,
    why: String,
    is_method_chosen: bool,
    /// Another format than JSON.
    format: Option<&'static str>,
    shape: RecordShape,
    sample: Option<(Tree, bool)>,
    pub(crate) rows: usize,
    /// The field that identifies the items, and its value in the first.
    pub(crate) id: Option<(String, String)>,
    pub(crate) total: Option<(String, u64)>,
    pub(crate) candidates: Vec<PagingDraft>,
}

impl Draft {
    /// Reads what was seen.
    ///
    /// # Errors
    /// `unsupported` when this version of the format cannot describe the request.
    pub(crate) fn read(seen: &Seen<'_>) -> Result<Draft> {
        let mut request = seen.request.clone();
        if !seen.is_method_chosen && is_search(&request) {
            request.method = Method::Query;
        }
        let body = BodyDraft::of(request.body.as_ref());
        refuse(&body)?;
        let text = seen.body.unwrap_or_default();
        let tree = Tree::read(text).filter(|tree| !matches!(tree, Tree::Scalar(_)));
        let Some(tree) = tree else {
            refuse_reply(seen)?;
            return Ok(Draft::without_items(request, body, seen));
        };
        let found = find(&tree, &request.path);
        let objects: Vec<&Tree> = found.rows.iter().copied().filter(|row| row.is_object()).collect();
        let is_query = request.method == Method::Query;
        let total = if found.is_list && is_query { total(seen.headers, &tree, found.rows.len()) } else { None };
        let pages = ListSeen {
            request: &request,
            headers: seen.headers,
            body: &tree,
            rows: found.rows.len(),
            total: total.as_ref().map(|(_, n)| *n),
            place: if matches!(body, BodyDraft::Object(_)) { "body" } else { "query" },
            given: body.parameters().unwrap_or_else(|| request.query.clone()),
            known: None,
        };
        let candidates = if found.is_list && is_query { candidates(&pages) } else { Vec::new() };
        let id = id_field(&objects, &request.path).and_then(|name| {
            let value = objects.first()?.get(&name)?;
            let text = value.text().or_else(|| value.whole().map(|n| n.to_string()))?;
            Some((name, text))
        });
        Ok(Draft {
            result: if found.is_list { "list" } else { "object" },
            pointer: found.pointer.clone(),
            why: found.why.clone(),
            is_method_chosen: seen.is_method_chosen,
            format: None,
            shape: RecordShape::of(objects.iter().copied()),
            sample: objects.first().map(|row| sample(row)),
            rows: found.rows.len(),
            id,
            total,
            candidates,
            request,
            body,
        })
    }

    /// A reply without JSON records.
    fn without_items(request: RawRequest, body: BodyDraft, seen: &Seen<'_>) -> Draft {
        let format = seen.body.filter(|text| !text.is_empty()).and_then(|_| format_of(seen.headers));
        let (result, why) = match seen.body {
            Some(_) if format.is_some() && request.method == Method::Query => {
                ("list", "the media type of the reply tells")
            }
            Some("") => ("none", "the reply had no body"),
            Some(_) => ("text", "the reply is text, not JSON"),
            None => ("file", "the reply is not text"),
        };
        Draft {
            request,
            body,
            result,
            pointer: String::new(),
            why: why.to_owned(),
            is_method_chosen: seen.is_method_chosen,
            format: format.filter(|_| result == "list"),
            shape: RecordShape::default(),
            sample: None,
            rows: 0,
            id: None,
            total: None,
            candidates: Vec::new(),
        }
    }

    pub(crate) fn method(&self) -> Method {
        self.request.method
    }

    pub(crate) fn is_list(&self) -> bool {
        self.result == "list"
    }

    pub(crate) fn has_record(&self) -> bool {
        self.sample.is_some()
    }

    /// The names of the fields of the record.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.shape.names()
    }

    /// The entry of the record, indented by two.
    pub(crate) fn record(&self, name: &str) -> String {
        let rows = if self.rows == 1 { "1 row that was".to_owned() } else { format!("{} rows that were", self.rows) };
        let mut out = format!("  {name}:\n    # guessed: the fields and types of the {rows} seen\n    schema:\n");
        out.push_str(&self.shape.block(6));
        if let Some((tree, replaced)) = &self.sample {
            let note = if *replaced { "  # values that look secret or personal are replaced" } else { "" };
            out.push_str(&format!("    sample:{note}\n"));
            match tree.fields() {
                [] => out.push_str("      {}\n"),
                fields => {
                    fields.iter().for_each(|(n, v)| out.push_str(&format!("      {}: {}\n", key(n), flow(v))));
                }
            }
        }
        out
    }

    /// The entry of the operation, indented by two.
    pub(crate) fn operation(&self, id: &str, title: Option<&str>, record: &RecordChoice, chosen: &Chosen) -> String {
        let request = &self.request;
        let title = match title {
            Some(title) => scalar(title),
            None => format!("{}  # guessed: the words of the id", scalar(&title_of(id))),
        };
        let mut out = format!("  {id}:\n    title: {title}\n");
        out.push_str(&format!("    method: {}{}\n", request.method, self.method_note()));
        out.push_str(&format!("    request: {}\n", scalar_line(&format!("{} {}", request.verb, request.path))));
        self.put_body_kind(&mut out);
        let paging: &[String] = match chosen {
            Chosen::Own { paging, .. } => &paging.parameters,
            Chosen::Inherited | Chosen::None { .. } => &[],
        };
        let size = match chosen {
            Chosen::Own { paging, .. } => paging.size.as_ref().map(|(name, _)| name.as_str()),
            Chosen::Inherited | Chosen::None { .. } => None,
        };
        let options = self.options(&|name| paging.iter().any(|p| p == name) || size == Some(name));
        if !options.is_empty() {
            out.push_str("    options:\n");
            options.iter().for_each(|line| out.push_str(&format!("      {line}\n")));
        }
        self.put_items(&mut out, record);
        self.put_response(&mut out, record);
        match chosen {
            Chosen::Inherited => out.push_str("    # paging: that of the connector\n"),
            Chosen::Own { paging, why } => {
                out.push_str(&format!("    # guessed: {}; {}\n", comment(&paging.why), comment(why)));
                out.push_str(&format!("    paging: {}\n", paging.yaml));
            }
            Chosen::None { why, is_needed: true } => out.push_str(&format!("    paging: none  # {}\n", comment(why))),
            Chosen::None { why, is_needed: false } if self.is_list() && request.method == Method::Query => {
                out.push_str(&format!("    # no paging: {}\n", comment(why)));
            }
            Chosen::None { .. } => {}
        }
        out
    }

    fn method_note(&self) -> &'static str {
        let verb = self.request.verb.as_str();
        match self.request.method {
            Method::Query if verb == "POST" && !self.is_method_chosen => "  # guessed: this POST only searches",
            Method::Query | Method::Mutate | Method::Delete => "",
        }
    }

    /// The format of the body, unless the items of a write say it.
    fn put_body_kind(&self, out: &mut String) {
        if self.body.has_lists() {
            out.push_str("    body: { form: { lists: repeat } }  # guessed: a name was sent several times\n");
        } else if matches!(self.body, BodyDraft::Form(_)) && self.request.method == Method::Query {
            out.push_str("    body: form\n");
        }
    }

    /// The lines of the options, without the parameters of the paging.
    fn options(&self, is_paging: &dyn Fn(&str) -> bool) -> Vec<String> {
        let request = &self.request;
        let mut lines = Vec::new();
        for (name, value) in &request.in_path {
            let kind = kind_of_text(value);
            lines.push(format!("{}: {{ type: {kind} }}  # guessed: {name}={}", key(name), comment(value)));
        }
        for (name, values) in request.query_lists() {
            if is_paging(name) {
                continue;
            }
            let kinds: Vec<&str> = values.iter().map(|value| kind_of_text(value)).collect();
            let kind = kinds.first().copied().filter(|first| kinds.iter().all(|k| k == first)).unwrap_or("string");
            let secret = if values.iter().any(|value| is_secret(name, value)) { ", secret: true" } else { "" };
            let rule = match values.len() {
                1 => format!("type: {kind}{secret}"),
                _ => format!("type: array, items: {{ type: {kind} }}, style: repeat{secret}"),
            };
            lines.push(format!("{}: {{ {rule} }}", key(name)));
        }
        for (name, value) in &request.headers {
            let rule = match is_secret(name, value) {
                true => "secret: true".to_owned(),
                false => format!("preset: {}", serde_json::Value::from(value.as_str())),
            };
            lines.push(format!("{}: {{ in: header, type: string, {rule} }}", key(name)));
        }
        match &self.body {
            BodyDraft::Object(tree) | BodyDraft::Form(tree) if request.method == Method::Query => {
                for (name, value) in tree.fields().iter().filter(|(name, _)| !is_paging(name)) {
                    lines.push(format!("{}: {{ in: body, {} }}", key(name), kind_of_value(value)));
                }
            }
            BodyDraft::Object(_) | BodyDraft::Form(_) | BodyDraft::List(_) | BodyDraft::None | BodyDraft::Other => {}
        }
        lines
    }

    fn put_items(&self, out: &mut String, record: &RecordChoice) {
        let (Some(shape), Some(first)) = (self.body.shape(), self.body.first()) else { return };
        if self.request.method == Method::Query {
            return;
        }
        let send = match &self.body {
            BodyDraft::List(_) => "all",
            BodyDraft::Form(_) => "form",
            BodyDraft::Object(_) | BodyDraft::None | BodyDraft::Other => "each",
        };
        out.push_str(&format!("    items:\n      send: {send}\n"));
        let fits = shape.names().all(|name| self.shape.has(name));
        match record.name().filter(|_| fits && self.has_record()) {
            Some(name) => out.push_str(&format!("      record: {name}  # guessed: it has the fields that were sent\n")),
            None => {
                out.push_str("      # guessed: the fields that were sent\n      schema:\n");
                out.push_str(&shape.block(8));
            }
        }
        out.push_str(&format!("      sample: {}\n", flow(&sample(first).0)));
    }

    fn put_response(&self, out: &mut String, record: &RecordChoice) {
        out.push_str(&format!("    response:\n      result: {}  # guessed: {}\n", self.result, comment(&self.why)));
        if let Some(format) = self.format {
            out.push_str(&format!("      format: {format}\n"));
        }
        if !self.pointer.is_empty() {
            out.push_str(&format!("      items: {}\n", scalar(&self.pointer)));
        }
        if let Some((place, n)) = &self.total {
            out.push_str(&format!(
                "      total: {place}  # guessed: it was {n}, and the page has {} items\n",
                self.rows
            ));
        }
        if let Some(name) = record.name().filter(|_| self.has_record()) {
            let id = self.id.as_ref().map(|(id, _)| format!("  # {} identifies each", comment(id))).unwrap_or_default();
            out.push_str(&format!("      record: {name}{}\n", if self.is_list() { id } else { String::new() }));
        }
    }

    /// The options to set for the same call again, as `name=value`, without those of the paging.
    pub(crate) fn settings(&self, chosen: &Chosen) -> Vec<String> {
        let own = |name: &str| match chosen {
            Chosen::Own { paging, .. } => {
                paging.parameters.iter().any(|p| p == name) || paging.size.as_ref().is_some_and(|(n, _)| n == name)
            }
            Chosen::Inherited | Chosen::None { .. } => false,
        };
        let request = &self.request;
        // Headers have presets.
        let pairs = request.in_path.iter().chain(&request.query);
        let mut all: Vec<String> =
            pairs.filter(|(name, _)| !own(name)).map(|(name, value)| format!("{name}={value}")).collect();
        match &self.body {
            BodyDraft::Object(tree) | BodyDraft::Form(tree) if request.method == Method::Query => {
                let pair = |(name, value): &(String, Tree)| match value.text() {
                    Some(text) => format!("{name}={text}"),
                    None => format!("{name}={}", json(value)),
                };
                all.extend(tree.fields().iter().filter(|(name, _)| !own(name)).map(pair));
            }
            BodyDraft::Object(_) | BodyDraft::Form(_) | BodyDraft::List(_) | BodyDraft::None | BodyDraft::Other => {}
        }
        all
    }

    /// The items that were sent, as a sample.
    pub(crate) fn sample_items(&self) -> String {
        let clean = |tree: &Tree| json(&sample(tree).0);
        match &self.body {
            BodyDraft::List(list) => format!("[{}]", list.iter().map(clean).collect::<Vec<_>>().join(",")),
            body => body.first().map(clean).unwrap_or_default(),
        }
    }

    /// Whether the operation takes items.
    pub(crate) fn takes_items(&self) -> bool {
        self.request.method != Method::Query && self.body.first().is_some()
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

/// Refuses a reply from which no operation should be made.
fn refuse_reply(seen: &Seen<'_>) -> Result<()> {
    let kind = media_type(seen.headers).unwrap_or_default();
    let text = seen.body.filter(|text| !text.trim().is_empty());
    let is_json = text.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    let lines = kind.contains("ndjson") || kind.contains("jsonl");
    let message = match text {
        Some(_) if kind.contains("html") => "the reply is an HTML page, not data",
        Some(_) if kind.contains("json") && !lines && !is_json => "the reply says that it is JSON, and is not",
        Some(_) | None => return Ok(()),
    };
    Err(Error::new(ErrorKind::BadResponse, message).advise(
        "nothing was saved; correct the path, the parameters or the sign-in, and look at the reply without --save-as",
    ))
}

/// The format of a reply whose rows are items, by its media type. XML needs a pointer to its items, which a person chooses.
fn format_of(headers: &HeaderMap) -> Option<&'static str> {
    let kind = media_type(headers)?;
    match kind.as_str() {
        "text/csv" | "application/csv" => Some("csv"),
        "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => Some("ndjson"),
        _ => None,
    }
}

/// Whether a POST only searches, by the last word of its path.
fn is_search(request: &RawRequest) -> bool {
    let last = last_noun(&request.path).map(str::to_lowercase).unwrap_or_default();
    request.verb == http::Method::POST
        && SEARCHES.iter().any(|word| last == *word || last.ends_with(&format!("_{word}")))
}

fn refuse(body: &BodyDraft) -> Result<()> {
    match body {
        BodyDraft::Other => Err(Error::new(
            ErrorKind::Unsupported,
            "only a JSON object, a JSON list of objects or a form can be saved as an operation's body",
        )
        .advise("the call itself works without --save-as")),
        BodyDraft::None | BodyDraft::Object(_) | BodyDraft::List(_) | BodyDraft::Form(_) => Ok(()),
    }
}

/// A request line as a plain scalar; braces are no flow style inside one.
fn scalar_line(line: &str) -> String {
    let is_plain = line.chars().all(|c| c.is_ascii_alphanumeric() || "_-./{}~$@!*+,;=()".contains(c) || c == ' ');
    if is_plain { line.to_owned() } else { serde_json::Value::from(line).to_string() }
}

fn kind_of_value(value: &Tree) -> &'static str {
    match value {
        Tree::Object(_) => "type: object",
        Tree::Array(_) => "type: array",
        Tree::Scalar(_) if value.text().is_some() => "type: string",
        Tree::Scalar(_) if value.whole().is_some() => "type: integer",
        Tree::Scalar(_) if value.flag().is_some() => "type: boolean",
        Tree::Scalar(_) if value.is_null() => "type: [string, \"null\"]",
        Tree::Scalar(_) => "type: number",
    }
}
