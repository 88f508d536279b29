//! The token requests: OAuth 2.0 grants (RFC 6749, RFC 7523, RFC 8628, RFC 8693), a login, and a vendor-specific
//! exchange. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method as Verb;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use std::borrow::Cow;
use std::sync::atomic::Ordering;
use url::Url;

use super::assertion::{self, Purpose, Stamp};
use super::login;
use super::place::sensitive;
use super::texts::{missing, rendered};
use crate::authoring::Text;
use crate::connection::Connection;
use crate::definition::{Auth, ClientAuthFile, GrantFlow, Oauth2, Refresh, TokenExchangeRule};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Secret, form_pair, form_value};

/// What is exchanged for new tokens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Offer<'a> {
    /// What the connection has: the client's own credentials, a user's, an assertion, another token, or a login.
    Own,
    /// A refresh token.
    Refresh(&'a Secret),
    /// The code of a sign-in, with its redirect address and the PKCE verifier (RFC 7636).
    Code { code: &'a Secret, redirect: &'a str, verifier: &'a Secret },
    /// The code of a device that a person has been asked to approve (RFC 8628).
    Device { code: &'a Secret },
}

/// The token request, to the connection's own origins only.
pub(super) fn request(connection: &Connection, offer: Offer<'_>, stamp: Stamp<'_>) -> Result<http::Request<Bytes>> {
    match (&connection.connector.auth, offer) {
        (Auth::Oauth2(rule), offer) => oauth2(connection, rule, offer, stamp),
        (Auth::Refresh(rule), Offer::Refresh(token)) => refresh(connection, rule, token),
        (Auth::Login(rule), Offer::Own) => login::request(connection, rule),
        _ => Err(Error::new(ErrorKind::Internal, "this connector does not use this grant")),
    }
}

type Form = Vec<(&'static str, String)>;

/// The grant and its parameters.
fn grant(
    connection: &Connection,
    rule: &Oauth2,
    offer: Offer<'_>,
    (stamp, address): (Stamp<'_>, &str),
) -> Result<Form> {
    let text = |text| rendered(connection, text);
    let mut form = match (offer, &rule.flow) {
        (Offer::Refresh(token), _) => {
            return Ok(vec![("grant_type", "refresh_token".into()), ("refresh_token", token.expose().to_owned())]);
        }
        (Offer::Code { code, redirect, verifier }, _) => {
            return Ok(vec![
                ("grant_type", "authorization_code".into()),
                ("code", code.expose().to_owned()),
                ("redirect_uri", redirect.to_owned()),
                ("code_verifier", verifier.expose().to_owned()),
            ]);
        }
        (Offer::Device { code }, _) => {
            return Ok(vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code".into()),
                ("device_code", code.expose().to_owned()),
            ]);
        }
        (Offer::Own, GrantFlow::Password(pair)) => vec![
            ("grant_type", "password".into()),
            ("username", text(&pair.username)?),
            ("password", text(&pair.password)?),
        ],
        (Offer::Own, GrantFlow::JwtBearer) => {
            let assertion = assertion::sign(connection, rule, Purpose::Grant, stamp, address)?;
            vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".into()),
                ("assertion", assertion.expose().to_owned()),
            ]
        }
        (Offer::Own, GrantFlow::TokenExchange(exchange)) => exchanged(connection, exchange)?,
        (Offer::Own, GrantFlow::ClientCredentials | GrantFlow::AuthorizationCode | GrantFlow::DeviceCode) => {
            vec![("grant_type", "client_credentials".into())]
        }
    };
    form.push(("scope", rule.scope.clone()));
    Ok(form)
}

fn exchanged(connection: &Connection, rule: &TokenExchangeRule) -> Result<Form> {
    let mut form = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange".into()),
        ("subject_token", rendered(connection, &rule.subject_token)?),
        ("subject_token_type", rule.subject_token_type.clone()),
    ];
    // Without the actor's token its type would have no meaning.
    if let Some((token, kind)) =
        rule.actor_token.as_ref().and_then(|(text, kind)| Some((connection.render(text)?, kind)))
    {
        form.extend([("actor_token", token), ("actor_token_type", kind.clone())]);
    }
    form.extend(rule.requested_token_type.iter().map(|kind| ("requested_token_type", kind.clone())));
    Ok(form)
}

fn oauth2(connection: &Connection, rule: &Oauth2, offer: Offer<'_>, stamp: Stamp<'_>) -> Result<http::Request<Bytes>> {
    let url = connection.address(&rule.token)?;
    connection.check_origin(&url)?;
    let form = grant(connection, rule, offer, (stamp, url.as_str()))?;
    form_request(connection, rule, (&url, form, &rule.token_parameters), stamp)
}

/// A form with the client's authentication. A parameter whose property is absent is left out.
pub(super) fn form_request(
    connection: &Connection,
    rule: &Oauth2,
    (url, form, parameters): (&Url, Form, &[(String, Text)]),
    stamp: Stamp<'_>,
) -> Result<http::Request<Bytes>> {
    let mut form: Vec<(&str, String)> = form;
    form.retain(|(_, value)| !value.is_empty());
    form.extend(parameters.iter().filter_map(|(name, text)| Some((name.as_str(), connection.render(text)?))));
    let mut builder = http::Request::builder().method(Verb::POST).uri(url.as_str());
    builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").header(ACCEPT, "application/json");
    if let Some(text) = &rule.client_id {
        let id = rendered(connection, text)?;
        let secret = rule.client_secret.as_ref().and_then(|t| connection.render(t));
        match (secret, client_auth(connection, rule)) {
            (Some(secret), ClientAuthFile::Body) => form.extend([("client_id", id), ("client_secret", secret)]),
            (Some(secret), ClientAuthFile::Basic) => {
                let pair = format!("Basic {}", STANDARD.encode(form_pair(&id, &secret)));
                builder = builder.header(AUTHORIZATION, sensitive(&AUTHORIZATION, &pair)?);
            }
            (_, ClientAuthFile::PrivateKeyJwt) => {
                let address = connection.address(&rule.token)?;
                let assertion = assertion::sign(connection, rule, Purpose::Client, stamp, address.as_str())?;
                form.extend([
                    ("client_id", id),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
                    ("client_assertion", assertion.expose().to_owned()),
                ]);
            }
            (None, _) | (Some(_), ClientAuthFile::None) => form.push(("client_id", id)),
        }
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
        builder = builder.header(name.clone(), sensitive(name, &value)?);
    }
    builder.body(Bytes::new()).map_err(|e| Error::new(ErrorKind::Internal, format!("the token request: {e}")))
}

/// The address of the sign-in page (RFC 6749, section 4.1.1, with PKCE); the reply goes to `redirect` with the same
/// `state`.
pub(crate) fn sign_in_url(connection: &Connection, redirect: &str, state: &str, challenge: &str) -> Result<Url> {
    let Auth::Oauth2(rule) = &connection.connector.auth else { return Err(no_sign_in(connection)) };
    let (Some(authorize), Some(id)) = (&rule.authorize, &rule.client_id) else { return Err(no_sign_in(connection)) };
    let mut url = connection.address(authorize)?;
    let id = rendered(connection, id)?;
    let pairs = [
        ("response_type", "code"),
        ("client_id", &id),
        ("redirect_uri", redirect),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ];
    let further = rule.authorize_parameters.iter().filter_map(|(name, text)| Some((name, connection.render(text)?)));
    url.query_pairs_mut().extend_pairs(pairs).append_pair("scope", &rule.scope).extend_pairs(further);
    Ok(url)
}

/// The error for a connector whose connections need no person.
pub(super) fn no_sign_in(connection: &Connection) -> Error {
    Error::new(ErrorKind::Usage, format!("{} needs no interactive sign-in", connection.connector.title))
}

/// The client, as the origin of a connection's tokens if it has no refresh token of its own. If tokens are issued for
/// the connection's own credentials, all of these count; otherwise secret and definition may change while the tokens stay
/// valid.
pub(super) fn client(connection: &Connection) -> Vec<String> {
    let render = |text: &Text| connection.render(text).unwrap_or_default();
    if let Auth::Login(rule) = &connection.connector.auth {
        return rule.credentials().into_iter().map(render).collect();
    }
    let Auth::Oauth2(rule) = &connection.connector.auth else { return Vec::new() };
    let id = rule.client_id.as_ref().map(render).unwrap_or_default();
    if rule.needs_person() {
        return vec![id];
    }
    let secret = rule.client_secret.as_ref().map(render);
    let parameters = rule.token_parameters.iter().map(|(name, text)| format!("{name}={}", render(text)));
    let own = rule.flow.texts().into_iter().chain(rule.assertion.iter().flat_map(|a| a.texts())).map(render);
    [render(&rule.token), id].into_iter().chain(secret).chain(parameters).chain(own).collect()
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
        Auth::None
        | Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Keys(_)
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::AwsSigv4(_)
        | Auth::Login(_) => return None,
    };
    connection.render(text).map(Secret::new)
}
