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
use crate::definition::{Operation, Pointer, ResultShape, Source};
use crate::error::{Error, Result};
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
}

impl Page {
    /// A value that the reply tells about paging.
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
}

/// Why a reply gives no page. What cannot be read may be a cut or a stand-in page, so a read is tried again; a wrong shape stays wrong.
#[derive(Debug)]
pub(crate) enum Unfit {
    Unreadable(Error, Around),
    Shape(Error),
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
        let (from, at, to) = (boundary(offset.saturating_sub(AROUND_MAX)), boundary(offset), boundary(offset.saturating_add(AROUND_MAX)));
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
        Around { before: part(from, at), after: part(at, to) }
    }
}

/// Reads a successful reply by the operation's rule.
///
/// # Errors
/// `bad_response` when the body is not what is declared, `limit` when it is nested too deeply or holds more than `items_max` items.
pub(crate) fn read(operation: &Operation, mut reply: Response, items_max: usize) -> Result<Page, Unfit> {
    let bytes = reply.body.len() as u64;
    let rule = &operation.response;
    let links = links(&reply.headers);
    let mut page = Page { bytes, links, waited: reply.waited, ..Page::default() };
    let no_content = matches!(reply.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
    if rule.result == ResultShape::File && !reply.body.is_empty() && !no_content {
        page.items = file::item(&reply);
    } else if rule.result == ResultShape::Text && !reply.is_blank() {
        let (text, _) = charset::decode(&mut reply).map_err(undecodable)?;
        page.items = Items::one(serde_json::json!({"contentType": reply.media_type(), "text": text}).to_string());
    } else if !no_content && !reply.is_blank() && rule.empty.iter().all(|s| *s != reply.status.as_u16()) {
        if is_binary(&reply) {
            // Bytes that nobody declared are kept as a file, never turned into text.
            page.items = file::item(&reply);
        } else {
            let (text, rows) = charset::decode(&mut reply).map_err(undecodable)?;
            json::read(operation, text, rows, items_max, &mut page)?;
        }
    }
    let told = paging::sources(&operation.paging).into_iter().filter_map(|source| match source {
        Source::Header(name) => Some((name.clone(), reply.header(name)?.trim().to_owned())),
        Source::Body(_) => None,
    });
    page.headers = told.collect();
    if let Some(source) = paging::total(&operation.paging) {
        page.total = page.signal(source).as_ref().and_then(count);
    }
    if let Some(pointer) = &rule.total {
        page.total = page.signals.iter().find(|(p, _)| p == pointer).and_then(|(_, v)| count(v)).or(page.total);
    }
    Ok(page)
}

fn undecodable(error: Error) -> Unfit {
    Unfit::Unreadable(error, Around::default())
}

/// A count as a hint: text is read, negative and broken numbers are not there.
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|t| t.trim().parse().ok()))
}

fn links(headers: &HeaderMap) -> Option<Vec<(String, String)>> {
    if !headers.contains_key(http::header::LINK) {
        return None;
    }
    let fields = headers.get_all(http::header::LINK).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    Some(fields.flat_map(|f| paging::parse_links(&f)).map(|l| (l.rel, l.target)).collect())
}

/// Whether a body that should be JSON is bytes: it says so, or begins as no JSON text can.
fn is_binary(reply: &Response) -> bool {
    let marked = [&b"\xEF\xBB\xBF"[..], b"\xFE\xFF", b"\xFF\xFE"].iter().any(|mark| reply.body.starts_with(mark));
    if marked || reply.body.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| b"{[\"-0123456789tfn".contains(b)) {
        return false;
    }
    let kind = reply.media_type();
    let textual =
        kind.is_empty() || kind.contains("json") || kind.starts_with("text/") || kind.contains("xml") || kind.contains("javascript");
    let declared =
        kind.starts_with("image/") || kind == "application/pdf" || kind == "application/zip" || kind == "application/octet-stream";
    declared || (!textual && reply.body.starts_with(b"%PDF"))
}
