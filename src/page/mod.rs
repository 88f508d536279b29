//! Converts a reply to items. Pure; the only place where replies are normalized.
//!
//! Every kind of reply becomes items by one table for all operations: arrays, envelopes, single objects, blank replies,
//! counts, reports, files, texts.

mod attach;
mod csv_rows;
mod faults;
mod file;
mod held;
mod item_text;
mod json;
mod key_tree;
mod lists;
mod model;
mod ndjson;
mod report;
#[cfg(feature = "xml")]
mod xml;

pub(crate) use csv_rows::first_row;
pub(crate) use file::{file_name, safe_name};
pub use model::Page;
pub(crate) use model::{Around, PageLimits, Unfit, count};

use http::{HeaderMap, StatusCode};

use crate::authoring::Source;
use crate::definition::{Operation, ReplyFormat, ResponseRule, ResultShape};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::json_text::text_of;
#[cfg(feature = "xml")]
use crate::reply::FoundRows;
use crate::reply::{BodyForm, Response, charset, declared_form, is_binary, json_of, parse_links};

/// Reads a successful reply by the operation's rule.
///
/// # Errors
/// `bad_response` when the body is not as declared, `limit` when it is nested too deeply or contains more than
/// `limits.items` items.
pub(crate) fn read(operation: &Operation, reply: &mut Response, limits: PageLimits) -> Result<Page, Unfit> {
    let bytes = reply.body.size();
    let rule = &operation.response;
    let (links, unread_link) = links(&reply.headers);
    let no_content = matches!(reply.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
    let blank = no_content || reply.is_blank();
    let mut page = Page { bytes, links, unread_link, blank, waited: reply.waited, ..Page::default() };
    if is_file(operation, reply) {
        page.items = file::item(reply);
    } else if rule.result == ResultShape::Text && !blank {
        let (text, _) = charset::decode_labelled(reply).map_err(undecodable)?;
        page.items = Items::one(serde_json::json!({"contentType": reply.media_type(), "text": text}).to_string());
    } else if blank && !no_content && !rule.empty.contains(&reply.status.as_u16()) {
        json::judge_blank(operation)?;
    } else if !blank && rule.empty.iter().all(|s| *s != reply.status.as_u16()) {
        if matches!(rule.format, ReplyFormat::Json) && is_binary(reply) {
            // Undeclared bytes are kept as a file, never converted to text.
            page.items = file::item(reply);
        } else {
            check_form(operation, reply)?;
            body(operation, reply, limits, &mut page)?;
        }
    }
    let told = model::told(operation).filter_map(|source| match source {
        Source::Header(name) => {
            Some((name.clone(), reply.header(name)?.trim().to_owned())).filter(|(_, text)| !text.is_empty())
        }
        Source::Body(_) => None,
    });
    page.headers = told.collect();
    keep_headers(rule, reply, &mut page);
    if let Some(total) = &rule.total {
        page.total = page.signal(&total.at).as_ref().and_then(count);
    }
    Ok(page)
}

/// Whether a successful reply is a file, which may be empty: not one that says that there is none.
pub(crate) fn is_file(operation: &Operation, reply: &Response) -> bool {
    let rule = &operation.response;
    let is_none = matches!(reply.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
        || rule.empty.contains(&reply.status.as_u16());
    rule.result == ResultShape::File && !is_none
}

/// The headers that the definition keeps; an empty one is absent.
fn keep_headers(rule: &ResponseRule, reply: &Response, page: &mut Page) {
    for (name, source) in &rule.keep {
        let Source::Header(header) = source else { continue };
        if let Some(text) = reply.header(header).map(str::trim).filter(|text| !text.is_empty()) {
            page.kept.put(name, &text_of(text));
        }
    }
}

fn undecodable(error: Error) -> Unfit {
    Unfit::Unreadable(error, Around::default())
}

/// The links of a reply, and the header itself if it cannot be read.
fn links(headers: &HeaderMap) -> (Option<Vec<(String, String)>>, Option<String>) {
    if !headers.contains_key(http::header::LINK) {
        return (None, None);
    }
    let fields = headers.get_all(http::header::LINK).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let (mut links, mut unread) = (Vec::new(), None);
    for field in fields {
        let (found, whole) = parse_links(&field);
        links.extend(found.into_iter().map(|l| (l.rel, l.target)));
        if !whole {
            unread = Some(field);
        }
    }
    (Some(links), unread)
}

/// Reads a body in the declared format.
fn body(operation: &Operation, reply: &mut Response, limits: PageLimits, page: &mut Page) -> Result<(), Unfit> {
    match &operation.response.format {
        ReplyFormat::Json => {
            let (text, rows) = charset::decode(reply).map_err(undecodable)?;
            json::read(operation, text, rows, limits, (reply.status, &reply.headers), page)
        }
        ReplyFormat::Ndjson => {
            let (text, _) = charset::decode(reply).map_err(undecodable)?;
            ndjson::read(text, limits, page)
        }
        ReplyFormat::Csv(rule) => {
            let (text, _) = charset::decode_labelled(reply).map_err(undecodable)?;
            csv_rows::read(rule, (&text, declared_form(reply).is_some()), limits, page)
        }
        #[cfg(feature = "xml")]
        ReplyFormat::Xml => {
            let text = charset::decode_xml(reply).map_err(undecodable)?;
            let text = xml::to_json(&text, limits)?;
            json::read(operation, text, FoundRows::default(), limits, (reply.status, &reply.headers), page)
        }
        #[cfg(not(feature = "xml"))]
        ReplyFormat::Xml => Err(Unfit::Shape(Error::new(ErrorKind::Unsupported, "this build cannot read XML"))),
    }
}

/// What a body says beside items, such as an error or the state of a job: JSON, or XML as `format: xml` reads it,
/// whatever the format of the items is. A web page says nothing.
pub(crate) fn tree_of(reply: &Response) -> Option<serde_json::Value> {
    json_of(reply).or_else(|| xml_of(reply))
}

#[cfg(feature = "xml")]
fn xml_of(reply: &Response) -> Option<serde_json::Value> {
    // Markup without a declaration or label may be a piece of a web page.
    if !reply.media_type().contains("xml") && !reply.body.trim_ascii_start().starts_with(b"<?xml") {
        return None;
    }
    let text = charset::decode_xml(&mut reply.clone()).ok()?;
    let text = xml::to_json(&text, PageLimits { items: usize::MAX, bytes: text.len() }).ok()?;
    let tree: serde_json::Value = serde_json::from_str(&text).ok()?;
    tree.get("html").is_none().then_some(tree)
}

#[cfg(not(feature = "xml"))]
fn xml_of(_: &Response) -> Option<serde_json::Value> {
    None
}

/// Maximum bytes of a body that may report a failure instead of what was asked for.
const FAILURE_MAX: usize = 1 << 20;

/// Refuses a body that is declared as another format than the operation reads, and is.
fn check_form(operation: &Operation, reply: &Response) -> Result<(), Unfit> {
    let Some(form) = declared_form(reply) else { return Ok(()) };
    let fits = match &operation.response.format {
        ReplyFormat::Json => form == BodyForm::Json,
        // Lines of objects are often labelled as JSON.
        ReplyFormat::Ndjson => form == BodyForm::Json && !reply.body.trim_ascii_start().starts_with(b"["),
        ReplyFormat::Csv(rule) => form == if rule.separator == b'\t' { BodyForm::TabSeparated } else { BodyForm::Csv },
        ReplyFormat::Xml => form == BodyForm::Xml,
    };
    // Some systems report a failure in JSON, whatever they were asked for.
    if form == BodyForm::Json
        && !matches!(operation.response.format, ReplyFormat::Json)
        && reply.body.len() <= FAILURE_MAX
        && let Ok((text, _)) = charset::decode(&mut reply.clone())
        && let Some(body) = json::failure(operation, &text, (reply.status, &reply.headers))
    {
        return Err(Unfit::Denied(body));
    }
    if fits {
        return Ok(());
    }
    Err(Unfit::Form(other_form(operation, form)))
}

fn other_form(operation: &Operation, form: BodyForm) -> Error {
    let (declared, found) = (operation.response.format.name(), form.name());
    let error = Error::new(ErrorKind::BadResponse, format!("the reply is {found}, not {declared}"));
    error.advise(match form {
        BodyForm::Json => format!("if the system always answers in JSON, remove `format` from {}", operation.id),
        BodyForm::Csv | BodyForm::TabSeparated | BodyForm::Xml => format!(
            "if the system can answer in {declared}, ask for it in `headers` or an option of {}; `format: csv` and `format: xml` read these formats, `result: text` takes the reply as it is",
            operation.id
        ),
    })
}
