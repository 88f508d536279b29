//! The exchanges of a case: the expected requests and their replies, read from the case's folder and served as a
//! transport.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use bytes::Bytes;
use opnode::{ExchangeLimits, Failure, FailureKind, Response, Result, Transport};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::yaml;

/// Files of a case besides its numbered exchanges.
const FILES: [&str; 3] = ["call.yaml", "expect.json", "expect.error.yaml"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestFile {
    request: String,
    /// How often it must be sent in succession; each gets the same reply.
    #[serde(default = "once")]
    times: usize,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    /// The body as raw text, for exact digits.
    text: Option<String>,
}

fn once() -> usize {
    1
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseFile {
    status: Option<u16>,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    text: Option<String>,
    base64: Option<String>,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fault {
    Connect,
    Timeout,
    Reset,
}

/// An exchange of a case that is in a list.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedExchange {
    request: String,
    #[serde(default = "once")]
    times: usize,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    text: Option<String>,
    #[serde(default)]
    reply: ResponseFile,
}

/// A numbered pair of files.
struct Exchange {
    number: usize,
    request: RequestFile,
    response: ResponseFile,
    /// How many more requests are expected.
    left: usize,
}

/// The exchanges of a case, as a transport.
pub struct Script {
    exchanges: Mutex<Vec<Exchange>>,
    faults: Mutex<Vec<String>>,
    /// Whether requests must come in the order of their numbers.
    ordered: bool,
}

impl Script {
    /// # Errors
    /// When there is an unknown file, a missing number, or an unreadable file.
    pub fn read(case: &Path, ordered: bool) -> std::result::Result<Script, String> {
        let count = count(case)?;
        let exchanges = (1..=count).map(|number| {
            let request: RequestFile = yaml(&case.join(name(number, "request")))?;
            let response = yaml(&case.join(name(number, "response")))?;
            if request.times == 0 {
                return Err(format!("{}: `times` must be 1 or more", name(number, "request")));
            }
            Ok(Exchange { number, left: request.times, request, response })
        });
        let exchanges: std::result::Result<Vec<Exchange>, String> = exchanges.collect();
        Ok(Script { exchanges: Mutex::new(exchanges?), faults: Mutex::default(), ordered })
    }

    /// The exchanges of a list.
    pub fn of(exchanges: Vec<ListedExchange>, ordered: bool) -> Script {
        let numbered = exchanges.into_iter().enumerate().map(|(index, listed)| {
            let ListedExchange { request, times, headers, body, text, reply } = listed;
            let request = RequestFile { request, times, headers, body, text };
            Exchange { number: index + 1, left: request.times, request, response: reply }
        });
        Script { exchanges: Mutex::new(numbered.collect()), faults: Mutex::default(), ordered }
    }

    /// # Errors
    /// Reports requests that were not expected, and expected ones that were not sent.
    pub fn check(&self) -> std::result::Result<(), String> {
        let mut faults = lock(&self.faults).clone();
        for Exchange { number, request, left, .. } in lock(&self.exchanges).iter().filter(|e| e.left > 0) {
            let more = if request.times > 1 { format!(" ({left} of {} times)", request.times) } else { String::new() };
            faults.push(format!("request {number:02} was not sent{more}: {}", request.request));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    fn fault(&self, fault: String) {
        lock(&self.faults).push(fault);
    }
}

/// Ignores a panic in another thread, so that this trial can report its own faults.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name(number: usize, part: &str) -> String {
    format!("{number:02}.{part}.yaml")
}

/// The number of exchanges in a case's folder.
fn count(case: &Path) -> std::result::Result<usize, String> {
    let mut files: Vec<String> = std::fs::read_dir(case)
        .map_err(|e| format!("{}: {e}", case.display()))?
        .map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()).map_err(|e| e.to_string()))
        .collect::<std::result::Result<_, _>>()?;
    files.sort();
    let pairs = files.iter().filter(|file| file.ends_with(".request.yaml")).count();
    let known = |file: &str| {
        FILES.contains(&file) || (1..=pairs).any(|n| ["request", "response"].iter().any(|part| file == name(n, part)))
    };
    let unknown: Vec<&String> = files.iter().filter(|file| !known(file)).collect();
    if unknown.is_empty() {
        return Ok(pairs);
    }
    let numbered = "01.request.yaml with 01.response.yaml, and so on without a gap";
    Err(format!("{}: no case has the files {unknown:?}; it has {}, {numbered}", case.display(), FILES.join(", ")))
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        let line = format!("{} {}", request.method(), request.uri());
        let mut exchanges = lock(&self.exchanges);
        let mut waiting = exchanges.iter_mut().filter(|e| e.left > 0);
        let next = if self.ordered { waiting.next() } else { waiting.find(|e| e.request.request == line) };
        match next.filter(|e| e.request.request == line) {
            Some(exchange) => {
                exchange.left -= 1;
                exchange.request.faults(&line, &request).into_iter().for_each(|fault| self.fault(fault));
                exchange.response.reply()
            }
            None => {
                let waiting: Vec<&str> =
                    exchanges.iter().filter(|e| e.left > 0).map(|e| e.request.request.as_str()).collect();
                let order = if self.ordered { ", in this order" } else { "" };
                self.fault(format!("an unexpected request was sent: {line}\nstill expected{order}: {waiting:#?}"));
                Err(Failure { kind: FailureKind::Refused, message: "not in the script".into(), status: None })
            }
        }
    }
}

impl RequestFile {
    /// The differences between a request and its file.
    fn faults(&self, line: &str, request: &http::Request<Bytes>) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in &self.headers {
            let sent = request.headers().get(name).map(|v| v.to_str().unwrap_or("(bytes)"));
            if sent != value.as_str() {
                faults.push(format!("{line}: the header {name} should be {value}, but is {sent:?}"));
            }
        }
        let body = std::str::from_utf8(request.body()).unwrap_or("(bytes)");
        match (&self.body, &self.text) {
            (None, None) if !body.is_empty() => faults.push(format!("{line}: no body should be sent, but is {body}")),
            (Some(expected), _) if serde_json::from_str::<Value>(body).ok().as_ref() != Some(expected) => {
                faults.push(format!("{line}: the body should be {expected}, but is {body}"));
            }
            (None, Some(text)) if text != body => {
                faults.push(format!("{line}: the body should be {text}, but is {body}"));
            }
            _ => {}
        }
        faults
    }
}

impl ResponseFile {
    fn reply(&self) -> Result<Response, Failure> {
        if let Some(fault) = self.fault {
            let (kind, name) = match fault {
                Fault::Connect => (FailureKind::NotSent, "connect"),
                Fault::Timeout => (FailureKind::TimedOut, "timeout"),
                Fault::Reset => (FailureKind::Broken, "reset"),
            };
            return Err(Failure { kind, message: format!("scripted {name}"), status: None });
        }
        let mut headers = http::HeaderMap::new();
        for (name, value) in &self.headers {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            headers.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                http::HeaderValue::from_bytes(text.as_bytes()).unwrap(),
            );
        }
        let body = match (&self.body, &self.text, &self.base64) {
            (_, Some(text), _) => text.clone().into_bytes(),
            (_, _, Some(base64)) => base64::engine::general_purpose::STANDARD.decode(base64).unwrap(),
            (Some(body), _, _) => body.to_string().into_bytes(),
            _ => Vec::new(),
        };
        Ok(Response {
            status: http::StatusCode::from_u16(self.status.unwrap_or(200)).unwrap(),
            headers,
            body: body.into(),
            ..Response::default()
        })
    }
}
