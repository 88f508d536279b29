//! Log events (`tracing`) of each exchange: a line at `debug`, headers and waits at `trace`. They never contain a
//! credential: addresses and values are masked, and only allowed headers are logged.

use std::time::Duration;

use http::HeaderMap;

use super::{Call, Outgoing};
use crate::connection::Connection;
use crate::fault;
use crate::reply::Response;

/// Headers that are logged.
const LOGGED: [&str; 18] = [
    "accept",
    "accept-encoding",
    "age",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "if-match",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "server",
    "via",
    "x-correlation-id",
    "x-request-id",
    "x-total-count",
];
/// Prefixes of logged headers that contain rate limits.
const LIMITS: [&str; 3] = ["ratelimit", "x-ratelimit", "x-rate-limit"];

/// An exchange with a reply.
pub(super) fn exchange(connection: &Connection, call: &Call, request: Outgoing<'_>, reply: &Response, took: Duration) {
    let (status, bytes, ms) = (reply.status.as_u16(), reply.body.size(), took.as_millis() as u64);
    let url = || connection.redactor.mask(&request.head.uri.to_string()).into_owned();
    tracing::debug!(operation = %call.operation.id, account = connection.account(), verb = %request.head.method, url = %url(), status, bytes, ms, "exchange");
    headers(connection, "sent", &request.head.headers);
    headers(connection, "received", &reply.headers);
}

/// An exchange without a reply.
pub(super) fn no_reply(connection: &Connection, call: &Call, request: Outgoing<'_>, why: &str, took: Duration) {
    let url = || connection.redactor.mask(&request.head.uri.to_string()).into_owned();
    let why = || connection.redactor.mask(why).into_owned();
    tracing::debug!(operation = %call.operation.id, account = connection.account(), verb = %request.head.method, url = %url(), why = %why(), ms = took.as_millis() as u64, "no reply");
    headers(connection, "sent", &request.head.headers);
}

/// A request that waits for the rate limit.
pub(super) fn turn(connection: &Connection, call: &Call, wait: Duration) {
    if !wait.is_zero() {
        tracing::trace!(operation = %call.operation.id, account = connection.account(), wait_ms = wait.as_millis() as u64, "turn");
    }
}

fn headers(connection: &Connection, way: &str, headers: &HeaderMap) {
    tracing::trace!(account = connection.account(), way, headers = %logged(connection, headers), "headers");
}

/// The logged headers, one per line.
fn logged(connection: &Connection, headers: &HeaderMap) -> String {
    let is_told = |name: &str| LOGGED.contains(&name) || LIMITS.iter().any(|limit| name.starts_with(limit));
    let lines =
        headers.iter().filter(|(name, value)| is_told(name.as_str()) && !value.is_sensitive()).map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            // A value that is not an address may contain a credential in a form that the redactor does not know.
            if name == http::header::LOCATION && value.parse::<http::Uri>().is_err() {
                return format!("{name}: (not a URL)");
            }
            format!("{name}: {}", fault::clean(&connection.redactor.mask(&value)))
        });
    lines.collect::<Vec<_>>().join("\n")
}
