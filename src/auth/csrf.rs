//! A token against cross-site request forgery: fetched before the first request that needs it, kept with its cookies,
//! and fetched anew when the system refuses it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderName, Request, StatusCode};
use tokio::sync::Mutex;

use super::attach::{CsrfToken, RequestProof, attach};
use super::renew::TokenContext;
use super::{cookies, login, texts};
use crate::connection::Connection;
use crate::definition::{Csrf, Operation, Repeat, RequestPlace, TokenPlace};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::clean;
use crate::reply::{Response, charset};
use crate::retry::{self, Signal, asked_wait};
use crate::secret::Secret;

/// A connection's token.
#[derive(Default)]
pub(crate) struct CsrfCache(Mutex<Option<CsrfToken>>);

/// No token was obtained; nothing else was sent.
pub(crate) enum CsrfMiss {
    /// The credentials of `auth` were refused, as the reply says.
    Refused(Box<Response>),
    Failed {
        error: Error,
        signal: Option<Signal>,
        asked: Option<Duration>,
    },
}

impl From<Error> for CsrfMiss {
    fn from(error: Error) -> CsrfMiss {
        CsrfMiss::Failed { error, signal: None, asked: None }
    }
}

/// Whether an operation's requests carry the token.
pub(crate) fn is_needed(connection: &Connection, operation: &Operation) -> bool {
    let is_read = operation.repeat == Repeat::SafeRead;
    !operation.anonymous && connection.connector.csrf.as_ref().is_some_and(|rule| rule.for_reads || !is_read)
}

/// Whether a reply refuses the token: then nothing was done.
pub(crate) fn is_refused(connection: &Connection, response: &Response) -> bool {
    let Some(rule) = &connection.connector.csrf else { return false };
    let says =
        |name: &HeaderName| response.header(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("required"));
    let headers = [of_request(&rule.send.place), of_reply(&rule.token)];
    let named = response.status == StatusCode::FORBIDDEN && headers.into_iter().flatten().any(says);
    named || rule.renew_on.contains(&response.status.as_u16())
}

fn of_request(place: &RequestPlace) -> Option<&HeaderName> {
    match place {
        RequestPlace::Header(name) => Some(name),
        RequestPlace::Query(_) | RequestPlace::Cookie(_) => None,
    }
}

fn of_reply(place: &TokenPlace) -> Option<&HeaderName> {
    match place {
        TokenPlace::Header(name) => Some(name),
        TokenPlace::Body(_) | TokenPlace::Cookie(_) => None,
    }
}

impl CsrfCache {
    /// A token for the session of this access token; `rejected` is one that the system has just refused.
    pub(crate) async fn token(
        &self,
        context: &TokenContext,
        access: Option<&Secret>,
        rejected: Option<&CsrfToken>,
    ) -> Result<CsrfToken, CsrfMiss> {
        let mut kept = self.0.lock().await;
        let same = |one: Option<&Secret>, other: Option<&Secret>| one.map(Secret::expose) == other.map(Secret::expose);
        let good = |token: &&CsrfToken| {
            same(token.access.as_ref(), access)
                && rejected.is_none_or(|rejected| {
                    rejected.token.expose() != token.token.expose()
                        || !same(rejected.cookies.as_ref(), token.cookies.as_ref())
                })
        };
        if let Some(token) = kept.as_ref().filter(good) {
            return Ok(token.clone());
        }
        *kept = None;
        let fetched = fetch(context, access).await?;
        *kept = Some(fetched.clone());
        Ok(fetched)
    }
}

async fn fetch(context: &TokenContext, access: Option<&Secret>) -> Result<CsrfToken, CsrfMiss> {
    let connection = &context.connection;
    let rule = connection.connector.csrf.as_ref();
    let rule = rule.ok_or_else(|| Error::new(ErrorKind::Internal, "the connector declares no csrf token"))?;
    let request = request(connection, rule, &context.proof(access))?;
    let line = connection.redactor.mask(&format!("{} {}", request.method(), request.uri())).into_owned();
    let host = request.uri().host().unwrap_or_default().to_owned();
    let mut response = match context.transport.send(request, context.limits()).await {
        Ok(response) => response,
        Err(failure) => {
            let (error, is_final) = context.unreached(&format!("the server of the csrf token {host}"), failure);
            let signal = (!is_final).then_some(Signal::NotSent);
            return Err(CsrfMiss::Failed { error: error.with(|d| d.request = Some(line)), signal, asked: None });
        }
    };
    tracing::debug!(account = connection.account(), status = response.status.as_u16(), line, "csrf token");
    if response.status == StatusCode::UNAUTHORIZED {
        return Err(CsrfMiss::Refused(Box::new(response)));
    }
    let text = charset::decode(&mut response).map(|(text, _)| text).unwrap_or_default();
    let found = login::find(&rule.token, &response.headers, &text);
    let Some(found) = found.filter(|_| !response.status.is_server_error()) else {
        return Err(no_token(context, rule, &response, line));
    };
    let all = cookies::joined(&cookies::of(&response.headers));
    let token = match &rule.token {
        TokenPlace::Cookie(name) => Secret::new(cookies::value(found.expose(), name).unwrap_or_default()),
        TokenPlace::Body(_) | TokenPlace::Header(_) => found,
    };
    let cookies = (!all.is_empty()).then(|| Secret::new(all));
    std::iter::once(&token).chain(&cookies).for_each(|secret| login::learn(connection, secret));
    Ok(CsrfToken { token, cookies, access: access.cloned() })
}

fn request(connection: &Connection, rule: &Csrf, proof: &RequestProof<'_>) -> Result<Request<Bytes>> {
    let url = login::address(connection, connection.base(), &rule.path, &[])?;
    let mut request = Request::builder()
        .method(rule.verb.clone())
        .uri(url.as_str())
        .header(USER_AGENT, texts::AGENT)
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the request of the csrf token: {e}")))?;
    for rules in [&connection.connector.fixed.headers, &rule.headers] {
        for (name, value) in connection.headers(rules)? {
            request.headers_mut().insert(name, value);
        }
    }
    attach(connection, proof, &mut request)?;
    Ok(request)
}

fn no_token(context: &TokenContext, rule: &Csrf, response: &Response, line: String) -> CsrfMiss {
    let status = response.status;
    let signal = retry::signal(status, &response.headers).map(|signal| match signal {
        Signal::Throttled => Signal::Throttled,
        // The request that needs the token was not sent, so it may always be repeated.
        Signal::NotSent
        | Signal::Unprocessed
        | Signal::Refused
        | Signal::Busy
        | Signal::Transient(_)
        | Signal::Lost
        | Signal::Unreadable => Signal::Unprocessed,
    });
    let kind = match (signal, status.as_u16()) {
        (Some(Signal::Throttled), _) => ErrorKind::RateLimited,
        (Some(_), _) => ErrorKind::Unavailable,
        (None, 403) => ErrorKind::Forbidden,
        (None, _) => ErrorKind::BadResponse,
    };
    let what = login::shown(&rule.token);
    let message = format!("the reply to {} {} has no {what} ({})", rule.verb, rule.path, status.as_u16());
    let asked = asked_wait(&response.headers, context.clock.wall()).filter(|_| signal.is_some());
    let error = Error::new(kind, clean(&message)).with(|d| {
        d.http_status = Some(status.as_u16());
        d.request = Some(line);
        d.retry_after_ms = asked.map(|asked| asked.as_millis() as u64);
    });
    CsrfMiss::Failed { error, signal, asked }
}
