//! Converts a reply to items. Pure; the only place where replies are normalized.
//!
//! Every kind of reply becomes items by one table for all operations: arrays, envelopes, single objects, blank replies,
//! counts, reports, files, texts.

mod attach;
mod file;
mod held;
mod item_text;
mod json;
mod key_tree;
mod lists;
mod model;
mod report;

pub use model::Page;
pub(crate) use model::{Around, PageLimits, Unfit, count};

use http::{HeaderMap, StatusCode};

use crate::authoring::Source;
use crate::definition::{Operation, ResponseRule, ResultShape};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::json_text::text_of;
use crate::reply::{Response, charset, is_binary, other_form, parse_links};

/// Reads a successful reply by the operation's rule.
///
/// # Errors
/// `bad_response` when the body is not as declared, `limit` when it is nested too deeply or contains more than
/// `limits.items` items.
pub(crate) fn read(operation: &Operation, reply: &mut Response, limits: PageLimits) -> Result<Page, Unfit> {
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
            // Undeclared bytes are kept as a file, never converted to text.
            page.items = file::item(reply);
        } else {
            if let Some(form) = other_form(reply) {
                return Err(Unfit::Form(not_json(operation, form)));
            }
            let (text, rows) = charset::decode(reply).map_err(undecodable)?;
            json::read(operation, text, rows, limits, &mut page)?;
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

fn not_json(operation: &Operation, form: &str) -> Error {
    Error::new(ErrorKind::BadResponse, format!("the reply is {form}, not JSON")).advise(format!(
        "if the system can answer in JSON, ask for it in `headers` or an option of {}; `result: text` takes the reply as it is",
        operation.id
    ))
}
