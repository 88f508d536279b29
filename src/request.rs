//! Builds an HTTP request without credentials from an operation and its options. Pure.
//!
//! Values are encoded exactly once, here; a path value is one segment and cannot change the path.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::authoring::{TextPart, kind_of};
use crate::connection::Connection;
use crate::definition::{Location, Operation, OptionRule};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::Item;
use crate::json_pointer::escape;
use crate::json_text::value_of;
use crate::options::{Given, Options};
use crate::secret::MASK;

/// All characters except RFC 3986's unreserved ones are encoded: servers differ in which characters they treat as
/// special.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A body and its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestBody {
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

impl RequestBody {
    pub(crate) fn json(text: impl Into<String>) -> RequestBody {
        RequestBody { content_type: "application/json".into(), bytes: Bytes::from(text.into()) }
    }
}

/// Where a page starts, as parameters of a request. Plain data: a walk can be resumed from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// The whole URL, if the server named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// The parts of one request.
#[derive(Clone, Copy)]
pub(crate) struct RequestInput<'a> {
    pub(crate) options: &'a Options,
    pub(crate) item: Option<Item<'a>>,
    pub(crate) body: Option<&'a RequestBody>,
    pub(crate) page_size: Option<(&'a str, u32)>,
}

/// Builds the request for one page or one item.
pub(crate) fn build(
    connection: &Connection,
    operation: &Operation,
    input: RequestInput<'_>,
    cursor: &Cursor,
) -> Result<http::Request<Bytes>> {
    let url = match &cursor.url {
        Some(next) => Url::parse(next)
            .map_err(|e| Error::new(ErrorKind::BadResponse, format!("the next page's address is not a URL: {e}")))?,
        None => address(connection, operation, input, cursor)?,
    };
    connection.check_request(operation, &url)?;
    let body = body(operation, input)?;
    let mut request = http::Request::builder().method(operation.verb.clone()).uri(url.as_str());
    if let Some(headers) = request.headers_mut() {
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("opnode/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = &body {
            headers.insert(CONTENT_TYPE, connection.header_value(&CONTENT_TYPE, &body.content_type)?);
        }
        for rules in [&connection.connector.headers, &operation.headers] {
            for (name, value) in connection.headers(rules)? {
                headers.insert(name, value);
            }
        }
        for rule in operation.options.iter().filter(|o| o.location == Location::Header) {
            if let (Some(value), Ok(name)) =
                (input.options.get(&rule.name), HeaderName::from_bytes(rule.name.as_bytes()))
            {
                let text = joined(rule, value, str::to_owned)?;
                let value = connection.header_value(&name, &text).map_err(|e| {
                    e.at(Place::field(format!("/{}", escape(&rule.name)))).with(|d| d.kind = ErrorKind::InvalidOptions)
                })?;
                headers.insert(name, value);
            }
        }
        for (name, value) in &cursor.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|e| Error::new(ErrorKind::Internal, format!("a cursor's header: {e}")))?;
            let value =
                connection.header_value(&name, value).map_err(|e| e.with(|d| d.kind = ErrorKind::BadResponse))?;
            headers.insert(name, value);
        }
    }
    request.body(body.map(|b| b.bytes).unwrap_or_default()).map_err(|e| {
        Error::new(ErrorKind::InvalidOptions, format!("the options give a request that cannot be sent: {e}"))
            .advise("shorten the options; an address can have at most 64 KiB")
    })
}

fn address(connection: &Connection, operation: &Operation, input: RequestInput<'_>, cursor: &Cursor) -> Result<Url> {
    let base = connection.base_of(operation)?;
    let mut text = base.as_str().trim_end_matches('/').to_owned();
    text.push_str(&path(operation, input)?);
    let mut separator = if base.query().is_some() { '&' } else { '?' };
    let mut push = |name: &str, value: &str| {
        text.push(separator);
        separator = '&';
        text.extend(utf8_percent_encode(name, STRICT));
        text.push('=');
        text.push_str(value);
    };
    for rule in operation.options.iter().filter(|o| o.location == Location::Query) {
        let Some(given) = input.options.get(&rule.name).filter(|given| !given.value().is_null()) else { continue };
        match given.elements().filter(|_| rule.repeat) {
            Some(list) => {
                for element in list {
                    push(&rule.name, &encode(&single(rule, element)?));
                }
            }
            None => push(&rule.name, &joined(rule, given, encode)?),
        }
    }
    if let Some((name, size)) = input.page_size {
        push(name, &size.to_string());
    }
    for (name, value) in &cursor.query {
        push(name, &encode(value));
    }
    Url::parse(&text).map_err(|e| {
        Error::new(ErrorKind::InvalidOptions, format!("the options give an address that is not a URL: {e}"))
    })
}

/// The path with its parameters: options first, then the item's field with the same name.
fn path(operation: &Operation, input: RequestInput<'_>) -> Result<String> {
    let mut fields = None;
    let mut out = String::new();
    for part in operation.path.parts() {
        let name = match part {
            TextPart::Literal(text) => {
                out.push_str(text);
                continue;
            }
            TextPart::Name(name) => name,
        };
        if let Some(given) = input.options.get(name) {
            out.push_str(&segment(name, Some(given))?);
            continue;
        }
        let fields = fields.get_or_insert_with(|| input.item.and_then(Item::fields).unwrap_or_default());
        let raw = fields.iter().find(|(n, _)| n == name).map(|(_, raw)| raw.get());
        let value = raw.map(|raw| value_of(raw).unwrap_or_else(|_| Value::from(raw)));
        out.push_str(&segment(name, value.as_ref().map(|value| Given::new(value, raw)))?);
    }
    Ok(out)
}

/// One path segment. Empty, `.` and `..` are refused because even encoded they can change the path (RFC 3986, 5.2.4).
fn segment(name: &str, given: Option<Given<'_>>) -> Result<String> {
    let refuse = |message: String| {
        Err(Error::new(ErrorKind::InvalidOptions, message).at(Place::field(format!("/{}", escape(name)))))
    };
    let Some(given) = given else {
        return refuse(format!("`{name}` is missing: give it as an option, or as a field of the item"));
    };
    let Some(text) = given.scalar() else {
        return refuse(format!("`{name}` must be text or a number, not {}", kind_of(given.value())));
    };
    let plain = text.trim();
    if plain.is_empty() || plain == "." || plain == ".." {
        return refuse(format!(
            "`{name}` is {}: it would change the path of the address",
            if plain.is_empty() { "empty" } else { plain }
        ));
    }
    if text.chars().any(char::is_control) {
        return refuse(format!("`{name}` contains a control character"));
    }
    Ok(encode(&text))
}

fn body(operation: &Operation, input: RequestInput<'_>) -> Result<Option<RequestBody>> {
    if let Some(body) = input.body {
        return Ok(Some(body.clone()));
    }
    let fields = body_fields(operation, input.options);
    Ok((!fields.is_empty()).then(|| RequestBody::json(format!("{{{}}}", fields.join(",")))))
}

/// The options in the body, as members of its object, digit for digit.
pub(crate) fn body_fields(operation: &Operation, options: &Options) -> Vec<String> {
    let rules = operation.options.iter().filter(|o| o.location == Location::Body);
    let mut fields: Vec<(&str, Given<'_>)> =
        rules.filter_map(|o| options.get(&o.name).map(|given| (o.name.as_str(), given))).collect();
    fields.sort_by_key(|(name, _)| *name);
    fields.into_iter().map(|(name, given)| format!("{}:{}", Value::from(name), given.json())).collect()
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// A value as one parameter; array elements are encoded one by one and joined by plain commas (OpenAPI style=form,
/// explode=false).
fn joined(rule: &OptionRule, given: Given<'_>, encode: impl Fn(&str) -> String) -> Result<String> {
    match given.elements() {
        Some(list) => {
            Ok(list.into_iter().map(|v| single(rule, v).map(|t| encode(&t))).collect::<Result<Vec<_>>>()?.join(","))
        }
        None => single(rule, given).map(|text| encode(&text)),
    }
}

fn single<'a>(rule: &OptionRule, given: Given<'a>) -> Result<Cow<'a, str>> {
    given.scalar().ok_or_else(|| {
        Error::new(ErrorKind::InvalidOptions, format!("`{}` cannot be sent as {}", rule.name, kind_of(given.value())))
            .at(Place::field(format!("/{}", escape(&rule.name))))
    })
}

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
