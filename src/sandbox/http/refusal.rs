//! The reasons for a refusal, and their wording by the simulated system. Pure.

use http::{HeaderName, StatusCode};

use super::reply::SandboxReply;
use crate::authoring::Ordered;
use crate::definition::{ErrorRules, ReplyFile};
use crate::error::did_you_mean;
use crate::sandbox::records::Tree;

/// The kinds of refusal; sandbox.yaml gives wordings under these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum RefusalKind {
    Unauthorized,
    Forbidden,
    NotFound,
    Invalid,
    Conditions,
    Conflict,
    RateLimited,
    Unavailable,
    MethodNotAllowed,
    UnsupportedMedia,
    TooLarge,
}

impl RefusalKind {
    const ALL: [RefusalKind; 11] = [
        RefusalKind::Unauthorized,
        RefusalKind::Forbidden,
        RefusalKind::NotFound,
        RefusalKind::Invalid,
        RefusalKind::Conditions,
        RefusalKind::Conflict,
        RefusalKind::RateLimited,
        RefusalKind::Unavailable,
        RefusalKind::MethodNotAllowed,
        RefusalKind::UnsupportedMedia,
        RefusalKind::TooLarge,
    ];

    /// The name in sandbox.yaml, and the default status and code.
    const fn row(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            RefusalKind::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED, "Unauthorized"),
            RefusalKind::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "Forbidden"),
            RefusalKind::NotFound => ("not_found", StatusCode::NOT_FOUND, "NotFound"),
            RefusalKind::Invalid => ("invalid", StatusCode::BAD_REQUEST, "Invalid"),
            RefusalKind::Conditions => ("conditions", StatusCode::BAD_REQUEST, "InvalidFilter"),
            RefusalKind::Conflict => ("conflict", StatusCode::CONFLICT, "Conflict"),
            RefusalKind::RateLimited => ("rate_limited", StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            RefusalKind::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "Unavailable"),
            RefusalKind::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            RefusalKind::UnsupportedMedia => {
                ("unsupported_media", StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType")
            }
            RefusalKind::TooLarge => ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "TooLarge"),
        }
    }
}

/// The refusal of a request.
#[derive(Debug)]
pub(in crate::sandbox) struct Refusal {
    pub(in crate::sandbox) kind: RefusalKind,
    pub(in crate::sandbox) message: String,
    field: String,
    code: Option<&'static str>,
    headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    pub(in crate::sandbox) fn new(kind: RefusalKind, message: impl Into<String>) -> Refusal {
        Refusal { kind, message: message.into(), field: String::new(), code: None, headers: Vec::new() }
    }

    pub(in crate::sandbox) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Invalid, message)
    }

    /// Adds the invalid field and the kind of fault.
    pub(in crate::sandbox) fn at(mut self, field: impl Into<String>, code: &'static str) -> Refusal {
        self.field = field.into();
        self.code = Some(code);
        self
    }

    pub(in crate::sandbox) fn with(mut self, name: HeaderName, value: &str) -> Refusal {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A system's wording of refusals.
pub(in crate::sandbox) struct Wording {
    /// The replies from sandbox.yaml.
    wording: Vec<(String, SandboxReply)>,
    /// A body of the shape that the connector's definition reads errors from.
    form: Tree,
}

const MESSAGE: &str = "{message}";
const FIELD: &str = "{field}";
const CODE: &str = "{code}";
/// Placeholder for the code of the refusal, used only in `form`; `{code}` is the code of its field.
const KIND: &str = "{kind}";

impl Wording {
    /// `Err` contains place and message of the fault in sandbox.yaml.
    pub(in crate::sandbox) fn new(rules: &ErrorRules, file: &Ordered<ReplyFile>) -> Result<Wording, (String, String)> {
        let names = RefusalKind::ALL.map(|k| k.row().0);
        let mut wording = Vec::new();
        for (name, reply) in file {
            if !names.contains(&name.as_str()) {
                return Err((
                    format!("/errors/{name}"),
                    format!("`{name}` is not an error reply of the sandbox{}", did_you_mean(name, names)),
                ));
            }
            wording.push((name.clone(), SandboxReply::of_file(reply).map_err(|why| (format!("/errors/{name}"), why))?));
        }
        Ok(Wording { wording, form: form(rules) })
    }

    /// The reply for a refusal.
    pub(in crate::sandbox) fn reply(&self, refusal: &Refusal) -> SandboxReply {
        let (name, status, code) = refusal.kind.row();
        let find = |name: &str| self.wording.iter().find(|(n, _)| n == name).map(|(_, reply)| reply.clone());
        // Without a wording of its own, an invalid filter has the wording of an invalid request.
        let wording =
            find(name).or_else(|| (refusal.kind == RefusalKind::Conditions).then(|| find("invalid")).flatten());
        let mut reply = wording.unwrap_or_else(|| SandboxReply::json(status, &self.form));
        let mut fill = |text: &str| {
            let named = text.replace(KIND, code).replace(CODE, refusal.code.unwrap_or(code));
            named.replace(FIELD, &refusal.field).replace(MESSAGE, &refusal.message)
        };
        reply.map_texts(&mut fill);
        for (name, value) in
            refusal.headers.iter().filter(|(name, _)| !reply.headers.contains_key(name)).cloned().collect::<Vec<_>>()
        {
            reply.set(name, &value);
        }
        reply
    }
}

/// A body with code, message and details where the definition reads them, and the success flag set to failure.
fn form(rules: &ErrorRules) -> Tree {
    let mut form = Tree::object();
    if let Some(code) = rules.code.first() {
        form.put(code, Tree::text(KIND));
    }
    if let Some(message) = rules.message.first() {
        form.put(message, Tree::text(MESSAGE));
    }
    if let Some(details) = &rules.details {
        let mut detail = Tree::object();
        detail.put(&details.code, Tree::text(CODE));
        detail.put(&details.message, Tree::text(MESSAGE));
        detail.put(&details.field, Tree::text(FIELD));
        form.put(&details.list, Tree::List(vec![detail]));
    }
    if let Some(success) = &rules.success {
        form.put(&success.at, Tree::value(&success.said(false)));
    }
    if form.fields().is_empty() {
        form.set(&["message".to_owned()], Tree::text(MESSAGE));
    }
    form
}
