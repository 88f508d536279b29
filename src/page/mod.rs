//! From a reply to items. Pure; the single place where replies are normalized.
//!
//! Every shape of reply ends as items by one table, the same for every operation: arrays, envelopes, single objects, blank replies, counts,
//! reports, files, texts.

mod body;
mod file;
mod json;
mod rows;
mod scan;

pub use body::Body;
pub(crate) use rows::Rows;

use std::borrow::Cow;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::Value;

use crate::charset::{self, in_lower_case};
use crate::definition::{Operation, Paging, Pointer, ResultShape, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::paging;

/// A reply, unpacked.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: Body,
    /// Until the reply began; zero when that is not known.
    pub waited: Duration,
}

impl Response {
    /// A header as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// Media type without parameters, in lower case.
    pub(crate) fn media_type(&self) -> Cow<'_, str> {
        let field = self.header(&CONTENT_TYPE).unwrap_or_default();
        in_lower_case(field.split_once(';').map_or(field, |(kind, _)| kind).trim())
    }

    /// Whether the body is blank: nothing, a byte order mark, or white space only.
    pub(crate) fn is_blank(&self) -> bool {
        self.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&self.body).iter().all(u8::is_ascii_whitespace)
    }
}

/// One page of a walk.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its items.
    pub items: Items,
    /// Its number, from 1.
    pub number: u64,
    /// How many items the server says there are in all.
    pub total: Option<u64>,
    /// Bytes of the reply.
    pub bytes: u64,
    /// Until the reply began.
    pub(crate) waited: Duration,
    /// The headers that paging reads. No more is kept: a header holds on to the buffer that the reply was read into.
    headers: Vec<(HeaderName, String)>,
    pub(crate) signals: Vec<(Pointer, Value)>,
    links: Option<Vec<(String, String)>>,
    /// A Link header that cannot be read.
    unread_link: Option<String>,
    /// There was no body, or `null` alone.
    blank: bool,
    /// The items came as a list, were it an empty one.
    pub(crate) is_list: bool,
    /// Failures of items, which stand beside them.
    pub(crate) failures: Items,
}

impl Page {
    /// A value that the reply tells about paging; a header that is empty is none.
    pub(crate) fn signal(&self, source: &Source) -> Option<Value> {
        match source {
            Source::Body(pointer) => self.signals.iter().find(|(p, _)| p == pointer).map(|(_, v)| v.clone()),
            Source::Header(name) => {
                let (_, text) = self.headers.iter().find(|(n, _)| n == name)?;
                Some(match text.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    other => Value::from(other),
                })
            }
        }
    }

    /// The target of a link by relation type.
    pub(crate) fn link(&self, rel: &str) -> Option<&str> {
        self.links.iter().flatten().find(|(r, _)| r == rel).map(|(_, target)| target.as_str())
    }

    /// Whether the reply had a Link header at all, an empty one included.
    pub(crate) fn has_links(&self) -> bool {
        self.links.is_some()
    }

    /// The Link header, when it is there and cannot be read.
    pub(crate) fn unread_link(&self) -> Option<&str> {
        self.unread_link.as_deref()
    }

    /// Whether the reply had no body, or `null` alone.
    pub(crate) fn is_blank(&self) -> bool {
        self.blank
    }
}

/// Why a reply gives no page. What cannot be read may be a cut or a stand-in page, so a read is tried again; a wrong shape stays wrong.
#[derive(Debug)]
pub(crate) enum Unfit {
    Unreadable(Error, Around),
    Shape(Error),
    /// It is in another form than JSON, which another attempt will not change.
    Form(Error),
    /// It says itself that the call failed; the body, for its own words.
    Denied(Value),
}

/// The text on both sides of a place in a reply: enough to find a credential that lies across it.
#[derive(Debug, Default)]
pub(crate) struct Around {
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Bytes on each side.
const AROUND_MAX: usize = 8 << 10;

impl Around {
    fn new(text: &str, offset: usize) -> Around {
        let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let (from, at, to) = (
            boundary(offset.saturating_sub(AROUND_MAX)),
            boundary(offset),
            boundary(offset.saturating_add(AROUND_MAX)),
        );
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
        Around { before: part(from, at), after: part(at, to) }
    }
}

/// Reads a successful reply by the operation's rule.
///
/// # Errors
/// `bad_response` when the body is not what is declared, `limit` when it is nested too deeply or holds more than `items_max` items.
pub(crate) fn read(operation: &Operation, reply: &mut Response, items_max: usize) -> Result<Page, Unfit> {
    let bytes = reply.body.len() as u64;
    let rule = &operation.response;
    let (links, unread_link) = links(&reply.headers);
    let no_content = matches!(reply.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
    let blank = no_content || reply.is_blank();
    let mut page = Page { bytes, links, unread_link, blank, waited: reply.waited, ..Page::default() };
    if rule.result == ResultShape::File && !reply.body.is_empty() && !no_content {
        page.items = file::item(reply);
    } else if rule.result == ResultShape::Text && !blank {
        let (text, _) = charset::decode_labelled(reply).map_err(undecodable)?;
        page.items = Items::one(serde_json::json!({"contentType": reply.media_type(), "text": text}).to_string());
    } else if blank && !no_content && !rule.empty.contains(&reply.status.as_u16()) {
        json::judge_blank(operation)?;
    } else if !blank && rule.empty.iter().all(|s| *s != reply.status.as_u16()) {
        if is_binary(reply) {
            // Bytes that nobody declared are kept as a file, never turned into text.
            page.items = file::item(reply);
        } else {
            if let Some(form) = other_form(reply) {
                return Err(Unfit::Form(not_json(operation, form)));
            }
            let (text, rows) = charset::decode(reply).map_err(undecodable)?;
            json::read(operation, text, rows, items_max, &mut page)?;
        }
    }
    let told = told(operation).filter_map(|source| match source {
        Source::Header(name) => {
            Some((name.clone(), reply.header(name)?.trim().to_owned())).filter(|(_, text)| !text.is_empty())
        }
        Source::Body(_) => None,
    });
    page.headers = told.collect();
    if let Some(total) = &rule.total {
        page.total = page.signal(&total.at).as_ref().and_then(paging::count);
    }
    Ok(page)
}

/// Where a reply to an operation tells what paging needs: that of the keyset walk too, which a caller may choose.
fn told(operation: &Operation) -> impl Iterator<Item = &Source> {
    let steering = std::iter::once(&operation.paging).chain(&operation.forward_only).flat_map(Paging::steering);
    steering.chain(operation.response.total.as_ref().map(|total| &total.at))
}

fn undecodable(error: Error) -> Unfit {
    Unfit::Unreadable(error, Around::default())
}

/// The links of a reply, and the header itself when it cannot be read.
fn links(headers: &HeaderMap) -> (Option<Vec<(String, String)>>, Option<String>) {
    if !headers.contains_key(http::header::LINK) {
        return (None, None);
    }
    let fields = headers.get_all(http::header::LINK).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let (mut links, mut unread) = (Vec::new(), None);
    for field in fields {
        let (found, whole) = paging::parse_links(&field);
        links.extend(found.into_iter().map(|l| (l.rel, l.target)));
        if !whole {
            unread = Some(field);
        }
    }
    (Some(links), unread)
}

/// The name of a body's form, when it says that it is another one than JSON, and is.
pub(crate) fn other_form(reply: &Response) -> Option<&'static str> {
    let kind = reply.media_type();
    let body = reply.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&reply.body).trim_ascii_start();
    let (starts_as_xml, may_be_json) = (body.starts_with(b"<"), matches!(body.first(), Some(b'{' | b'[' | b'"')));
    match &*kind {
        "text/csv" | "application/csv" if !may_be_json => Some("CSV"),
        "text/tab-separated-values" if !may_be_json => Some("tab-separated values"),
        "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => None,
        kind if starts_as_xml && !kind.contains("html") && (kind.contains("xml") || body.starts_with(b"<?xml")) => {
            Some("XML")
        }
        _ => None,
    }
}

fn not_json(operation: &Operation, form: &str) -> Error {
    Error::new(ErrorKind::BadResponse, format!("the reply is {form}, not JSON")).advise(format!(
        "if the system can answer in JSON, ask for it in `headers` or an option of {}; `result: text` takes the reply as it is",
        operation.id
    ))
}

/// Whether a body that should be JSON is bytes: it says so, or begins as no JSON text can.
fn is_binary(reply: &Response) -> bool {
    let marked = [&b"\xEF\xBB\xBF"[..], b"\xFE\xFF", b"\xFF\xFE"].iter().any(|mark| reply.body.starts_with(mark));
    if marked || reply.body.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| b"{[\"-0123456789tfn".contains(b))
    {
        return false;
    }
    let kind = reply.media_type();
    let textual = kind.is_empty()
        || kind.contains("json")
        || kind.starts_with("text/")
        || kind.contains("xml")
        || kind.contains("javascript");
    let declared = kind.starts_with("image/")
        || kind == "application/pdf"
        || kind == "application/zip"
        || kind == "application/octet-stream";
    declared || (!textual && reply.body.starts_with(b"%PDF"))
}
