//! The span of one HTTP request: an attempt, a redirect, or a request that was sent again for a new token.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, Method, Uri};
use tracing::Span;
use tracing::field::Empty;

use super::ended_request::EndedRequest;
use super::metrics;
use crate::error::ErrorKind;
use crate::secret::Redactor;

/// A request that is about to be sent.
pub(crate) struct TracedRequest<'a> {
    pub(crate) verb: &'a Method,
    pub(crate) uri: &'a Uri,
    /// Masks the secrets of the connection.
    pub(crate) redactor: &'a Redactor,
    /// How often the request was sent before.
    pub(crate) resends: u32,
}

/// The trace of a request; nothing if nobody listens.
pub(crate) struct RequestTrace(Option<Box<RequestSpan>>);

struct RequestSpan {
    span: Span,
    operation: String,
    verb: Method,
    host: String,
    port: u16,
    is_ended: bool,
}

impl RequestTrace {
    pub(super) fn none() -> RequestTrace {
        RequestTrace(None)
    }

    pub(super) fn begin(call: &Span, operation: &str, sent: &TracedRequest<'_>) -> RequestTrace {
        let TracedRequest { verb, uri, redactor, resends } = sent;
        let port = uri.port_u16().unwrap_or(if uri.scheme() == Some(&http::uri::Scheme::HTTP) { 80 } else { 443 });
        let host = redactor.mask(uri.host().unwrap_or_default()).into_owned();
        let span = tracing::info_span!(
            parent: call,
            "request",
            otel.name = verb.as_str(),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = verb.as_str(),
            http.request.resend_count = Empty,
            http.response.status_code = Empty,
            url.full = Empty,
            server.address = host.as_str(),
            server.port = i64::from(port),
            error.type = Empty,
            opnode.operation = operation,
        );
        if !span.is_disabled() {
            span.record("url.full", shown_url(uri, redactor).as_str());
            if *resends > 0 {
                span.record("http.request.resend_count", i64::from(*resends));
            }
        }
        let (operation, verb) = (operation.to_owned(), (*verb).clone());
        RequestTrace(Some(Box::new(RequestSpan { span, operation, verb, host, port, is_ended: false })))
    }

    /// Adds `traceparent` and `tracestate` if the request is part of a trace, and has none of its own.
    #[cfg(feature = "otel")]
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        if let Some(own) = self.0.as_ref().filter(|own| !own.span.is_disabled()) {
            super::trace_header::insert(&own.span, headers);
        }
    }

    /// Adds nothing in this build.
    #[cfg(not(feature = "otel"))]
    pub(crate) fn add_headers(&self, _: &mut HeaderMap) {}

    /// The request has a reply.
    pub(crate) fn answered(self, status: u16, took: Duration) {
        let Some(mut own) = self.0 else { return };
        own.span.record("http.response.status_code", i64::from(status));
        let text = status.to_string();
        own.end((Some(status), (status >= 400).then_some(text.as_str())), took);
    }

    /// The request has no reply.
    pub(crate) fn failed(self, kind: ErrorKind, took: Duration) {
        if let Some(mut own) = self.0 {
            own.end((None, Some(kind.name())), took);
        }
    }
}

impl RequestSpan {
    fn end(&mut self, (status, error): (Option<u16>, Option<&str>), took: Duration) {
        self.is_ended = true;
        self.mark(error);
        metrics::request(&EndedRequest {
            operation: &self.operation,
            verb: &self.verb,
            host: &self.host,
            port: self.port,
            status,
            error,
            took,
        });
    }

    fn mark(&self, error: Option<&str>) {
        if let Some(error) = error {
            self.span.record("otel.status_code", "ERROR");
            self.span.record("error.type", error);
        }
    }
}

impl Drop for RequestSpan {
    /// A request whose call was dropped has no end of its own.
    fn drop(&mut self) {
        if !self.is_ended {
            self.mark(Some(ErrorKind::Cancelled.name()));
        }
    }
}

/// The address without secrets: those of the connection are masked, and each value of the query is.
fn shown_url(uri: &Uri, redactor: &Redactor) -> String {
    let text = uri.to_string();
    let (path, query) = text.split_once('?').map_or((text.as_str(), None), |(path, query)| (path, Some(query)));
    let mut shown = redactor.mask(path).into_owned();
    if let Some(query) = query {
        let hidden = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) => Cow::Owned(format!("{}=REDACTED", redactor.mask(name))),
            None => Cow::Borrowed("REDACTED"),
        });
        shown.push('?');
        shown.push_str(&hidden.collect::<Vec<_>>().join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        let redactor = Redactor::new(["open sesame", "k3y-of-the-hook"]);
        let cases = [
            ("https://desk.example.com/tickets", "https://desk.example.com/tickets"),
            ("https://desk.example.com/tickets?a=1&b=x%20y", "https://desk.example.com/tickets?a=REDACTED&b=REDACTED"),
            ("https://desk.example.com/hook/k3y-of-the-hook?x", "https://desk.example.com/hook/[secret]?REDACTED"),
            ("https://desk.example.com/?open%20sesame=1&a==", "https://desk.example.com/?[secret]=REDACTED&a=REDACTED"),
        ];
        for (uri, expected) in cases {
            assert_eq!(shown_url(&uri.parse().unwrap(), &redactor), expected);
        }
    }
}
