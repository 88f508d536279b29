//! Builds an error from a reply's status and body, by the connector's rules. Pure.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::Value;

use crate::authoring::{Pointer, Source, scalar};
use crate::connection::Connection;
use crate::definition::{Auth, Meaning, Method, Operation, ReplyFormat, ReplyRule, ResultShape};
use crate::error::{Advice, Error, ErrorKind, Provider, ProviderDetail};
use crate::page::{Around, first_row, tree_of};
use crate::reply::{Response, charset, declared_form};
use crate::retry::{self, Signal};
use crate::secret::MASK;

/// Maximum characters of an external text in an error.
const EXCERPT_MAX: usize = 500;
/// Maximum bytes of an error body that are read.
const BODY_MAX: usize = 1 << 20;

/// The error in a reply, or `None` for a success.
pub(crate) fn check(connection: &Connection, operation: &Operation, reply: &Response) -> Option<Error> {
    let status = reply.status;
    let rule = &operation.response;
    if rule.empty.contains(&status.as_u16()) {
        return None;
    }
    let expected = is_success(operation, reply);
    if !expected {
        return Some(from_status(connection, operation, reply));
    }
    // Files and texts are passed on unchanged; only an explicit failure is an error.
    if !matches!(rule.result, ResultShape::File | ResultShape::Text) || !is_object(reply) {
        return None;
    }
    let success = connection.connector.errors.success.as_ref();
    let body = json(reply)?;
    if let Some(rule) = ruled(operation, reply, Some(&body)) {
        let is_success = matches!(rule.then, Meaning::Ok | Meaning::Empty);
        return (!is_success).then(|| by_rule(connection, operation, reply, Some(&body), rule));
    }
    let denied =
        success.is_some_and(|rule| rule.at.find(&body).is_some_and(|value| rule.judge(Some(value)) == Some(false)));
    denied.then(|| reported(connection, operation, reply, &body))
}

/// The first rule that a reply fits, with this body.
fn ruled<'o>(operation: &'o Operation, reply: &Response, body: Option<&Value>) -> Option<&'o ReplyRule> {
    let mut fitting = operation.reply_rules().filter(|r| r.fits_head(operation.method, reply.status, &reply.headers));
    fitting.find(|rule| rule.fits_body(|pointer| body.and_then(|body| pointer.find(body))))
}

/// The rule that decides the meaning of a reply before its items are read, with the body of an error. The rest of a
/// success is decided while it is read.
pub(crate) fn early_rule<'o>(operation: &'o Operation, reply: &Response) -> Option<(&'o ReplyRule, Option<Value>)> {
    let first = operation.reply_rules().find(|r| r.fits_head(operation.method, reply.status, &reply.headers))?;
    if !first.reads_body() {
        return Some((first, json(reply)));
    }
    if is_success(operation, reply) && !reply.is_blank() && !is_read_early(operation) {
        return None;
    }
    let body = body_of_rules(operation, reply);
    ruled(operation, reply, body.as_ref()).map(|rule| (rule, body))
}

/// Whether the status is a success of the operation.
fn is_success(operation: &Operation, reply: &Response) -> bool {
    let ok = &operation.response.ok;
    if ok.is_empty() { reply.status.is_success() } else { ok.contains(&reply.status.as_u16()) }
}

/// What rules read of a body: JSON, or of a success in another format its beginning.
fn body_of_rules(operation: &Operation, reply: &Response) -> Option<Value> {
    json(reply).or_else(|| is_success(operation, reply).then(|| first_of(operation, reply)).flatten())
}

/// Whether rules are asked before the body is read: what is read of these formats has no place for their pointers.
fn is_read_early(operation: &Operation) -> bool {
    let is_lines = match operation.response.format {
        ReplyFormat::Ndjson | ReplyFormat::Csv(_) => true,
        ReplyFormat::Json | ReplyFormat::Xml => false,
    };
    is_lines || operation.response.result == ResultShape::Text
}

/// What rules read of a body that is not JSON: the first line or row, or the whole text.
fn first_of(operation: &Operation, reply: &Response) -> Option<Value> {
    if !is_read_early(operation) {
        return None;
    }
    let (text, _) = charset::decode(&mut reply.clone()).ok()?;
    if operation.response.result == ResultShape::Text {
        return Some(Value::from(text));
    }
    match &operation.response.format {
        ReplyFormat::Ndjson => {
            text.lines().find(|line| !line.trim().is_empty()).and_then(|line| serde_json::from_str(line).ok())
        }
        ReplyFormat::Csv(rule) => first_row(rule, &text),
        ReplyFormat::Json | ReplyFormat::Xml => None,
    }
}

/// Whether a rule says that the credentials were not accepted.
pub(crate) fn is_unauthenticated(operation: &Operation, reply: &Response) -> bool {
    let asks = |rule: &ReplyRule| {
        rule.then == Meaning::Unauthenticated && rule.fits_head(operation.method, reply.status, &reply.headers)
    };
    operation.reply_rules().any(asks)
        && ruled(operation, reply, body_of_rules(operation, reply).as_ref())
            .is_some_and(|rule| rule.then == Meaning::Unauthenticated)
}

/// The error that a rule makes of a reply.
pub(crate) fn by_rule(
    connection: &Connection,
    operation: &Operation,
    reply: &Response,
    body: Option<&Value>,
    rule: &ReplyRule,
) -> Error {
    if let (Meaning::Failed, true, Some(body)) = (rule.then, reply.status.is_success(), body) {
        let error = reported(connection, operation, reply, body);
        return match &rule.advice {
            Some(advice) => error.advise(advice.clone()),
            None => error,
        };
    }
    let provider = provider(connection, reply, body);
    let (kind, what) = match rule.then {
        Meaning::RateLimited => LIMITED,
        Meaning::Unauthenticated => (ErrorKind::Unauthenticated, "did not accept the credentials"),
        Meaning::NotFound => (ErrorKind::NotFound, "has no such record"),
        Meaning::Retry => (ErrorKind::Unavailable, "did not process the request"),
        Meaning::Unknown | Meaning::Ok | Meaning::Empty => (ErrorKind::BadResponse, "does not say what was done"),
        Meaning::Failed => (ErrorKind::Rejected, "refused the request"),
    };
    let said = provider.message.clone().or_else(|| provider.details.iter().find_map(|d| d.message.clone()));
    let said = said.or_else(|| provider.code.clone()).map(|text| format!(": {text}")).unwrap_or_default();
    let message = format!("{} {what} ({}){said}", connection.connector.title, reply.status.as_u16());
    let error = dress(Error::new(kind, message), connection, operation, reply, provider);
    match &rule.advice {
        Some(advice) => error.advise(advice.clone()),
        None => error,
    }
}

fn is_object(reply: &Response) -> bool {
    reply.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&reply.body).trim_ascii_start().starts_with(b"{")
}

/// The error that a reply with a success status reports in its body.
pub(crate) fn reported(connection: &Connection, operation: &Operation, reply: &Response, body: &Value) -> Error {
    let provider = provider(connection, reply, Some(body));
    let said = provider.message.clone().or_else(|| provider.details.iter().find_map(|d| d.message.clone()));
    let said = said.map(|text| format!(": {text}")).unwrap_or_default();
    let message =
        format!("{} answered {} but reports a failure{said}", connection.connector.title, reply.status.as_u16());
    dress(Error::new(ErrorKind::Rejected, message), connection, operation, reply, provider)
}

/// The body as JSON, also if it is XML, in any charset; `None` also for one that is too large.
fn json(reply: &Response) -> Option<Value> {
    (reply.body.len() <= BODY_MAX).then(|| tree_of(reply)).flatten()
}

fn from_status(connection: &Connection, operation: &Operation, reply: &Response) -> Error {
    let body = json(reply);
    let provider = provider(connection, reply, body.as_ref());
    let limited = retry::signal(reply.status, &reply.headers) == Some(Signal::Throttled);
    let (kind, what) = if limited { LIMITED } else { meaning(reply.status) };
    let asked =
        reply.headers.contains_key(http::header::WWW_AUTHENTICATE) && unsigned(connection, operation, reply).is_some();
    let what = if asked { "requires authentication, and this call has none" } else { what };
    let detail = || {
        let detail = provider.details.first()?;
        let message = detail.message.clone()?;
        Some(detail.field.as_ref().map_or_else(|| message.clone(), |field| format!("{field}: {message}")))
    };
    let said = match (provider.message.clone().or_else(detail), reply.status.canonical_reason()) {
        (Some(message), _) => format!(": {message}"),
        (None, Some(reason)) => format!(" ({reason})"),
        (None, None) => String::new(),
    };
    let error = Error::new(kind, format!("{} {what} ({}){said}", connection.connector.title, reply.status.as_u16()));
    dress(error, connection, operation, reply, provider)
}

const LIMITED: (ErrorKind, &str) = (ErrorKind::RateLimited, "reports too many requests");

fn meaning(status: StatusCode) -> (ErrorKind, &'static str) {
    match status.as_u16() {
        401 => (ErrorKind::Unauthenticated, "did not accept the credentials"),
        407 => (ErrorKind::Connection, "is behind a proxy that did not accept its user name and password"),
        403 => (ErrorKind::Forbidden, "does not allow this call"),
        404 | 410 => (ErrorKind::NotFound, "has no such record"),
        409 | 412 | 423 => (ErrorKind::Conflict, "refused because of a conflict"),
        408 => (ErrorKind::Timeout, "timed out waiting for the request"),
        429 => LIMITED,
        425 => (ErrorKind::Unavailable, "refused the request as too early"),
        501 | 505 => (ErrorKind::Rejected, "does not support this request"),
        511 => (ErrorKind::Network, "was not reached: the network requires a sign-in"),
        521 | 523 | 525 | 526 => (ErrorKind::Unavailable, "could not be reached from the server in front of it"),
        300..=399 => (ErrorKind::Rejected, "sent a redirect that cannot be followed"),
        400..=499 => (ErrorKind::Rejected, "refused the request"),
        500..=599 => (ErrorKind::Unavailable, "failed to process the request"),
        _ => (ErrorKind::BadResponse, "answered with an unexpected status"),
    }
}

fn dress(error: Error, connection: &Connection, operation: &Operation, reply: &Response, provider: Provider) -> Error {
    // A rate limit with status 403 is not a permission error.
    let limited = error.kind() == ErrorKind::RateLimited && reply.status != StatusCode::TOO_MANY_REQUESTS;
    let own = if limited { None } else { advice(connection, operation, reply, &provider) };
    let advice =
        own.or_else(|| unsigned(connection, operation, reply)).or_else(|| general_advice(error.kind(), operation));
    error.with(|d| {
        d.advice = advice;
        d.operation = Some(operation.id.clone());
        d.http_status = Some(reply.status.as_u16());
        d.provider = provider;
    })
}

/// Advice for a 401 to a request without credentials: the requested scheme (RFC 9110, section 11.6.1), and why no
/// credentials were sent.
fn unsigned(connection: &Connection, operation: &Operation, reply: &Response) -> Option<Advice> {
    let why = match &connection.connector.auth {
        _ if reply.status != StatusCode::UNAUTHORIZED => return None,
        _ if operation.anonymous => "the operation is `anonymous`",
        Auth::None => "the connector has `auth: none`",
        Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Keys(_)
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::AwsSigv4(_)
        | Auth::Oauth2(_)
        | Auth::Login(_)
        | Auth::Refresh(_) => return None,
    };
    let challenges = reply.headers.get_all(http::header::WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok());
    let mut schemes: Vec<String> =
        challenges.filter_map(|c| c.split_whitespace().next()).map(|s| clean(s.trim_end_matches(','))).collect();
    schemes.dedup();
    let asks = if schemes.is_empty() {
        "the system names no authentication scheme".to_owned()
    } else {
        format!("the system asks for {}", schemes.join(" or "))
    };
    Some(format!("{why}, so no credentials were sent; {asks}").into())
}

fn general_advice(kind: ErrorKind, operation: &Operation) -> Option<Advice> {
    match kind {
        ErrorKind::Unauthenticated => Some(
            "check the connection's credentials; no request is repeated with a refused key, to avoid locking the account".into(),
        ),
        ErrorKind::Connection => {
            Some("correct the proxy's user name and password in the variable HTTPS_PROXY or HTTP_PROXY".into())
        }
        ErrorKind::Forbidden => {
            Some(format!("give the account of this connection the right to {}", operation.request_line()).into())
        }
        ErrorKind::RateLimited => {
            Some("lower `limits: { rate, concurrency }` of the connection, or try again later".into())
        }
        ErrorKind::Unavailable => Some("try again later".into()),
        _ => None,
    }
}

/// The connector's own advice: the first rule whose given parts all match.
fn advice(connection: &Connection, operation: &Operation, reply: &Response, provider: &Provider) -> Option<Advice> {
    let base = connection.base_of(operation).ok()?;
    let host = base.host_str().unwrap_or_default();
    let fits = |rule: &&crate::definition::Explain| {
        rule.status.is_none_or(|s| s == reply.status.as_u16())
            && rule.method.is_none_or(|m| Method::from(m) == operation.method)
            && (rule.hosts.is_empty() || rule.hosts.iter().any(|h| host_matches(h, host)))
            && rule.code.as_ref().is_none_or(|c| provider.code.as_ref() == Some(c))
    };
    connection.connector.errors.explain.iter().find(fits).map(|rule| rule.advice.clone().into())
}

fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix),
        None => host.eq_ignore_ascii_case(pattern),
    }
}

fn provider(connection: &Connection, reply: &Response, body: Option<&Value>) -> Provider {
    let rules = &connection.connector.errors;
    let tidy = |text: String| clean(&connection.redactor.mask(&text));
    let text = |pointers: &[Pointer], value: &Value| {
        pointers.iter().find_map(|p| p.find(value).and_then(scalar)).filter(|t| !t.is_empty()).map(tidy)
    };
    let mut provider = Provider::default();
    match body {
        Some(body) => {
            provider.code = text(&rules.code, body);
            provider.message = text(&rules.message, body);
            if let Some(details) = &rules.details {
                let found = details.list.find(body);
                let list = found.and_then(Value::as_array).into_iter().flatten();
                let field = |v: &Value| details.field.find(v).map(path_text).filter(|t| !t.is_empty()).map(tidy);
                let one = |p: &Pointer, v: &Value| p.find(v).and_then(scalar).filter(|t| !t.is_empty()).map(tidy);
                provider.details = list
                    .take(50)
                    .map(|v| ProviderDetail {
                        code: one(&details.code, v),
                        message: one(&details.message, v),
                        field: field(v),
                    })
                    .collect();
                // Some systems write them as a map of fields.
                let map = found.and_then(Value::as_object).into_iter().flatten().take(50);
                provider.details.extend(map.map(|(field, value)| ProviderDetail {
                    code: None,
                    message: words(value).map(tidy),
                    field: Some(tidy(field.clone())),
                }));
            }
            if provider.message.is_none() && provider.code.is_none() {
                provider.excerpt = excerpt(connection, &json_text(connection, reply, body));
            }
        }
        None => {
            let text = start(reply);
            provider.excerpt = html_title(&text)
                .map(|title| format!("a page titled \"{}\"", tidy(title)))
                .or_else(|| excerpt(connection, &text));
        }
    }
    let request_id = rules.request_id.as_ref().and_then(|source| match source {
        Source::Header(name) => reply.header(name).map(str::to_owned),
        Source::Body(pointer) => body.and_then(|b| pointer.find(b)).and_then(scalar),
    });
    provider.request_id = request_id.map(tidy);
    provider
}

/// The texts of a value: one, or those of a list.
fn words(value: &Value) -> Option<String> {
    let texts: Vec<String> = match value {
        Value::Array(list) => list.iter().filter_map(scalar).collect(),
        one => scalar(one).into_iter().collect(),
    };
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// A field name, also if it is a list of path elements.
fn path_text(value: &Value) -> String {
    match value {
        Value::Array(parts) => parts.iter().filter_map(scalar).collect::<Vec<_>>().join("."),
        other => scalar(other).unwrap_or_default(),
    }
}

/// Maximum bytes of a body that are masked before an excerpt is cut: enough that no half of a credential remains at the
/// end.
const MASKED_MAX: usize = 256 << 10;

fn start(reply: &Response) -> Cow<'_, str> {
    // Byte order marks are not text.
    let marks = [&b"\xEF\xBB\xBF"[..], b"\xFE\xFF", b"\xFF\xFE"];
    let body = marks.iter().find_map(|mark| reply.body.strip_prefix(*mark)).unwrap_or(&*reply.body);
    joined(String::from_utf8_lossy(body.get(..MASKED_MAX).unwrap_or(body)))
}

/// Two-byte text that was read bytewise, without the NULs: masking looks for whole words.
fn joined(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { text }
}

/// The start of an external text, masked before it is cut.
fn excerpt(connection: &Connection, text: &str) -> Option<String> {
    let masked = connection.redactor.mask(text);
    // The very end may contain half of a credential, so white space before it must not move it into the excerpt.
    let text = clean(if text.len() < MASKED_MAX { masked.trim() } else { &masked });
    (!text.is_empty()).then_some(text)
}

/// A JSON body as received; or reserialized, if a credential is hidden by optional JSON escapes (`\/`, `\u0026`).
fn json_text<'b>(connection: &Connection, reply: &'b Response, body: &Value) -> Cow<'b, str> {
    let plain = body.to_string();
    if reply.body.is_empty() {
        return Cow::Owned(plain);
    }
    match connection.redactor.mask(&plain) {
        Cow::Borrowed(_) => start(reply),
        Cow::Owned(_) => Cow::Owned(plain),
    }
}

/// Maximum characters of the excerpt where a reply stops being JSON.
const NEAR_MAX: usize = 24;

/// The text at a position in a reply; only the mask if a credential crosses the position, because half of it would stay
/// visible.
pub(crate) fn near(connection: &Connection, around: &Around) -> Option<String> {
    let (before, after) = (joined(Cow::Borrowed(&around.before)), joined(Cow::Borrowed(&around.after)));
    if after.is_empty() {
        return (!before.is_empty()).then(|| "(the body ends there)".into());
    }
    let mask = |text: &str| connection.redactor.mask(text).into_owned();
    let apart = mask(&before) + &mask(&after);
    let shown = if mask(&format!("{before}{after}")) == apart { mask(&after) } else { MASK.to_owned() };
    Some(clean(&shown.chars().take(NEAR_MAX).collect::<String>()))
}

/// External text, safe to show: one line, no control characters or terminal escapes, capped.
pub(crate) fn clean(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(EXCERPT_MAX).collect::<String>();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The title of a text that is an HTML page.
fn html_title(text: &str) -> Option<String> {
    let start: String = text.chars().take(MASKED_MAX).collect();
    if !start.trim_start().starts_with('<') {
        return None;
    }
    let lower = start.to_ascii_lowercase();
    let from = lower.find("<title").and_then(|at| lower.get(at..)?.find('>').map(|gt| at + gt + 1))?;
    let to = lower.get(from..)?.find("</title")? + from;
    start.get(from..to).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}

/// Whether markup is a web page rather than data.
/// Whether a body is a web page with a title.
pub(crate) fn has_title(reply: &Response) -> bool {
    html_title(&start(reply)).is_some()
}

fn starts_as_html(body: &[u8]) -> bool {
    let starts =
        |name: &[u8]| body.trim_ascii_start().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    starts(b"<!doctype html") || starts(b"<html")
}

/// A web page instead of data: a maintenance or sign-in page.
pub(crate) fn page_for_people(connection: &Connection, operation: &Operation, reply: &Response) -> Option<Error> {
    let body = reply.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&reply.body);
    let first = body.iter().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0 | 0xFE | 0xFF));
    // The label alone does not make it a page: some servers label everything text/html.
    let html = match &operation.response.format {
        ReplyFormat::Json => {
            first == Some(&b'<') || (!matches!(first, Some(b'{' | b'[')) && reply.media_type() == "text/html")
        }
        ReplyFormat::Ndjson | ReplyFormat::Csv(_) => first == Some(&b'<'),
        ReplyFormat::Xml => starts_as_html(body),
    };
    if !html || reply.is_blank() || declared_form(reply).is_some() {
        return None;
    }
    let text = start(reply);
    let title =
        html_title(&text).map(|t| format!(" titled \"{}\"", clean(&connection.redactor.mask(&t)))).unwrap_or_default();
    Some(
        Error::new(
            ErrorKind::BadResponse,
            format!("{} sent a web page{title} instead of data", connection.connector.title),
        )
        .advise("the system may be in maintenance, or the address may be that of its sign-in page")
        .with(|d| {
            d.http_status = Some(reply.status.as_u16());
            d.provider.excerpt = excerpt(connection, &text);
        }),
    )
}

/// Whether a reply refuses the access token: by 401, or by `invalid_token` with any refusal (RFC 6750, section 3.1).
pub(crate) fn refuses_token(response: &Response) -> bool {
    let says = |v: &http::HeaderValue| v.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("invalid_token"));
    let status = response.status;
    status == http::StatusCode::UNAUTHORIZED
        || (!status.is_success() && response.headers.get_all(http::header::WWW_AUTHENTICATE).iter().any(says))
}
