//! The file of one exchange: YAML that a person can read and edit. Secrets are masked in it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::Response;
use crate::authoring::{Document, to_yaml};
use crate::cli::new_files;
use crate::cli::screen::json;
use crate::error::{Error, ErrorKind, Result};
use crate::exchanges::{Exchange, MessageBody, ShownMessage};
use crate::text_file::read_text;
use crate::transport::{Failure, FailureKind};

/// Larger files are no recorded exchanges.
const BYTES_MAX: u64 = 256 << 20;

/// One exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExchangeFile {
    /// Verb and URL.
    pub(super) request: String,
    /// A request of the sign-in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) sign_in: bool,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub(super) request_headers: IndexMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request_body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request_body_base64: Option<String>,
    /// Status of the reply; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub(super) headers: IndexMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body_base64: Option<String>,
    /// Why there is no reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<FailureFile>,
}

/// A missing reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailureFile {
    /// Whether nothing was sent, it broke after sending, or it took too long.
    pub(super) kind: FailureName,
    pub(super) message: String,
}

/// Kinds of missing replies, as far as they decide about retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailureName {
    NotSent,
    Refused,
    Broken,
    TimedOut,
    TooLarge,
    Encoding,
}

/// Headers that differ in every exchange and decide nothing.
const LEFT_OUT: [&str; 8] =
    ["connection", "content-length", "date", "keep-alive", "server", "traceparent", "tracestate", "transfer-encoding"];

fn name_of(kind: FailureKind) -> FailureName {
    match kind {
        FailureKind::NotSent => FailureName::NotSent,
        FailureKind::Unprocessed | FailureKind::Broken => FailureName::Broken,
        FailureKind::Refused | FailureKind::Untrusted | FailureKind::Private | FailureKind::Proxy => {
            FailureName::Refused
        }
        FailureKind::TimedOut => FailureName::TimedOut,
        FailureKind::TooLarge => FailureName::TooLarge,
        FailureKind::Encoding | FailureKind::Unsaved => FailureName::Encoding,
    }
}

fn kind_of(name: FailureName) -> FailureKind {
    match name {
        FailureName::NotSent => FailureKind::NotSent,
        FailureName::Refused => FailureKind::Refused,
        FailureName::Broken => FailureKind::Broken,
        FailureName::TimedOut => FailureKind::TimedOut,
        FailureName::TooLarge => FailureKind::TooLarge,
        FailureName::Encoding => FailureKind::Encoding,
    }
}

/// The headers that are kept; several with one name are one list.
fn headers(message: &ShownMessage) -> IndexMap<String, String> {
    let mut map: IndexMap<String, String> = IndexMap::new();
    for (name, value) in message.headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())) {
        map.entry(name.clone()).and_modify(|all| all.push_str(&format!(", {value}"))).or_insert_with(|| value.clone());
    }
    map
}

/// Text, and base64 of what is no text. JSON is indented.
fn body(message: &ShownMessage) -> (Option<String>, Option<String>) {
    match &message.body {
        MessageBody::Empty => (None, None),
        MessageBody::Text(text) => (Some(json::pretty(text)), None),
        MessageBody::Bytes(bytes) => (None, Some(STANDARD.encode(bytes))),
    }
}

impl ExchangeFile {
    pub(super) fn of(exchange: &Exchange) -> ExchangeFile {
        let sent = exchange.sent();
        let (request_body, request_body_base64) = body(&sent);
        let mut file = ExchangeFile {
            request: sent.start.clone(),
            sign_in: exchange.is_sign_in,
            request_headers: headers(&sent),
            request_body,
            request_body_base64,
            ..ExchangeFile::default()
        };
        match exchange.received() {
            Ok(reply) => {
                file.status = exchange.outcome.as_ref().ok().map(|reply| reply.status.as_u16());
                file.headers = headers(&reply);
                (file.body, file.body_base64) = body(&reply);
            }
            Err(failure) => {
                file.failure = Some(FailureFile { kind: name_of(failure.kind), message: failure.message });
            }
        }
        file
    }

    pub(super) fn to_text(&self) -> Result<String> {
        to_yaml(self)
    }

    pub(super) fn read(path: &Path) -> Result<ExchangeFile> {
        let shown = path.display().to_string();
        let text = read_text(path, BYTES_MAX)
            .map_err(|why| Error::new(ErrorKind::State, format!("{shown} cannot be read: {why}")))?;
        let doc = Document::parse(&shown, &text, 0)?;
        doc.read().map_err(|e| {
            Error::new(ErrorKind::Definition, format!("{shown} is no recorded exchange: {e}")).at(doc.place(""))
        })
    }

    /// The recorded reply.
    pub(super) fn reply(&self) -> Result<Response, Failure> {
        if let Some(failure) = &self.failure {
            return Err(Failure { kind: kind_of(failure.kind), message: failure.message.clone(), status: None });
        }
        let body = match (&self.body, &self.body_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(code)) => STANDARD.decode(code).unwrap_or_default(),
            (None, None) => Vec::new(),
        };
        let mut reply = Response {
            status: self.status.and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or_default(),
            body: body.into(),
            ..Response::default()
        };
        for (name, value) in &self.headers {
            // The body was decoded when it was recorded.
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                reply.headers.insert(name, value);
            }
        }
        reply.headers.remove(http::header::CONTENT_ENCODING);
        Ok(reply)
    }

    /// The same exchange with another host, whose addresses in the reply are changed.
    pub(super) fn moved(&self, from: &str, to: &str) -> ExchangeFile {
        if from.is_empty() || from == to {
            return self.clone();
        }
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.replace(from, to)));
        let body = self.body.as_ref().map(|text| text.replace(from, to));
        ExchangeFile { headers: headers.collect(), body, ..self.clone() }
    }

    /// The recorded body of the request.
    pub(super) fn sent(&self) -> Bytes {
        match (&self.request_body, &self.request_body_base64) {
            (Some(text), _) => text.clone().into(),
            (None, Some(code)) => STANDARD.decode(code).unwrap_or_default().into(),
            (None, None) => Bytes::new(),
        }
    }
}

/// The files of the exchanges of a folder, in order.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(new_files::failed(folder, "read", &cause)),
    };
    let is_exchange = |path: &PathBuf| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.ends_with(".yaml") && name.bytes().take(3).filter(u8::is_ascii_digit).count() == 3
    };
    let mut found: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(is_exchange).collect();
    found.sort();
    Ok(found)
}
