//! The token requests and their replies: OAuth 2.0 grants (RFC 6749) and a vendor-specific exchange. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method as Verb};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::atomic::Ordering;
use url::Url;

use crate::authoring::{Pointer, Text, scalar};
use crate::connection::Connection;
use crate::definition::{Auth, ClientAuthFile, Oauth2, Refresh};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::fault;
use crate::reply::Response;
use crate::reply::charset;
use crate::secret::{Secret, form_pair, form_value};

/// What is exchanged for new tokens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Offer<'a> {
    /// The client's own credentials.
    Client,
    /// A refresh token.
    Refresh(&'a Secret),
    /// The code of a sign-in, with its redirect address and the PKCE verifier (RFC 7636).
    Code { code: &'a Secret, redirect: &'a str, verifier: &'a Secret },
}

/// The tokens that were issued.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    /// Lifetime of the access token in seconds; `None` if missing or not credible.
    pub(super) expires_in: Option<u64>,
}

/// The token request, to the connection's own origins only.
pub(super) fn request(connection: &Connection, offer: Offer<'_>) -> Result<http::Request<Bytes>> {
    match (&connection.connector.auth, offer) {
        (Auth::Oauth2(rule), offer) => oauth2(connection, rule, offer),
        (Auth::Refresh(rule), Offer::Refresh(token)) => refresh(connection, rule, token),
        _ => Err(Error::new(ErrorKind::Internal, "this connector does not use this grant")),
    }
}

fn oauth2(connection: &Connection, rule: &Oauth2, offer: Offer<'_>) -> Result<http::Request<Bytes>> {
    let url = connection.address(&rule.token)?;
    connection.check_origin(&url)?;
    let id = needed(connection, &rule.client_id)?;
    let secret = rule.client_secret.as_ref().and_then(|t| connection.render(t));
    let mut form: Vec<(&str, String)> = match offer {
        Offer::Client => vec![("grant_type", "client_credentials".into()), ("scope", rule.scopes.join(" "))],
        Offer::Refresh(token) => {
            vec![("grant_type", "refresh_token".into()), ("refresh_token", token.expose().to_owned())]
        }
        Offer::Code { code, redirect, verifier } => vec![
            ("grant_type", "authorization_code".into()),
            ("code", code.expose().to_owned()),
            ("redirect_uri", redirect.to_owned()),
            ("code_verifier", verifier.expose().to_owned()),
        ],
    };
    form.retain(|(_, value)| !value.is_empty());
    // A parameter whose property is absent is left out.
    form.extend(
        rule.token_parameters.iter().filter_map(|(name, text)| Some((name.as_str(), connection.render(text)?))),
    );
    let mut builder = http::Request::builder().method(Verb::POST).uri(url.as_str());
    builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").header(ACCEPT, "application/json");
    match (secret, client_auth(connection, rule)) {
        (Some(secret), ClientAuthFile::Body) => form.extend([("client_id", id), ("client_secret", secret)]),
        (Some(secret), ClientAuthFile::Basic) => {
            builder = builder
                .header(AUTHORIZATION, sensitive(&format!("Basic {}", STANDARD.encode(form_pair(&id, &secret))))?);
        }
        (None, _) => form.push(("client_id", id)),
    }
    let body = form
        .iter()
        .map(|(name, value)| format!("{}={}", form_value(name), form_value(value)))
        .collect::<Vec<_>>()
        .join("&");
    builder.body(Bytes::from(body)).map_err(|e| Error::new(ErrorKind::Internal, format!("the token request: {e}")))
}

fn client_auth(connection: &Connection, rule: &Oauth2) -> ClientAuthFile {
    let found =
        if connection.secret_in_form.load(Ordering::Relaxed) { ClientAuthFile::Body } else { ClientAuthFile::Basic };
    rule.client_auth.unwrap_or(found)
}

/// Whether the client's secret may be tried in the form: it was sent in the header, and the definition does not require
/// that.
pub(super) fn may_try_form(connection: &Connection) -> bool {
    let Auth::Oauth2(rule) = &connection.connector.auth else { return false };
    let secret = rule.client_secret.as_ref().and_then(|text| connection.render(text));
    rule.client_auth.is_none() && secret.is_some() && client_auth(connection, rule) == ClientAuthFile::Basic
}

fn refresh(connection: &Connection, rule: &Refresh, token: &Secret) -> Result<http::Request<Bytes>> {
    let path = rule.path.render(|name| connection.value(name)).map_err(missing)?;
    let address = format!("{}{path}", connection.base().as_str().trim_end_matches('/'));
    let url = Url::parse(&address)
        .map_err(|e| Error::new(ErrorKind::Connection, format!("the address of the token server: {e}")))?;
    connection.check_origin(&url)?;
    let mut builder =
        http::Request::builder().method(rule.verb.clone()).uri(url.as_str()).header(ACCEPT, "application/json");
    for (name, text) in &rule.headers {
        // The secret placeholder means the newest refresh token, not the connection's original one.
        let secret = |n: &str| connection.connector.property(n).is_some_and(|p| p.secret);
        let value = text
            .render(|n| if secret(n) { Some(Cow::Borrowed(token.expose())) } else { connection.value(n) })
            .map_err(missing)?;
        builder = builder.header(name.clone(), sensitive(&value)?);
    }
    builder.body(Bytes::new()).map_err(|e| Error::new(ErrorKind::Internal, format!("the token request: {e}")))
}

/// The address of the sign-in page (RFC 6749, section 4.1.1, with PKCE); the reply goes to `redirect` with the same
/// `state`.
pub(crate) fn sign_in_url(connection: &Connection, redirect: &str, state: &str, challenge: &str) -> Result<Url> {
    let Auth::Oauth2(Oauth2 { authorize: Some(authorize), client_id, scopes, .. }) = &connection.connector.auth else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{} needs no interactive sign-in", connection.connector.title),
        ));
    };
    let mut url = connection.address(authorize)?;
    let id = needed(connection, client_id)?;
    let pairs = [
        ("response_type", "code"),
        ("client_id", &id),
        ("redirect_uri", redirect),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ];
    url.query_pairs_mut().extend_pairs(pairs).append_pair("scope", &scopes.join(" "));
    Ok(url)
}

/// The client, as the origin of a connection's tokens if it has no refresh token of its own. If tokens are issued for
/// client credentials alone, all of these count; otherwise secret and definition may change while the tokens stay
/// valid.
pub(super) fn client(connection: &Connection) -> Vec<String> {
    let Auth::Oauth2(rule) = &connection.connector.auth else { return Vec::new() };
    let render = |text: &Text| connection.render(text).unwrap_or_default();
    let id = render(&rule.client_id);
    if rule.person {
        return vec![id];
    }
    let secret = rule.client_secret.as_ref().map(render);
    let parameters = rule.token_parameters.iter().map(|(name, text)| format!("{name}={}", render(text)));
    [render(&rule.token), id].into_iter().chain(secret).chain(parameters).collect()
}

/// The refresh token in the connection itself.
pub(super) fn seed(connection: &Connection) -> Option<Secret> {
    let text = match &connection.connector.auth {
        Auth::Oauth2(rule) => rule.refresh_token.as_ref()?,
        Auth::Refresh(rule) => {
            let secret = |n: &&str| connection.connector.property(n).is_some_and(|p| p.secret);
            let name = rule.headers.iter().flat_map(|(_, text)| text.names()).find(secret)?;
            return connection.value(name).map(|v| Secret::new(v.into_owned()));
        }
        Auth::None | Auth::Basic { .. } | Auth::Bearer { .. } | Auth::ApiKey { .. } => return None,
    };
    connection.render(text).map(Secret::new)
}

/// Final error codes of RFC 6749, section 5.2, whatever the status.
const FINAL: [&str; 7] = [
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "invalid_scope",
    "unsupported_grant_type",
    "invalid_request",
    "access_denied",
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
    let expires_in = life.and_then(|p| p.find(body).and_then(seconds));
    Ok(Granted { access: found, refresh: token(&refresh).map(Secret::new), expires_in })
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
fn seconds(value: &Value) -> Option<u64> {
    let exact = value.as_u64().or_else(|| value.as_str().and_then(|t| t.trim().parse().ok()));
    let float = || value.as_f64().or_else(|| value.as_str().and_then(|t| t.trim().parse::<f64>().ok()));
    let whole = || float().filter(|f| *f >= 1.0 && *f < f64::from(u32::MAX)).map(|f| f as u64);
    exact.or_else(whole).filter(|s| *s > 0)
}

fn places(auth: &Auth) -> (Pointer, Pointer, Option<Pointer>) {
    let at = |name: &str| Pointer::key(name);
    match auth {
        Auth::Refresh(rule) => (rule.access_token.clone(), rule.refresh_token.clone(), rule.expires_in.clone()),
        Auth::Oauth2(_) | Auth::None | Auth::Basic { .. } | Auth::Bearer { .. } | Auth::ApiKey { .. } => {
            (at("access_token"), at("refresh_token"), Some(at("expires_in")))
        }
    }
}

fn needed(connection: &Connection, text: &Text) -> Result<String> {
    connection
        .render(text)
        .ok_or_else(|| missing(text.names().find(|n| connection.value(n).is_none()).unwrap_or_default()))
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("signing in needs the property `{name}`"))
        .at(Place::field(format!("/{name}")))
}

fn sensitive(value: &str) -> Result<HeaderValue> {
    let mut header = HeaderValue::from_str(value).map_err(|_| {
        Error::new(ErrorKind::Connection, "the credentials contain characters that are not allowed in a header")
    })?;
    header.set_sensitive(true);
    Ok(header)
}
