//! What a batch sees in a test instead of the machine: a clock that is moved by waits, standard output that is kept, and
//! a list of the requests that it sends.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Clock;
use crate::batch::{ExpectedRequest, ExpectedRequestPart};
use crate::definition::Json;
use crate::error::Result;
use crate::exchanges::{Exchange, MessageBody, Watch};
use crate::json_text::text_of;
use crate::lock::lock;
use crate::sink::{Sink, Stdout};

/// Waits up to this are pauses of work on this machine, which needs the time.
const PAUSE: Duration = Duration::from_millis(200);

/// A clock that starts at a given time and is moved by waits.
pub(super) struct TestClock {
    start: SystemTime,
    passed: Mutex<Duration>,
}

impl TestClock {
    pub(super) fn at(start: SystemTime) -> TestClock {
        TestClock { start, passed: Mutex::default() }
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Duration {
        *lock(&self.passed)
    }
    fn wall(&self) -> SystemTime {
        self.start + self.now()
    }
    fn chance(&self) -> f64 {
        0.5
    }
    async fn sleep(&self, duration: Duration) {
        if duration <= PAUSE {
            tokio::time::sleep(duration).await;
        }
        *lock(&self.passed) += duration;
    }
}

/// Standard output that is kept.
#[derive(Clone, Default)]
pub(super) struct KeptOutput(Arc<Mutex<Vec<u8>>>);

impl KeptOutput {
    pub(super) fn opener(&self) -> Stdout {
        let own = self.clone();
        Arc::new(move || Box::new(own.clone()))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        lock(&self.0).clone()
    }
}

impl Sink for KeptOutput {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// The requests of a run with their steps, in the order in which they ended; secrets are masked.
#[derive(Default)]
pub(super) struct SentRequests(Mutex<Vec<(String, ExpectedRequestPart)>>);

impl SentRequests {
    pub(super) fn all(&self) -> Vec<(String, ExpectedRequestPart)> {
        lock(&self.0).clone()
    }
}

impl Watch for SentRequests {
    fn exchange(&self, exchange: &Exchange) {
        if exchange.is_sign_in {
            return;
        }
        let sent = exchange.sent();
        let step = exchange.step.as_deref().unwrap_or("run").to_owned();
        let request = without_origin(&sent.start);
        let request = match sent.body {
            MessageBody::Empty => ExpectedRequestPart::Line(request),
            MessageBody::Text(text) => ExpectedRequestPart::Whole(ExpectedRequest { request, body: json(&text) }),
            MessageBody::Bytes(bytes) => {
                let body = Json(text_of(&format!("base64:{}", STANDARD.encode(bytes))));
                ExpectedRequestPart::Whole(ExpectedRequest { request, body })
            }
        };
        lock(&self.0).push((step, request));
    }
}

/// JSON as it is, other text as a JSON text.
fn json(text: &str) -> Json {
    let is_json = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
    Json(if is_json { text.trim().to_owned() } else { text_of(text) })
}

/// `GET http://host/path` as `GET /path`: the host depends on the connection, and that of the sandbox is no real one.
fn without_origin(start: &str) -> String {
    let Some((verb, url)) = start.split_once(' ') else { return start.to_owned() };
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    format!("{verb} {}", path.unwrap_or(if url.contains("://") { "/" } else { url }))
}
