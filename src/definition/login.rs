//! A login request and a token against cross-site request forgery: the checked models. Pure data.

use http::HeaderName;
use serde_json::Value;

use super::json_text::JsonText;
use super::placed::{LoginPair, PlacedText};
use crate::authoring::{Pointer, Text};

/// A login request.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) verb: http::Method,
    pub(crate) path: Text,
    pub(crate) base_url: Option<Text>,
    pub(crate) headers: Vec<(HeaderName, Text)>,
    pub(crate) query: Vec<(String, Text)>,
    pub(crate) body: LoginBody,
    pub(crate) basic: Option<LoginPair>,
    pub(crate) token: TokenPlace,
    pub(crate) expires: Option<Expiry>,
    /// How the token is sent; `None` for cookies that are only sent back.
    pub(crate) send: Option<PlacedText>,
    pub(crate) failed: Option<Failed>,
}

/// The body of a login request.
#[derive(Debug)]
pub(crate) enum LoginBody {
    None,
    Json(JsonText),
    Form(Vec<(String, Text)>),
}

/// Where a reply contains a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    Body(Pointer),
    Header(HeaderName),
    Cookie(String),
}

/// The lifetime of a token.
#[derive(Debug)]
pub(crate) enum Expiry {
    /// Seconds, in the reply.
    At(Pointer),
    Seconds(u64),
}

/// What means that a login was refused, in a reply with a success status.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) at: Pointer,
    /// The values that mean it; `None` for any that is not empty.
    pub(crate) is: Option<Vec<Value>>,
}

/// A token against cross-site request forgery.
#[derive(Debug)]
pub(crate) struct Csrf {
    pub(crate) verb: http::Method,
    pub(crate) path: Text,
    pub(crate) headers: Vec<(HeaderName, Text)>,
    pub(crate) token: TokenPlace,
    pub(crate) send: PlacedText,
    /// Whether reads carry it too.
    pub(crate) for_reads: bool,
    /// Statuses that mean that it was refused; empty for 403 with `Required` in its header.
    pub(crate) renew_on: Vec<u16>,
}

impl Login {
    pub(super) fn texts(&self) -> Vec<&Text> {
        let mut texts: Vec<&Text> = self.credentials();
        texts.extend(self.send.iter().map(|send| &send.value));
        texts
    }

    /// The texts of the request.
    pub(crate) fn credentials(&self) -> Vec<&Text> {
        let mut texts: Vec<&Text> = std::iter::once(&self.path).chain(&self.base_url).collect();
        texts.extend(self.headers.iter().map(|(_, text)| text).chain(self.query.iter().map(|(_, text)| text)));
        texts.extend(self.basic.iter().flat_map(LoginPair::texts));
        match &self.body {
            LoginBody::None => {}
            LoginBody::Json(json) => texts.extend(json.texts()),
            LoginBody::Form(fields) => texts.extend(fields.iter().map(|(_, text)| text)),
        }
        texts
    }
}
