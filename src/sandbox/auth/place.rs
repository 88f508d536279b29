//! Reads credentials from their places of a request. Pure.

use http::header::COOKIE;

use crate::definition::{PlacedText, RequestPlace};
use crate::sandbox::http::{SandboxCall, values};

/// The text in a place of a request.
pub(super) fn given<'c>(call: &'c SandboxCall, place: &RequestPlace) -> Option<&'c str> {
    match place {
        RequestPlace::Header(name) => call.header(name),
        RequestPlace::Query(name) => call.parameter(name),
        RequestPlace::Cookie(name) => cookie(call, name),
    }
}

/// The value of a cookie.
pub(super) fn cookie<'c>(call: &'c SandboxCall, name: &str) -> Option<&'c str> {
    let fields = call.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// The value of a name in the text of a place, such as the token in `Bearer {token}`.
pub(super) fn named(call: &SandboxCall, send: &PlacedText, name: &str) -> Option<String> {
    let found = values(&send.value, given(call, &send.place)?)?;
    found.into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
}
