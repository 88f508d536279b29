//! A login request: exchanges the credentials of a connection for a token or session cookies. Pure.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Request};
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use url::Url;

use super::granted::{Granted, is_sendable, seconds};
use super::place::{STRICT, sensitive};
use super::texts::{AGENT, missing, rendered};
use super::{basic, cookies};
use crate::authoring::{Pointer, Text, TextPart, same, scalar};
use crate::connection::Connection;
use crate::definition::{Expiry, Failed, Login, LoginBody, PropertyTypeFile, TokenPlace};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::reply::{Response, charset};
use crate::secret::{Secret, form_value};

/// The login request, to the connection's own origins only.
pub(super) fn request(connection: &Connection, rule: &Login) -> Result<Request<Bytes>> {
    let base = match &rule.base_url {
        Some(text) => connection.address(text)?,
        None => connection.base().clone(),
    };
    let url = address(connection, &base, &rule.path, &rule.query)?;
    let mut builder = Request::builder()
        .method(rule.verb.clone())
        .uri(url.as_str())
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "application/json");
    let body = match &rule.body {
        LoginBody::None => Bytes::new(),
        LoginBody::Json(json) => {
            let kind = |name: &str| connection.connector.property(name).map_or(PropertyTypeFile::String, |p| p.kind);
            builder = builder.header(CONTENT_TYPE, "application/json");
            let value = json.render(&|name| connection.value(name), &kind);
            Bytes::from(value.unwrap_or_default().to_string())
        }
        LoginBody::Form(fields) => {
            builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            let pairs = fields.iter().filter_map(|(name, text)| Some((name, connection.render(text)?)));
            let pairs = pairs.map(|(name, value)| format!("{}={}", form_value(name), form_value(&value)));
            Bytes::from(pairs.collect::<Vec<_>>().join("&"))
        }
    };
    let mut request =
        builder.body(body).map_err(|e| Error::new(ErrorKind::Internal, format!("the login request: {e}")))?;
    if let Some(pair) = &rule.basic {
        let value = basic::header(&rendered(connection, &pair.username)?, &rendered(connection, &pair.password)?)?;
        request.headers_mut().insert(AUTHORIZATION, sensitive(&AUTHORIZATION, &value)?);
    }
    for (name, mut value) in connection.headers(&rule.headers)? {
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// A base address with a path and query parameters. Values in the path are one segment each.
pub(super) fn address(connection: &Connection, base: &Url, path: &Text, query: &[(String, Text)]) -> Result<Url> {
    let mut address = base.as_str().trim_end_matches('/').to_owned();
    for part in path.parts() {
        match part {
            TextPart::Literal(text) => address.push_str(text),
            TextPart::Name(name) => {
                let value = connection.value(name).ok_or_else(|| missing(name))?;
                address.extend(utf8_percent_encode(&value, STRICT));
            }
        }
    }
    let pairs = query.iter().filter_map(|(name, text)| Some((name, connection.render(text)?)));
    for (number, (name, value)) in pairs.enumerate() {
        address.push(if number == 0 { '?' } else { '&' });
        address.extend(utf8_percent_encode(name, STRICT));
        address.push('=');
        address.extend(utf8_percent_encode(&value, STRICT));
    }
    let url = Url::parse(&address)
        .map_err(|e| Error::new(ErrorKind::Connection, format!("the address of the sign-in is not a URL: {e}")))?;
    connection.check_origin(&url)?;
    Ok(url)
}

/// Reads the reply to a login request.
pub(super) fn read(connection: &Connection, rule: &Login, mut response: Response) -> Result<Granted> {
    let status = response.status;
    let stamp = |error: Error| error.with(|d| d.http_status = Some(status.as_u16()));
    let text = charset::decode(&mut response).map(|(text, _)| text).unwrap_or_default();
    let token = find(&rule.token, &response.headers, &text);
    // Mask first: a refusal may also contain tokens and quote them.
    token.iter().for_each(|token| learn(connection, token));
    let body: Option<Value> = serde_json::from_str(&text).ok();
    let told = body.as_ref().and_then(|body| message(connection, body)).map(|text| format!(": {text}"));
    let told = told.unwrap_or_default();
    let is_redirect = status.is_redirection() && matches!(rule.token, TokenPlace::Cookie(_)) && token.is_some();
    if !status.is_success() && !is_redirect {
        let passing = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
        let kind = if passing { ErrorKind::Unavailable } else { ErrorKind::Unauthenticated };
        return Err(stamp(Error::new(kind, format!("the login was refused ({}){told}", status.as_u16()))));
    }
    if let Some(failed) =
        rule.failed.as_ref().filter(|failed| body.as_ref().is_some_and(|body| is_failed(failed, body)))
    {
        let message = format!("the login was refused: the reply has `{}`{told}", failed.at);
        return Err(stamp(Error::new(ErrorKind::Unauthenticated, message)));
    }
    let Some(access) = token else {
        let what = shown(&rule.token);
        return Err(stamp(Error::new(
            ErrorKind::Unauthenticated,
            format!("the reply to the login has no {what}{told}"),
        )));
    };
    if !is_sendable(access.expose()) {
        let message =
            format!("the {} in the reply to the login contains characters that no header has", shown(&rule.token));
        return Err(stamp(Error::new(ErrorKind::BadResponse, message)));
    }
    let expires_in = match &rule.expires {
        None => None,
        Some(Expiry::Seconds(seconds)) => Some(*seconds),
        Some(Expiry::At(pointer)) => body.as_ref().and_then(|body| pointer.find(body)).and_then(seconds),
    };
    Ok(Granted { access, refresh: None, expires_in })
}

/// The token of a reply; for a cookie all cookies of the reply, as they are sent back.
pub(super) fn find(place: &TokenPlace, headers: &HeaderMap, text: &str) -> Option<Secret> {
    let given = |text: String| (!text.trim().is_empty()).then(|| Secret::new(text));
    match place {
        TokenPlace::Header(name) => {
            headers.get(name).and_then(|value| value.to_str().ok()).and_then(|value| given(value.trim().to_owned()))
        }
        TokenPlace::Cookie(name) => {
            let all = cookies::of(headers);
            let is_there = all.iter().any(|(own, value)| own == name && !value.is_empty());
            is_there.then(|| Secret::new(cookies::joined(&all)))
        }
        TokenPlace::Body(pointer) => {
            match serde_json::from_str::<Value>(text) {
                Ok(body) => pointer.find(&body).and_then(scalar).and_then(given),
                // A body that is not JSON may be the token itself.
                Err(_) if *pointer == Pointer::default() && !text.trim_start().starts_with('<') => {
                    given(text.trim().to_owned())
                }
                Err(_) => None,
            }
        }
    }
}

/// A token's place, for messages.
pub(super) fn shown(place: &TokenPlace) -> String {
    match place {
        TokenPlace::Body(pointer) => format!("token at `{pointer}`"),
        TokenPlace::Header(name) => format!("header {name}"),
        TokenPlace::Cookie(name) => format!("cookie {name}"),
    }
}

/// Values of cookies that are shorter are words of other texts.
const COOKIE_SHORTEST: usize = 8;

/// A token is masked from here on; of cookies, each value.
pub(super) fn learn(connection: &Connection, token: &Secret) {
    connection.redactor.learn(token.expose());
    for (_, value) in token.expose().split("; ").filter_map(|pair| pair.split_once('=')) {
        if value.len() >= COOKIE_SHORTEST {
            connection.redactor.learn(value);
        }
    }
}

fn is_failed(failed: &Failed, body: &Value) -> bool {
    let Some(value) = failed.at.find(body) else { return false };
    match &failed.is {
        Some(values) => values.iter().any(|bad| same(bad, value)),
        None => match value {
            Value::Null | Value::Bool(false) => false,
            Value::Bool(true) => true,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
        },
    }
}

/// The system's own words, by the connector's rules.
pub(super) fn message(connection: &Connection, body: &Value) -> Option<String> {
    let pointers = &connection.connector.errors.message;
    let text =
        pointers.iter().find_map(|pointer| pointer.find(body).and_then(scalar)).filter(|text| !text.is_empty())?;
    Some(fault::clean(&connection.redactor.mask(&text)))
}
