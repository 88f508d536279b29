//! Builds an HTTP request without credentials from an operation and its options. Pure.
//!
//! Values are encoded exactly once, here; a path value cannot change the path.

mod address;
mod cursor;
pub(crate) mod form;
mod inserted;
mod planned;
mod style;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use crate::authoring::{Target, Text, is_cookie_value};
use crate::definition::Location;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::escape;
pub use cursor::Cursor;
pub(crate) use inserted::{Inserted, RequestInput};
pub use planned::PlannedRequest;
pub(crate) use planned::planned;
pub(crate) use style::encode as encoded;
use style::joined;

/// A body and its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestBody {
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// Builds the request for one page or one item.
pub(crate) fn build(parts: &Inserted<'_>, body: Option<RequestBody>) -> Result<http::Request<Bytes>> {
    let Inserted { connection, operation, cursor, .. } = *parts;
    let url = match &cursor.url {
        Some(next) => Url::parse(next)
            .map_err(|e| Error::new(ErrorKind::BadResponse, format!("the next page's address is not a URL: {e}")))?,
        None => address::address(parts)?,
    };
    match &cursor.url {
        Some(_) => connection.check_named(operation, &operation.verb, &url)?,
        None => connection.check_request(operation, &url)?,
    }
    let mut request = http::Request::builder().method(operation.verb.clone()).uri(url.as_str());
    if let Some(headers) = request.headers_mut() {
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("opnode/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static(operation.response.format.accept()));
        if let Some(body) = &body {
            headers.insert(CONTENT_TYPE, connection.header_value(&CONTENT_TYPE, &body.content_type)?);
        }
        put_headers(parts, headers)?;
        put_cookies(parts, headers)?;
    }
    request.body(body.map(|b| b.bytes).unwrap_or_default()).map_err(|e| {
        Error::new(ErrorKind::InvalidOptions, format!("the options give a request that cannot be sent: {e}"))
            .advise("shorten the options; an address can have at most 64 KiB")
    })
}

fn put_headers(parts: &Inserted<'_>, headers: &mut HeaderMap) -> Result<()> {
    let Inserted { connection, operation, cursor, .. } = *parts;
    for (name, text) in operation.connector.fixed.headers.iter().chain(&operation.fixed.headers) {
        if let Some(value) = parts.render(text, str::to_owned)? {
            let value = connection.constant_header(name, &value).map_err(|e| of_option(parts, text, e))?;
            headers.insert(name.clone(), value);
        }
    }
    let field = |name: &str| Place::field(format!("/{}", escape(name)));
    for rule in operation.options.iter().filter(|o| o.location == Location::Header) {
        let Ok(name) = HeaderName::from_bytes(rule.wire_name().as_bytes()) else { continue };
        let Some(text) = parts.with_value(rule, |given| joined(rule, given, str::to_owned))? else { continue };
        let value = connection
            .header_value(&name, &text?)
            .map_err(|e| e.at(field(&rule.name)).with(|d| d.kind = ErrorKind::InvalidOptions))?;
        headers.insert(name, value);
    }
    let size = address::size(parts).and_then(|(target, text)| match target {
        Target::Header(name) => Some((name.to_string(), text)),
        Target::Query(_) | Target::Body(_) | Target::Path(_) | Target::Text(_) => None,
    });
    for (name, value) in size.iter().chain(&cursor.headers) {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|e| Error::new(ErrorKind::Internal, format!("a cursor's header: {e}")))?;
        let value = connection.header_value(&name, value).map_err(|e| e.with(|d| d.kind = ErrorKind::BadResponse))?;
        headers.insert(name, value);
    }
    Ok(())
}

/// The error of a constant text: the fault is in an option that it contains, if there is one.
fn of_option(parts: &Inserted<'_>, text: &Text, error: Error) -> Error {
    let is_given = |name: &&str| {
        let rule = parts.operation.option(name).filter(|o| o.location == Location::Text);
        rule.is_some_and(|rule| matches!(parts.with_value(rule, |_| ()), Ok(Some(()))))
    };
    match text.names().find(is_given) {
        None => error,
        Some(name) => {
            let message = format!("`{name}` has a character that is not allowed there: {}", error.message);
            let place = Place::field(format!("/{}", escape(name)));
            error.at(place).with(|d| (d.kind, d.message) = (ErrorKind::InvalidOptions, message))
        }
    }
}

/// All cookies as one header (RFC 6265, section 5.4).
fn put_cookies(parts: &Inserted<'_>, headers: &mut HeaderMap) -> Result<()> {
    let operation = parts.operation;
    let own = &operation.fixed.cookies;
    let shared = operation.connector.fixed.cookies.iter().filter(|(name, _)| own.iter().all(|(n, _)| n != name));
    let mut pairs = Vec::new();
    for (name, text) in shared.chain(own) {
        if let Some(value) = parts.render(text, str::to_owned)? {
            if !is_cookie_value(&value) {
                let message = format!("the cookie {name} would contain characters that are not allowed");
                return Err(of_option(parts, text, Error::new(ErrorKind::Connection, message)));
            }
            pairs.push(format!("{name}={value}"));
        }
    }
    for rule in operation.options.iter().filter(|o| o.location == Location::Cookie) {
        let Some(text) = parts.with_value(rule, |given| joined(rule, given, str::to_owned))? else { continue };
        let text = text?;
        if !is_cookie_value(&text) {
            let message = format!("`{}` contains characters that a cookie cannot have", rule.name);
            let place = Place::field(format!("/{}", escape(&rule.name)));
            return Err(Error::new(ErrorKind::InvalidOptions, message).at(place));
        }
        pairs.push(format!("{}={text}", rule.wire_name()));
    }
    if !pairs.is_empty() {
        headers.insert(COOKIE, parts.connection.constant_header(&COOKIE, &pairs.join("; "))?);
    }
    Ok(())
}
