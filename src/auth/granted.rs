//! The replies to token requests (RFC 6749, section 5). Pure.

use serde_json::Value;

use crate::authoring::{Pointer, scalar};
use crate::connection::Connection;
use crate::definition::Auth;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::reply::Response;
use crate::reply::charset;
use crate::secret::Secret;

/// The tokens that were issued.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    /// Lifetime of the access token in seconds; `None` if missing or not credible.
    pub(super) expires_in: Option<u64>,
}

/// Final error codes of RFC 6749, section 5.2, whatever the status.
const FINAL: [&str; 9] = [
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "invalid_scope",
    "unsupported_grant_type",
    "invalid_request",
    "access_denied",
    "expired_token",
    "invalid_target",
];
/// Error codes of a failing token server, whatever the status.
const PASSING: [&str; 3] = ["temporarily_unavailable", "server_error", "slow_down"];

/// Reads the reply to a token request.
pub(super) fn read(connection: &Connection, mut response: Response) -> Result<Granted> {
    let status = response.status;
    let is_blank = response.is_blank();
    let with_status = |error: Error| error.with(|d| d.http_status = Some(status.as_u16()));
    let text = match charset::decode(&mut response) {
        Ok((text, _)) => text,
        Err(_) if !status.is_success() => String::new(),
        Err(error) => {
            return Err(with_status(Error::new(
                ErrorKind::Unavailable,
                format!("the token server: {}", error.message),
            )));
        }
    };
    let body: Option<Value> = serde_json::from_str(&text).ok();
    let (access, refresh, life) = places(&connection.connector.auth);
    let token = |pointer: &Pointer| {
        body.as_ref().and_then(|b| pointer.find(b)).and_then(Value::as_str).filter(|t| !t.is_empty())
    };
    // Mask first: a refusal may also contain tokens and quote them.
    [token(&access), token(&refresh)].into_iter().flatten().for_each(|t| connection.redactor.learn(t));
    let refused = |code: Option<String>, message: String| {
        let by_status = if status.is_server_error() || status.as_u16() == 429 {
            ErrorKind::Unavailable
        } else {
            ErrorKind::Unauthenticated
        };
        let kind = match code.as_deref() {
            Some(code) if FINAL.contains(&code) => ErrorKind::Unauthenticated,
            Some(code) if PASSING.contains(&code) => ErrorKind::Unavailable,
            Some(_) | None => by_status,
        };
        with_status(Error::new(kind, message)).with(|d| d.provider.code = code)
    };
    let tidy = |text: String| fault::clean(&connection.redactor.mask(&text));
    let told = body.as_ref().map(TokenRefusal::of).unwrap_or_default();
    let said = told.message.map(|text| format!(": {}", tidy(text))).unwrap_or_default();
    if let Some(code) = told.code.map(tidy) {
        return Err(refused(Some(code.clone()), format!("the token request was refused: {code}{said}")));
    }
    // A web page is named and not quoted: it may show tokens that are not known yet.
    let is_page = text.trim_start().starts_with('<');
    let page = if is_page { " with a web page" } else { "" };
    if told.is_error || !status.is_success() {
        return Err(refused(None, format!("the token request failed{page} ({}){said}", status.as_u16())));
    }
    let Some(body) = &body else {
        let what = match () {
            () if is_blank => "is empty",
            () if is_page => "is HTML or XML, not JSON",
            () => "is not JSON",
        };
        return Err(with_status(Error::new(ErrorKind::Unavailable, format!("the reply to the token request {what}"))));
    };
    let Some(found) = token(&access).map(Secret::new) else {
        return Err(refused(None, format!("the reply to the token request has no `{access}`")));
    };
    // A refresh token that comes with it must be kept: the one before may be used up.
    if token(&refresh).is_none() && !is_sendable(found.expose()) {
        let message = format!("`{access}` in the reply to the token request contains characters that no header has");
        return Err(with_status(Error::new(ErrorKind::BadResponse, message)));
    }
    let expires_in = life.and_then(|p| p.find(body).and_then(seconds));
    Ok(Granted { access: found, refresh: token(&refresh).map(Secret::new), expires_in })
}

/// Whether a token can be a part of a header.
pub(super) fn is_sendable(token: &str) -> bool {
    http::HeaderValue::from_str(token).is_ok()
}

/// The error in a reply.
#[derive(Default)]
struct TokenRefusal {
    is_error: bool,
    code: Option<String>,
    message: Option<String>,
}

impl TokenRefusal {
    /// `error` is a code (RFC 6749, section 5.2), or an object with a code, as some vendors send; false, null and ""
    /// mean no error.
    fn of(body: &Value) -> TokenRefusal {
        let text = |pointer: &str| body.pointer(pointer).and_then(scalar).filter(|t| !t.is_empty());
        let message = text("/error_description").or_else(|| text("/message"));
        match body.get("error") {
            Some(Value::Object(error)) if !error.is_empty() => {
                TokenRefusal { is_error: true, code: text("/error/code"), message: text("/error/message").or(message) }
            }
            Some(Value::Bool(true)) => TokenRefusal { is_error: true, code: None, message },
            Some(Value::String(_) | Value::Number(_)) => {
                let code = text("/error");
                TokenRefusal { is_error: code.is_some(), code, message }
            }
            Some(Value::Null | Value::Bool(false) | Value::Array(_) | Value::Object(_)) | None => {
                TokenRefusal { message, ..TokenRefusal::default() }
            }
        }
    }
}

/// A lifetime in seconds: a number or its text, also with decimals; `None` if not credible.
pub(super) fn seconds(value: &Value) -> Option<u64> {
    let exact = value.as_u64().or_else(|| value.as_str().and_then(|t| t.trim().parse().ok()));
    let float = || value.as_f64().or_else(|| value.as_str().and_then(|t| t.trim().parse::<f64>().ok()));
    let whole = || float().filter(|f| *f >= 1.0 && *f < f64::from(u32::MAX)).map(|f| f as u64);
    exact.or_else(whole).filter(|s| *s > 0)
}

fn places(auth: &Auth) -> (Pointer, Pointer, Option<Pointer>) {
    let at = |name: &str| Pointer::key(name);
    match auth {
        Auth::Refresh(rule) => (rule.access_token.clone(), rule.refresh_token.clone(), rule.expires_in.clone()),
        Auth::None
        | Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Keys(_)
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::AwsSigv4(_)
        | Auth::Oauth2(_)
        | Auth::Login(_) => (at("access_token"), at("refresh_token"), Some(at("expires_in"))),
    }
}
