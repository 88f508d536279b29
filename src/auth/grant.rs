//! The requests that buy tokens, and what their replies say. Pure: OAuth 2.0 grants (RFC 6749) and a vendor's own exchange.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method as Verb};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::borrow::Cow;
use url::Url;

use crate::connection::Connection;
use crate::definition::{Auth, Oauth2, Pointer, Refresh, Text, scalar};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::page::Response;
use crate::secret::{Secret, form_pair};

/// What is offered for new tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Offer<'a> {
    /// The client's own credentials.
    Client,
    /// A refresh token.
    Refresh(&'a Secret),
    /// The code of a sign-in, with where it was sent and the PKCE verifier (RFC 7636).
    Code { code: &'a Secret, redirect: &'a str, verifier: &'a Secret },
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    /// Seconds that the access token lives; `None` when not told, or not credibly.
    pub(crate) expires_in: Option<u64>,
}

/// The request that makes the offer, to the connection's own origins only.
pub(crate) fn request(connection: &Connection, offer: Offer<'_>) -> Result<http::Request<Bytes>> {
    match (&connection.connector.auth, offer) {
        (Auth::Oauth2(rule), offer) => oauth2(connection, rule, offer),
        (Auth::Refresh(rule), Offer::Refresh(token)) => refresh(connection, rule, token),
        _ => Err(Error::new(ErrorKind::Internal, "this connector buys no tokens this way")),
    }
}

fn oauth2(connection: &Connection, rule: &Oauth2, offer: Offer<'_>) -> Result<http::Request<Bytes>> {
    let url = connection.address(&rule.token)?;
    connection.check_origin(&url)?;
    let id = needed(connection, &rule.client_id)?;
    let secret = rule.client_secret.as_ref().and_then(|t| connection.render(t));
    let mut form: Vec<(&str, String)> = match offer {
        Offer::Client => vec![("grant_type", "client_credentials".into()), ("scope", rule.scopes.join(" "))],
        Offer::Refresh(token) => vec![("grant_type", "refresh_token".into()), ("refresh_token", token.expose().to_owned())],
        Offer::Code { code, redirect, verifier } => vec![
            ("grant_type", "authorization_code".into()),
            ("code", code.expose().to_owned()),
            ("redirect_uri", redirect.to_owned()),
            ("code_verifier", verifier.expose().to_owned()),
        ],
    };
    form.retain(|(_, value)| !value.is_empty());
    let mut builder = http::Request::builder().method(Verb::POST).uri(url.as_str());
    builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").header(ACCEPT, "application/json");
    match secret {
        Some(secret) => {
            builder = builder.header(AUTHORIZATION, sensitive(&format!("Basic {}", STANDARD.encode(form_pair(&id, &secret))))?);
        }
        None => form.push(("client_id", id)),
    }
    let body = form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&");
    builder.body(Bytes::from(body)).map_err(|e| Error::new(ErrorKind::Internal, format!("the token request: {e}")))
}

fn refresh(connection: &Connection, rule: &Refresh, token: &Secret) -> Result<http::Request<Bytes>> {
    let path = rule.path.render(|name| connection.value(name)).map_err(missing)?;
    let address = format!("{}{path}", connection.base().as_str().trim_end_matches('/'));
    let url = Url::parse(&address).map_err(|e| Error::new(ErrorKind::Connection, format!("the address of the token request: {e}")))?;
    connection.check_origin(&url)?;
    let mut builder = http::Request::builder().method(rule.verb.clone()).uri(url.as_str()).header(ACCEPT, "application/json");
    for (name, text) in &rule.headers {
        // The one secret placeholder stands for the newest refresh token, not for the one that the connection began with.
        let secret = |n: &str| connection.connector.property(n).is_some_and(|p| p.secret);
        let value = text.render(|n| if secret(n) { Some(Cow::Borrowed(token.expose())) } else { connection.value(n) }).map_err(missing)?;
        builder = builder.header(name.clone(), sensitive(&value)?);
    }
    builder.body(Bytes::new()).map_err(|e| Error::new(ErrorKind::Internal, format!("the token request: {e}")))
}

/// Where a person signs in (RFC 6749, section 4.1.1, with PKCE): the answer comes to `redirect` with the same `state`.
pub(crate) fn sign_in_url(connection: &Connection, redirect: &str, state: &str, challenge: &str) -> Result<Url> {
    let Auth::Oauth2(Oauth2 { authorize: Some(authorize), client_id, scopes, .. }) = &connection.connector.auth else {
        return Err(Error::new(ErrorKind::Usage, format!("{} needs no sign-in by a person", connection.connector.title)));
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

/// The client by which the connection buys its tokens.
pub(crate) fn client(connection: &Connection) -> Option<Secret> {
    let Auth::Oauth2(rule) = &connection.connector.auth else { return None };
    connection.render(&rule.client_id).map(Secret::new)
}

/// The refresh token that the connection itself holds.
pub(crate) fn seed(connection: &Connection) -> Option<Secret> {
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

/// Reads the reply to an offer.
pub(crate) fn read(connection: &Connection, response: &Response) -> Result<Granted> {
    let status = response.status;
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let (access, refresh, life) = places(&connection.connector.auth);
    let token = |pointer: &Pointer| body.as_ref().and_then(|b| pointer.find(b)).and_then(Value::as_str).filter(|t| !t.is_empty());
    // Before anything is said: a refusal, too, may hold tokens and quote them.
    [token(&access), token(&refresh)].into_iter().flatten().for_each(|t| connection.redactor.learn(t));
    let refused = |code: Option<String>, message: String| {
        let kind = if status.is_server_error() || status.as_u16() == 429 { ErrorKind::Unavailable } else { ErrorKind::Unauthenticated };
        Error::new(kind, message).with(|d| {
            d.http_status = Some(status.as_u16());
            d.provider.code = code;
        })
    };
    let text = |pointer: &str| {
        body.as_ref().and_then(|b| b.pointer(pointer)).and_then(scalar).map(|t| crate::fault::clean(&connection.redactor.mask(&t)))
    };
    if let Some(code) = text("/error") {
        let told = text("/error_description").or_else(|| text("/message")).map(|t| format!(": {t}")).unwrap_or_default();
        return Err(refused(Some(code.clone()), format!("the token request was refused: {code}{told}")));
    }
    if !status.is_success() {
        let told = text("/message").map(|t| format!(": {t}")).unwrap_or_default();
        return Err(refused(None, format!("the token request failed ({}){told}", status.as_u16())));
    }
    let Some(body) = &body else {
        return Err(Error::new(ErrorKind::Unavailable, "the reply to the token request is not JSON")
            .with(|d| d.http_status = Some(status.as_u16())));
    };
    let Some(found) = token(&access).map(Secret::new) else {
        return Err(refused(None, format!("the reply to the token request has no `{access}`")));
    };
    let expires_in =
        life.and_then(|p| p.find(body).cloned()).and_then(|v| v.as_u64().or_else(|| v.as_str().and_then(|t| t.trim().parse().ok())));
    Ok(Granted { access: found, refresh: token(&refresh).map(Secret::new), expires_in: expires_in.filter(|s| *s > 0) })
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
    connection.render(text).ok_or_else(|| missing(text.names().find(|n| connection.value(n).is_none()).unwrap_or_default()))
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("signing in needs the property `{name}`")).at(Place::field(format!("/{name}")))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn sensitive(value: &str) -> Result<HeaderValue> {
    let mut header = HeaderValue::from_str(value)
        .map_err(|_| Error::new(ErrorKind::Connection, "the credentials hold characters that a header cannot"))?;
    header.set_sensitive(true);
    Ok(header)
}
