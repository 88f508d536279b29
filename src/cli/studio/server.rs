//! The page's server: its files, and the JSON service. The only file of the page that uses the HTTP framework.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::Listener;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION,
    REFERRER_POLICY, SET_COOKIE,
};
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

use super::guard::{PageGuard, Refusal};
use super::page::{self, PageFile};
use crate::cli::service::{
    BatchStart, BatchText, CommandEnd, CompletionRequest, ConditionRequest, ConnectionToSave, CopyForm, DefinitionText,
    FileToWrite, ImportRequest, ItemAction, ItemRequest, NamedConnection, NewConnector, RawCallRequest, RawCallToSave,
    SearchRequest, Service, ServiceCall, ValuesRequest,
};
use crate::error::{Error, ErrorKind, Result};

/// The largest body of a request: items of a write.
const BODY_MAX: usize = 64 << 20;
/// How often an open page is told that the server is there.
const BEAT: Duration = Duration::from_secs(15);

/// Headers of every reply: nothing of another origin is loaded, and no other page shows or reads this one.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// The largest body of the form with the password.
const FORM_MAX: usize = 4 << 10;
/// How long a wrong password takes.
const WRONG_PASSWORD: Duration = Duration::from_secs(1);

/// The page with the password.
const SIGN_IN_PAGE: &str = include_str!("page/sign-in.html");
const SIGN_IN_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What the handlers share.
pub(super) struct StudioServer {
    guard: PageGuard,
    service: Service,
    /// When something was asked last. The number of open pages is that of the receivers.
    asked: watch::Sender<Instant>,
    /// Passwords are tried one after the other.
    signing_in: Mutex<()>,
}

impl StudioServer {
    pub(super) fn new(guard: PageGuard, service: Service) -> StudioServer {
        StudioServer { guard, service, asked: watch::Sender::new(Instant::now()), signing_in: Mutex::default() }
    }

    pub(super) fn opening_address(&self) -> String {
        self.guard.opening_address()
    }

    /// Serves until the task is dropped.
    pub(super) async fn serve<L>(self: Arc<StudioServer>, listener: L) -> std::io::Result<()>
    where
        L: Listener,
        L::Addr: std::fmt::Debug,
    {
        axum::serve(listener, axum::Router::new().fallback(handle).with_state(self)).await
    }

    /// Returns when nobody has asked for this long, and no page is open.
    pub(super) async fn idle(&self, limit: Duration) {
        loop {
            let since = self.asked.borrow().elapsed();
            if since >= limit && self.asked.receiver_count() == 0 {
                return;
            }
            let left = limit.checked_sub(since).unwrap_or(BEAT);
            tokio::time::sleep(left.max(Duration::from_millis(50))).await;
        }
    }
}

async fn handle(State(server): State<Arc<StudioServer>>, request: Request) -> Response {
    server.asked.send_replace(Instant::now());
    let mut response = answer(&server, request).await;
    for (name, value) in HEADERS {
        let value = http::HeaderValue::from_static(value);
        response.headers_mut().entry(HeaderName::from_static(name)).or_insert(value);
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(http::HeaderValue::from_static("no-store"));
    response
}

async fn answer(server: &Arc<StudioServer>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let query = QueryParts(head.uri.query().unwrap_or_default().to_owned());
    if let (&Method::GET, "/", Some(token)) = (&head.method, path.as_str(), query.text("token")) {
        return match server.guard.exchange(&head.headers, &token) {
            Some(cookie) => reply(StatusCode::SEE_OTHER, &[(LOCATION, "/"), (SET_COOKIE, &cookie)], Body::empty()),
            None => refused(Refusal::Unknown),
        };
    }
    if let Err(refusal) = server.guard.check(&head.method, &head.headers) {
        let asks = server.guard.has_password() && server.guard.is_for_this_page(&head.headers);
        return match (asks, refusal, &head.method, path.as_str()) {
            (true, Refusal::Unknown, &Method::GET, "/") => sign_in_page(""),
            (true, Refusal::Unknown, &Method::GET, "/studio.css" | "/icon.svg") => own_file(&head.headers, &path),
            (true, Refusal::Unknown | Refusal::Form, &Method::POST, "/sign-in") => {
                sign_in(server, &head.headers, body).await
            }
            _ => refused(refusal),
        };
    }
    match (&head.method, path.strip_prefix("/api/v1/")) {
        (&Method::GET, None) => own_file(&head.headers, &path),
        (&Method::GET, Some(name)) => get(server, name, &query).await.unwrap_or_else(|error| fault(&error)),
        (&Method::POST, Some(name)) => match to_bytes(body, BODY_MAX).await {
            Ok(body) => post(server, name, &body).await.unwrap_or_else(|error| fault(&error)),
            Err(_) => fault(&Error::new(ErrorKind::Limit, "the request is larger than 64 MB")),
        },
        _ => reply(StatusCode::METHOD_NOT_ALLOWED, &[], Body::empty()),
    }
}

/// What is behind `?`.
struct QueryParts(String);

impl QueryParts {
    fn text(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.0.as_bytes());
        pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        let missing = || Error::new(ErrorKind::Usage, format!("`{name}` is missing")).advise("see docs/studio.md");
        self.text(name).map(PathBuf::from).ok_or_else(missing)
    }

    fn number(&self, name: &str, usual: usize) -> usize {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(usual)
    }
}

async fn get(server: &Arc<StudioServer>, name: &str, query: &QueryParts) -> Result<Response> {
    match name.split('/').collect::<Vec<_>>().as_slice() {
        ["about"] => aside(server, Service::about).await.map(|about| found(&about)),
        ["alive"] => Ok(alive(server)),
        ["operations", connector, id] => Ok(found(&server.service.describe(connector, id)?)),
        ["connections"] => Ok(found(&server.service.connections()?)),
        ["connections", "logins", id] => Ok(found(&server.service.sign_in_state(id)?)),
        ["connectors"] => aside(server, Service::connectors).await.map(|all| found(&all)),
        ["connectors", connector] => Ok(found(&server.service.connector(connector)?)),
        ["definitions", connector] => Ok(found(&server.service.definition_files(connector))),
        ["files"] => aside(server, |service| Ok(service.files())).await.map(|files| found(&files)),
        ["file"] => Ok(found(&server.service.file(&query.path("path")?)?)),
        ["history"] => aside(server, Service::history).await.map(json_text),
        ["history", run] => Ok(json_text(server.service.run_record(&query.path("state")?, run)?)),
        ["items"] => aside(server, Service::items).await.map(json_text),
        ["batches", "runs", id, "events"] => {
            let follower = server.service.batch_run(id)?.follower();
            Ok(events(futures_util::stream::unfold(follower, |mut follower| async move {
                let state = follower.next().await?;
                Some((event(&state), follower))
            })))
        }
        ["runs", id, "rows"] => {
            let rows = server.service.run(id)?.rows(query.number("first", 0), query.number("count", 100))?;
            Ok(json_text(rows))
        }
        ["runs", id, "events"] => {
            let follower = server.service.run(id)?.follower();
            let states = futures_util::stream::unfold(follower, |mut follower| async move {
                let state = follower.next().await?;
                Some((event(&state), follower))
            });
            Ok(events(states))
        }
        _ => Err(nothing(name)),
    }
}

async fn post(server: &Arc<StudioServer>, name: &str, body: &[u8]) -> Result<Response> {
    match name.split('/').collect::<Vec<_>>().as_slice() {
        ["search"] => {
            let request = read::<SearchRequest>(body)?;
            aside(server, move |service| service.search(&request)).await.map(|hits| found(&hits))
        }
        ["file"] => Ok(found(&server.service.write_file(&read::<FileToWrite>(body)?)?)),
        ["batches", "check"] => Ok(found(&server.service.check_batch(read::<BatchText>(body)?).await?)),
        ["batches", "complete"] => {
            let request = read::<CompletionRequest>(body)?;
            aside(server, move |service| service.complete(&request)).await.map(|proposals| found(&proposals))
        }
        ["batches", "plan"] => Ok(asked(server.service.plan_batch(&read::<BatchStart>(body)?).await)),
        ["batches", "run"] => {
            let run = server.service.run_batch(&read::<BatchStart>(body)?).await?;
            Ok(found(&json!({ "run": run.id() })))
        }
        ["batches", "runs", id, "cancel"] => {
            server.service.batch_run(id)?.cancel();
            Ok(found(&json!({})))
        }
        ["items", action] => {
            let action: ItemAction = serde_json::from_value(Value::from(*action)).map_err(|_| nothing(name))?;
            Ok(command_end(&server.service.act_on_item(action, &read::<ItemRequest>(body)?).await?))
        }
        ["connections", "save"] => Ok(found(&server.service.save_connection(&read::<ConnectionToSave>(body)?)?)),
        ["connections", "remove"] => Ok(found(&server.service.remove_connection(&read::<NamedConnection>(body)?)?)),
        ["connections", "test"] => Ok(found(&server.service.test_connection(&read::<NamedConnection>(body)?).await?)),
        ["connections", "login"] => Ok(found(&server.service.sign_in(&read::<NamedConnection>(body)?).await?)),
        ["calls"] => Ok(found(&server.service.raw_call(&read::<RawCallRequest>(body)?).await?)),
        ["calls", "save"] => Ok(command_end(&server.service.save_call(&read::<RawCallToSave>(body)?).await?)),
        ["definitions", "check"] => {
            let text = read::<DefinitionText>(body)?;
            aside(server, move |service| service.check_definition(&text)).await.map(|faults| found(&faults))
        }
        ["connectors", "new"] => Ok(command_end(&server.service.new_connector(&read::<NewConnector>(body)?).await?)),
        ["import"] => Ok(found(&server.service.import(&read::<ImportRequest>(body)?).await?)),
        ["values"] => Ok(json_text(server.service.values(&read::<ValuesRequest>(body)?).await?)),
        ["condition"] => Ok(asked(server.service.condition(&read::<ConditionRequest>(body)?))),
        ["plan"] => Ok(asked(server.service.plan(&read::<ServiceCall>(body)?).await)),
        ["sandbox", "reset"] => {
            server.service.reset_sandbox()?;
            Ok(found(&json!({})))
        }
        ["copy", form] => {
            let form: CopyForm = serde_json::from_value(Value::from(*form)).map_err(|_| nothing(name))?;
            let text = server.service.copy(&read::<ServiceCall>(body)?, form).await?;
            Ok(found(&json!({ "text": text })))
        }
        ["runs"] => {
            let run = server.service.start(&read::<ServiceCall>(body)?).await?;
            Ok(found(&json!({ "run": run.id() })))
        }
        ["runs", id, "cancel"] => {
            server.service.run(id)?.cancel();
            Ok(found(&json!({})))
        }
        ["runs", id, "remove"] => {
            server.service.remove(id)?;
            Ok(found(&json!({})))
        }
        _ => Err(nothing(name)),
    }
}

/// Work that takes a while, beside the answers to others.
async fn aside<T: Send + 'static>(
    server: &Arc<StudioServer>,
    work: impl FnOnce(&Service) -> Result<T> + Send + 'static,
) -> Result<T> {
    let own = Arc::clone(server);
    let done = tokio::task::spawn_blocking(move || work(&own.service)).await;
    done.map_err(|e| Error::new(ErrorKind::Internal, format!("the work ended: {e}")))?
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|e| {
        Error::new(ErrorKind::Usage, format!("the request is not valid: {e}")).advise("see docs/studio.md")
    })
}

fn nothing(name: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("there is no /api/v1/{name}")).advise("see docs/studio.md")
}

/// An open page.
fn alive(server: &Arc<StudioServer>) -> Response {
    let seen = server.asked.subscribe();
    let beats = futures_util::stream::unfold((seen, true), |(seen, is_first)| async move {
        if !is_first {
            tokio::time::sleep(BEAT).await;
        }
        Some((event(&json!({})), (seen, false)))
    });
    events(beats)
}

fn event(value: &impl std::fmt::Display) -> std::result::Result<Bytes, Infallible> {
    Ok(Bytes::from(format!("data: {value}\n\n")))
}

fn events(
    stream: impl futures_util::Stream<Item = std::result::Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    reply(StatusCode::OK, &[(CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream))
}

fn found(value: &Value) -> Response {
    json_text(value.to_string())
}

fn command_end(end: &CommandEnd) -> Response {
    found(&serde_json::to_value(end).unwrap_or_default())
}

fn json_text(text: String) -> Response {
    reply(StatusCode::OK, &[(CONTENT_TYPE, "application/json")], Body::from(text))
}

/// Takes the password of the form.
async fn sign_in(server: &StudioServer, headers: &HeaderMap, body: Body) -> Response {
    let _turn = server.signing_in.lock().await;
    let body = to_bytes(body, FORM_MAX).await.unwrap_or_default();
    let given =
        url::form_urlencoded::parse(&body).find(|(name, _)| name == "password").map(|(_, value)| value.into_owned());
    match given.and_then(|given| server.guard.sign_in(headers, &given)) {
        Some(cookie) => reply(StatusCode::SEE_OTHER, &[(LOCATION, "/"), (SET_COOKIE, &cookie)], Body::empty()),
        None => {
            tokio::time::sleep(WRONG_PASSWORD).await;
            sign_in_page("<p class=\"fault\" role=\"alert\">This is not the password.</p>")
        }
    }
}

fn sign_in_page(told: &str) -> Response {
    let text = SIGN_IN_PAGE.replace("TOLD", told);
    reply(
        StatusCode::OK,
        &[
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, SIGN_IN_POLICY),
            (REFERRER_POLICY, "same-origin"),
        ],
        Body::from(text),
    )
}

fn own_file(headers: &HeaderMap, path: &str) -> Response {
    match page::file(path) {
        Some(file) => page_file(headers, file),
        None => fault(&Error::new(ErrorKind::Usage, format!("there is no {path}"))),
    }
}

fn page_file(headers: &HeaderMap, file: PageFile) -> Response {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match accepted.split(',').any(|name| name.trim() == "gzip") {
        true => reply(StatusCode::OK, &[(CONTENT_TYPE, file.kind), (CONTENT_ENCODING, "gzip")], Body::from(file.gzip)),
        false => reply(StatusCode::OK, &[(CONTENT_TYPE, file.kind)], Body::from(file.text)),
    }
}

/// The answer to a question while a person types: a fault is no failure of the question.
fn asked(answer: Result<Value>) -> Response {
    match answer {
        Ok(value) => found(&value),
        Err(error) => found(&json!({ "error": shown(&error) })),
    }
}

/// An error with its faults, also if there is only one.
fn shown(error: &Error) -> Value {
    let mut value = error.to_json();
    if let Some(map) = value.as_object_mut() {
        map.insert("faults".into(), json!(error.to_faults()));
    }
    value
}

/// A failure, as everywhere: kind, message, advice, faults with their places.
fn fault(error: &Error) -> Response {
    let status = match error.kind() {
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let body = json!({ "error": shown(error) }).to_string();
    reply(status, &[(CONTENT_TYPE, "application/json")], Body::from(body))
}

fn refused(refusal: Refusal) -> Response {
    let text = match refusal {
        Refusal::Foreign => "This page is for the browser on this machine that opnode studio opened.\n",
        Refusal::Unknown => {
            "Open the address that `opnode studio` prints: it works once. Start it again for another browser.\n"
        }
        Refusal::Form => "The content type must be application/json.\n",
    };
    let kind = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    reply(StatusCode::FORBIDDEN, &kind, Body::from(text))
}

fn reply(status: StatusCode, headers: &[(HeaderName, &str)], body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
