//! The environment of a case: two servers, a session, a clock, and the result of a call.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use opnode::{CallOptions, Clock, Engine, EngineConfig, Error, Items, Outcome, Receipt, Session, Walk, Writes};
use serde_json::{Value, json};

use crate::acme::{catalog, spec};
use crate::server::{Act, Server, Wrap};

/// A scripted server, a server that must never be called, and a session to the first.
pub struct Stage {
    pub server: Server,
    pub other: Server,
    pub session: Session,
    pub clock: Arc<TestClock>,
}

impl Stage {
    /// One request at a time, three attempts and limits of a second, unless `limits` says otherwise.
    pub fn new(connector: &str, limits: Value, script: Vec<Act>, clock: TestClock, values: &[(&str, &str)]) -> Stage {
        Stage::over(None, connector, limits, script, clock, values)
    }

    /// The same with wrapped connections.
    pub fn over(
        tls: Option<Wrap>,
        connector: &str,
        limits: Value,
        script: Vec<Act>,
        clock: TestClock,
        values: &[(&str, &str)],
    ) -> Stage {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let other = Server::start(vec![crate::server::json("[]")]);
        let server = Server::over(script, Some(&other), tls);
        let clock = Arc::new(clock);
        let engine =
            Engine::new(EngineConfig { catalog: catalog(), clock: Some(clock.clone()), ..EngineConfig::default() });
        let mut all =
            json!({"concurrency": 1, "idle_s": 1, "first_byte_s": 1, "connect_s": 1, "timeout_s": 5, "attempts": 3});
        all.as_object_mut().unwrap().extend(limits.as_object().cloned().unwrap_or_default());
        let spec = spec(connector, &format!("{scheme}://{}", server.address), all, values);
        let session = engine.connect(&spec).unwrap_or_else(|e| panic!("{e:?}: {}", e.to_json()));
        Stage { server, other, session, clock }
    }

    pub fn plain(script: Vec<Act>) -> Stage {
        Stage::new("acme", Value::Null, script, TestClock::default(), &[])
    }
}

/// A clock that only its waits advance, unless real time is wanted; it records them.
#[derive(Default)]
pub struct TestClock {
    /// Whether waits take real time.
    pub real: bool,
    /// The error of the wall clock.
    pub wall_shift: Duration,
    pub ahead: Mutex<Duration>,
    pub waits: Mutex<Vec<Duration>>,
    pub dice: Mutex<u64>,
}

impl TestClock {
    /// Time that passes unnoticed, as when a laptop sleeps.
    pub fn jump(&self, by: Duration) {
        *self.ahead.lock().unwrap() += by;
    }
    pub fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }
}

/// The wall time at the start of every trial.
pub fn wall_time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_428_000)
}

fn since_start() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Duration {
        let real = if self.real { since_start() } else { Duration::ZERO };
        real + *self.ahead.lock().unwrap()
    }
    fn wall(&self) -> SystemTime {
        wall_time() + self.wall_shift
    }
    fn chance(&self) -> f64 {
        let mut dice = self.dice.lock().unwrap();
        *dice = (*dice + 0x9E37_79B9) % (1 << 32);
        *dice as f64 / f64::from(u32::MAX)
    }
    async fn sleep(&self, duration: Duration) {
        self.waits.lock().unwrap().push(duration);
        if self.real {
            tokio::time::sleep(duration).await;
        } else {
            *self.ahead.lock().unwrap() += duration;
            tokio::task::yield_now().await;
        }
    }
}

/// The result of a call.
pub struct Found {
    /// For a read `ITEMS end` or `ITEMS kind/attempts`; for a write, for each item, `status kind/attempts ITEMS at
    /// LOCATION`, joined by commas.
    pub summary: String,
    pub errors: Vec<Error>,
    pub receipt: Receipt,
    /// All texts about the call except its items.
    pub told: String,
}

/// Calls an operation and returns the result.
pub async fn call(
    session: &Session,
    operation: &str,
    options: &Value,
    items: Option<&str>,
    with: &CallOptions,
) -> Found {
    let items = items.map(|text| Items::from_array(text).unwrap());
    let found = match (operation, items) {
        ("remove", items) => match session.delete(operation, options, items, with) {
            Ok(writes) => Ok(written(writes).await),
            Err(error) => Err(error),
        },
        (_, Some(items)) => match session.mutate(operation, options, Some(items), with) {
            Ok(writes) => Ok(written(writes).await),
            Err(error) => Err(error),
        },
        (_, None) => match session.query(operation, options, with) {
            Ok(walk) => Ok(walked(walk).await),
            Err(error) => Err(error),
        },
    };
    let mut found = found.unwrap_or_else(|error| Found {
        summary: format!("refused {}/{}", error.kind(), error.attempts),
        errors: vec![error],
        receipt: Receipt::default(),
        told: String::new(),
    });
    found.told = format!(
        "{}\n{}\n{} {:?} {:?}",
        told(&found.errors),
        found.told,
        json!(found.receipt),
        found.receipt,
        session.connection()
    );
    found
}

async fn walked(mut walk: Walk) -> Found {
    let (mut parts, mut errors) = (Vec::new(), Vec::new());
    while let Some(page) = walk.next().await {
        match page {
            Ok(page) => parts.push(page.items),
            Err(error) => errors.push(error),
        }
    }
    let end = errors.first().map_or("end".to_owned(), |e| format!("{}/{}", e.kind(), e.attempts));
    let summary = format!("{} {end}", Items::concat(parts).to_json());
    Found { summary, errors, receipt: walk.receipt().clone(), told: String::new() }
}

async fn written(writes: Writes) -> Found {
    let reply = writes.collect().await;
    let summary = reply.outcomes.iter().map(outcome).collect::<Vec<_>>().join(", ");
    let told = format!("{} {:?}", json!(reply.outcomes), reply.check());
    Found {
        summary,
        errors: reply.outcomes.into_iter().filter_map(|o| o.error).collect(),
        receipt: reply.receipt,
        told,
    }
}

fn outcome(o: &Outcome) -> String {
    let mut text = json!(o.status).as_str().unwrap_or_default().to_owned();
    if let Some(error) = &o.error {
        text.push_str(&format!(" {}", error.kind()));
    }
    text.push_str(&format!("/{}", o.attempts));
    if !o.items.is_empty() {
        text.push_str(&format!(" {}", o.items.to_json()));
    }
    if let Some(place) = &o.location {
        text.push_str(&format!(" at {place}"));
    }
    text
}

/// All texts of errors.
pub fn told(errors: &[Error]) -> String {
    errors.iter().map(|e| format!("{e} {e:?} {}", e.to_json())).collect::<Vec<_>>().join("\n")
}

/// Runs to the end, on its own runtime.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
