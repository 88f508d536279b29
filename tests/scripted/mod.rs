//! A transport that is a function, a clock that only waits advance, and seeded random numbers: for tests of many calls
//! without waiting.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use opnode::{Clock, ExchangeLimits, Failure, Response, Transport};

type Answer = dyn Fn(u64, &http::Request<Bytes>) -> Result<Response, Failure> + Send + Sync;

/// Answers by a function of the request and its number, from 1. Replies come in any order, because each yields to
/// others a few times.
pub struct Scripted {
    answer: Box<Answer>,
    /// Number of received requests.
    pub seen: AtomicU64,
}

impl Scripted {
    pub fn new(
        answer: impl Fn(u64, &http::Request<Bytes>) -> Result<Response, Failure> + Send + Sync + 'static,
    ) -> Scripted {
        Scripted { answer: Box::new(answer), seen: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        let number = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let reply = (self.answer)(number, &request);
        for _ in 0..number.wrapping_mul(0x9E37_79B9) >> 7 & 7 {
            tokio::task::yield_now().await;
        }
        reply
    }
}

/// A reply.
pub fn reply(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response {
        status: http::StatusCode::from_u16(status).unwrap(),
        headers: http::HeaderMap::new(),
        body: body.into().into(),
        ..Response::default()
    }
}

/// A clock that only waits advance, and random numbers from a seed.
pub struct TestClock {
    now: Mutex<Duration>,
    dice: Mutex<fastrand::Rng>,
}

impl TestClock {
    pub fn new(seed: u64) -> TestClock {
        TestClock { now: Mutex::default(), dice: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_428_000) + self.now()
    }
    fn chance(&self) -> f64 {
        self.dice.lock().unwrap().f64()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::task::yield_now().await;
        *self.now.lock().unwrap() += duration;
    }
}

/// Runs a future to its end on this thread.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
