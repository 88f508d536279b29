//! A reply: status, headers and body, and its media type. Pure.

use std::borrow::Cow;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, StatusCode};

use super::body::Body;

/// A reply, decompressed.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: Body,
    /// Time until the reply started; zero if not known.
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

    /// Whether the body is blank: empty, a byte order mark, or only white space.
    pub(crate) fn is_blank(&self) -> bool {
        self.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&self.body).iter().all(u8::is_ascii_whitespace)
    }
}

/// The formats of bodies that media types name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyForm {
    Json,
    Csv,
    TabSeparated,
    Xml,
}

impl BodyForm {
    /// Its name in messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            BodyForm::Json => "JSON",
            BodyForm::Csv => "CSV",
            BodyForm::TabSeparated => "tab-separated values",
            BodyForm::Xml => "XML",
        }
    }
}

/// The format of a body, if it is declared as one, and begins like one. Lines of JSON have no form of their own.
pub(crate) fn declared_form(reply: &Response) -> Option<BodyForm> {
    let kind = reply.media_type();
    let body = reply.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&reply.body).trim_ascii_start();
    let (starts_as_xml, may_be_json) = (body.starts_with(b"<"), matches!(body.first(), Some(b'{' | b'[' | b'"')));
    match &*kind {
        "text/csv" | "application/csv" if !may_be_json => Some(BodyForm::Csv),
        "text/tab-separated-values" if !may_be_json => Some(BodyForm::TabSeparated),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => None,
        kind if starts_as_xml && !kind.contains("html") && (kind.contains("xml") || body.starts_with(b"<?xml")) => {
            Some(BodyForm::Xml)
        }
        kind if may_be_json && kind.contains("json") => Some(BodyForm::Json),
        _ => None,
    }
}

/// Whether a body that should be JSON is binary: it is declared so, or starts as no JSON text can.
pub(crate) fn is_binary(reply: &Response) -> bool {
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

/// A case-insensitive name; most are lower case already.
pub(crate) fn in_lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}
