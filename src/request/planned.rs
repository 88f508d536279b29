//! Requests as they are shown in plans. Pure.

use bytes::Bytes;
use serde::Serialize;

use crate::connection::Connection;
use crate::secret::MASK;

/// A request in a plan: exactly what would be sent, credentials masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedRequest {
    /// HTTP verb.
    pub verb: String,
    /// Full URL.
    pub url: String,
    /// Headers, sorted by name, credentials masked.
    pub headers: Vec<(String, String)>,
    /// Body, if there is one and it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The request for a plan.
pub(crate) fn planned(connection: &Connection, request: &http::Request<Bytes>) -> PlannedRequest {
    let mask = |text: &str| connection.redactor.mask(text).into_owned();
    let mut headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                if value.is_sensitive() { MASK.to_owned() } else { mask(&String::from_utf8_lossy(value.as_bytes())) },
            )
        })
        .collect();
    headers.sort();
    let body = (!request.body().is_empty()).then(|| match std::str::from_utf8(request.body()) {
        Ok(text) => mask(text),
        Err(_) => format!("({} bytes)", request.body().len()),
    });
    // The mask of a credential in the query is not encoded.
    let url = mask(&request.uri().to_string()).replace("%5Bsecret%5D", MASK);
    PlannedRequest { verb: request.method().to_string(), url, headers, body }
}
