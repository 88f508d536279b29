//! The way of requests to the systems: within the process, or from another process through a socket. It can be cut.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opnode::{ExchangeLimits, Failure, FailureKind, Response, Transport};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::clock::MovableClock;
use super::system::{Call, Reply, System};

/// What happens at a request of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The process is killed before the system got it, or after it was done.
    Kill { is_done: bool },
    /// The machine's clock is set back by an hour.
    ClockBack,
}

/// Where replies come from.
enum Systems {
    Here(Arc<Mutex<System>>),
    There(Mutex<UnixStream>),
}

/// The transport of a run.
pub struct Wire {
    systems: Systems,
    clock: Arc<MovableClock>,
    state: Mutex<WireState>,
    pub killed: Notify,
}

struct WireState {
    requests: u32,
    moment: Option<(u32, Moment)>,
    random: fastrand::Rng,
}

impl Wire {
    pub fn here(system: &Arc<Mutex<System>>, clock: &Arc<MovableClock>, seed: u64) -> Wire {
        Wire::new(Systems::Here(Arc::clone(system)), clock, seed)
    }

    pub fn there(socket: &Path, clock: &Arc<MovableClock>, seed: u64) -> Wire {
        let stream = UnixStream::connect(socket).unwrap();
        Wire::new(Systems::There(Mutex::new(stream)), clock, seed)
    }

    fn new(systems: Systems, clock: &Arc<MovableClock>, seed: u64) -> Wire {
        let state = WireState { requests: 0, moment: None, random: fastrand::Rng::with_seed(seed) };
        Wire { systems, clock: Arc::clone(clock), state: Mutex::new(state), killed: Notify::new() }
    }

    /// Something happens at a request, counted from 0.
    pub fn at(&self, request: u32, moment: Moment) {
        self.state.lock().unwrap().moment = Some((request, moment));
    }

    fn ask(&self, call: &Call) -> Reply {
        match &self.systems {
            Systems::Here(system) => system.lock().unwrap().answer(call),
            Systems::There(stream) => ask_there(&mut stream.lock().unwrap(), call),
        }
    }

    /// The system got a request whose reply is never received.
    fn lose(&self, call: &Call) {
        if let Systems::Here(system) = &self.systems {
            let mut system = system.lock().unwrap();
            let reply = system.answer(call);
            let is_done = matches!(reply, Reply::Answer { status: 200..=299, .. });
            let host = call.uri.trim_start_matches("https://").split('.').next().unwrap_or_default().to_owned();
            if let Some(account) = system.accounts.get_mut(&host).filter(|_| is_done) {
                account.lose(call);
            }
        }
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        let (spent, moment) = {
            let mut state = self.state.lock().unwrap();
            let number = state.requests;
            state.requests += 1;
            let moment = state.moment.filter(|(at, _)| *at == number).map(|(_, moment)| moment);
            (Duration::from_millis(state.random.u64(20..800)), moment)
        };
        self.clock.advance(spent);
        let token = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let call = Call {
            at: self.clock.passed_ms(),
            method: request.method().to_string(),
            uri: request.uri().to_string(),
            token: token.to_owned(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
        };
        match moment {
            Some(Moment::Kill { is_done }) => {
                if is_done {
                    self.lose(&call);
                }
                self.killed.notify_one();
                return std::future::pending().await;
            }
            Some(Moment::ClockBack) => self.clock.set_wrong(self.clock.wrong() - 3600),
            None => {}
        }
        let reply = self.ask(&call);
        tokio::task::yield_now().await;
        response(reply)
    }
}

fn response(reply: Reply) -> Result<Response, Failure> {
    let failed = |kind, message: &str| Err(Failure { kind, message: message.to_owned(), status: None });
    match reply {
        Reply::Refused => failed(FailureKind::NotSent, "connection refused"),
        Reply::Lost => failed(FailureKind::Broken, "the connection ended before the reply"),
        Reply::Answer { status, headers, body } => {
            let mut all = http::HeaderMap::new();
            for (name, value) in headers {
                all.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
            let status = http::StatusCode::from_u16(status).unwrap();
            Ok(Response { status, headers: all, body: body.into_bytes().into(), ..Response::default() })
        }
    }
}

/// Asks the systems of another process. A broken socket ends this one.
fn ask_there(stream: &mut UnixStream, call: &Call) -> Reply {
    let line = json!([call.at, call.method, call.uri, call.token, call.body]).to_string() + "\n";
    stream.write_all(line.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    match answer["kind"].as_str() {
        Some("refused") => Reply::Refused,
        Some("lost") => Reply::Lost,
        _ => Reply::Answer {
            status: answer["status"].as_u64().unwrap() as u16,
            headers: serde_json::from_value(answer["headers"].clone()).unwrap(),
            body: answer["body"].as_str().unwrap().to_owned(),
        },
    }
}

/// Answers other processes, as long as this one lives.
pub fn serve(system: &Arc<Mutex<System>>, socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    let system = Arc::clone(system);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let system = Arc::clone(&system);
            std::thread::spawn(move || serve_one(&system, &stream));
        }
    });
}

fn serve_one(system: &Mutex<System>, stream: &UnixStream) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let Ok((at, method, uri, token, body)) = serde_json::from_str(&line) else { return };
        let reply = system.lock().unwrap().answer(&Call { at, method, uri, token, body });
        let answer = match reply {
            Reply::Refused => json!({ "kind": "refused" }),
            Reply::Lost => json!({ "kind": "lost" }),
            Reply::Answer { status, headers, body } => json!({ "status": status, "headers": headers, "body": body }),
        };
        let mut stream = stream;
        if stream.write_all((answer.to_string() + "\n").as_bytes()).is_err() {
            return;
        }
    }
}
