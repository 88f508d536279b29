//! Load on a failing server: retries stay within their budget, transient faults are overcome, and no write is repeated
//! against the table of `src/retry/mod.rs`. Nothing waits; seeds are fixed, so that each run has the same counts.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream;
use http::{HeaderValue, Method as Verb};
use opnode::{
    CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Failure, FailureKind, Items, OutcomeStatus, Response,
    Session,
};
use serde_json::{Value, json};

use crate::scripted::{Scripted, TestClock, block_on, reply};

const CONNECTOR: &str = "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none\nerrors: { refused: REFUSED }\n";

const OPERATIONS: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /things, response: { result: list } }
  add: { title: A, method: mutate, request: POST /things, items: { send: each }, response: { result: object } }
  keyed:
    title: A
    method: mutate
    request: POST /things
    items: { send: each }
    idempotency_key: { header: Idempotency-Key }
    response: { result: object }
  put: { title: P, method: mutate, request: 'PUT /things/{n}', options: { n: {} }, items: { send: each }, response: { result: object } }
  patch: { title: P, method: mutate, request: 'PATCH /things/{n}', options: { n: {} }, items: { send: each }, response: { result: object } }
  remove: { title: D, method: delete, request: 'DELETE /things/{n}', options: { n: {} }, response: { result: none } }
";

fn session(server: &Arc<Scripted>, refused: &str, limits: Value, seed: u64) -> Session {
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", CONNECTOR.replace("REFUSED", refused));
    catalog.add("acme", "operations.yaml", OPERATIONS);
    let clock = Some(Arc::new(TestClock::new(seed)) as Arc<dyn opnode::Clock>);
    let engine =
        Engine::new(EngineConfig { catalog, transport: Some(server.clone()), clock, ..EngineConfig::default() });
    let limits = serde_json::from_value(limits).unwrap();
    engine.connect(&ConnectionSpec { connector: "acme".into(), limits, ..ConnectionSpec::default() }).unwrap()
}

fn seen(server: &Scripted) -> u64 {
    server.seen.load(Ordering::Relaxed)
}

/// This number with `FULL=1`, else half of it.
fn at_full(count: u64) -> u64 {
    if std::env::var_os("FULL").is_some() { count } else { count / 2 }
}

/// A constant answer.
type Always = fn() -> Result<Response, Failure>;

/// How many of `count` reads succeed, with `at_once` in flight.
fn reads(session: &Session, count: u64, at_once: usize) -> u64 {
    block_on(async {
        let one =
            |_| async { session.query("list", &Value::Null, &CallOptions::default()).unwrap().collect().await.is_ok() };
        stream::iter(0..count).map(one).buffer_unordered(at_once).filter(|ok| std::future::ready(*ok)).count().await
            as u64
    })
}

fn broken(kind: FailureKind) -> Failure {
    Failure { kind, message: "scripted".into(), status: None }
}

/// A dead server gets 1,000 requests for 1,000 reads, and 35 more: one for each retry in the budget.
#[test]
fn a_dead_server_gets_few_requests() {
    let dead: [(&str, Always, u64); 6] = [
        ("503", || Ok(reply(503, "")), 1100),
        ("500", || Ok(reply(500, "")), 1035),
        ("a reset", || Err(broken(FailureKind::Broken)), 1035),
        ("no connection", || Err(broken(FailureKind::NotSent)), 1100),
        ("no JSON", || Ok(reply(200, "<html>")), 1035),
        ("429", || Ok(reply(429, "")), 1100),
    ];
    for (name, answer, most) in dead {
        for (at_once, attempts) in [(1, 3), (8, 3), (64, 20)] {
            let server = Arc::new(Scripted::new(move |_, _| answer()));
            let session = session(&server, "[]", json!({"concurrency": at_once, "attempts": attempts}), 1);
            assert_eq!(reads(&session, 1000, at_once), 0);
            println!("{name}, {at_once} at once, {attempts} attempts: {} requests for 1000 reads", seen(&server));
            assert!((1000..=most).contains(&seen(&server)), "{name}, {at_once} at once: {} requests", seen(&server));
        }
    }
}

/// One reply in ten is a 503: four attempts overcome nearly all, with little more than the minimum of 1.111 requests a
/// call.
#[test]
fn transient_faults_are_overcome() {
    let reads_each = at_full(10_000);
    let (mut worst, mut most) = (reads_each, 0);
    for (seed, at_once) in [(1, 1), (2, 1), (3, 8), (4, 8), (5, 32)] {
        let dice = Mutex::new(fastrand::Rng::with_seed(seed));
        let server = Arc::new(Scripted::new(move |_, _| {
            Ok(if dice.lock().unwrap().u8(..10) == 0 { reply(503, "") } else { reply(200, "[]") })
        }));
        let session = session(&server, "[]", json!({"concurrency": at_once, "attempts": 4}), seed);
        let done = reads(&session, reads_each, at_once);
        println!("seed {seed}, {at_once} at once: {done} of {reads_each} reads with {} requests", seen(&server));
        (worst, most) = (worst.min(done), most.max(seen(&server)));
    }
    assert!(worst * 10_000 >= reads_each * 9_998, "{worst} of {reads_each} succeeded");
    assert!(most * 100 <= reads_each * 112, "{most} requests for {reads_each} reads");
}

/// What the server did with an attempt of a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Done,
    NotSent,
    Lost,
    TimedOut,
    Garbage,
    Status(u16),
    /// With Retry-After.
    Asked(u16),
}

const ACTS: [Act; 17] = [
    Act::Done,
    Act::NotSent,
    Act::Lost,
    Act::TimedOut,
    Act::Garbage,
    Act::Status(400),
    Act::Status(404),
    Act::Status(408),
    Act::Status(409),
    Act::Status(429),
    Act::Status(500),
    Act::Status(502),
    Act::Status(503),
    Act::Status(504),
    Act::Status(507),
    Act::Asked(429),
    Act::Asked(503),
];

impl Act {
    fn reply(self) -> Result<Response, Failure> {
        match self {
            Act::Done => Ok(reply(200, "{}")),
            Act::NotSent => Err(broken(FailureKind::NotSent)),
            Act::Lost => Err(broken(FailureKind::Broken)),
            Act::TimedOut => Err(broken(FailureKind::TimedOut)),
            Act::Garbage => Ok(reply(200, "{oops")),
            Act::Status(status) => Ok(reply(status, "{}")),
            Act::Asked(status) => {
                let mut asked = reply(status, "{}");
                asked.headers.insert("retry-after", HeaderValue::from_static("1"));
                Ok(asked)
            }
        }
    }

    /// The retry table, implemented independently of the engine.
    fn may_be_repeated(self, idempotent: bool, refused: bool) -> bool {
        match self {
            Act::NotSent | Act::Status(429) | Act::Asked(429) => true,
            Act::Status(503) | Act::Asked(503) if refused => true,
            Act::Lost | Act::TimedOut | Act::Status(408 | 500..) | Act::Asked(_) => idempotent,
            Act::Done | Act::Garbage | Act::Status(_) => false,
        }
    }

    /// Whether it may have changed something.
    fn may_have_worked(self, refused: bool) -> bool {
        match self {
            Act::Status(503) | Act::Asked(503) => !refused,
            Act::Done | Act::Lost | Act::TimedOut | Act::Garbage | Act::Status(408 | 500..) => true,
            Act::NotSent | Act::Status(_) | Act::Asked(_) => false,
        }
    }
}

/// Thousands of writes with random failures: each repeat is allowed by the table, and no outcome claims more than is
/// known.
#[test]
fn no_write_is_repeated_against_the_table() {
    let writes_each = at_full(2_000);
    let mut repeats = 0;
    for refused in [false, true] {
        for (operation, idempotent) in
            [("add", false), ("patch", false), ("keyed", true), ("put", true), ("remove", true)]
        {
            let acts: Arc<Mutex<BTreeMap<u64, Vec<Act>>>> = Arc::default();
            let (log, dice) = (Arc::clone(&acts), Mutex::new(fastrand::Rng::with_seed(7)));
            let server = Arc::new(Scripted::new(move |_, request| {
                let tail = request.uri().path().rsplit('/').next().and_then(|n| n.parse().ok());
                let number = tail
                    .unwrap_or_else(|| serde_json::from_slice::<Value>(request.body()).unwrap()["n"].as_u64().unwrap());
                let mut dice = dice.lock().unwrap();
                let act = if dice.bool() { Act::Done } else { dice.choice(ACTS).unwrap() };
                log.lock().unwrap().entry(number).or_default().push(act);
                if act == Act::Garbage && *request.method() == Verb::DELETE {
                    Ok(reply(200, "<html>"))
                } else {
                    act.reply()
                }
            }));
            let session =
                session(&server, if refused { "[503]" } else { "[]" }, json!({"concurrency": 4, "attempts": 5}), 7);
            let items = Items::from_values(&(0..writes_each).map(|n| json!({ "n": n })).collect::<Vec<_>>());
            let with = CallOptions::default();
            let writes = match operation {
                "remove" => session.delete(operation, &Value::Null, Some(items), &with),
                _ => session.mutate(operation, &Value::Null, Some(items), &with),
            };
            let outcomes = block_on(writes.unwrap().collect()).outcomes;
            let acts = acts.lock().unwrap();
            assert_eq!(outcomes.len() as u64, writes_each);
            for outcome in outcomes {
                let tried = acts.get(&outcome.index).cloned().unwrap_or_default();
                let about = format!("{operation}, refused {refused}: {tried:?} became {:?}", outcome.status);
                let (last, before) = tried.split_last().expect("every item was sent");
                assert!(before.iter().all(|act| act.may_be_repeated(idempotent, refused)), "{about}");
                assert!(tried.len() <= 5 && tried.len() as u32 == outcome.attempts, "{about}");
                repeats += before.len();
                let unclear = tried.iter().any(|act| act.may_have_worked(refused));
                match outcome.status {
                    OutcomeStatus::Ok => {
                        let gone = operation == "remove"
                            && *last == Act::Status(404)
                            && before.iter().any(|a| a.may_have_worked(refused));
                        // No record is returned for it, so its status is enough.
                        let told = operation == "remove" && *last == Act::Garbage;
                        assert!(*last == Act::Done || told || gone, "{about}");
                    }
                    OutcomeStatus::Failed => assert!(!unclear, "{about}"),
                    OutcomeStatus::Unknown => assert!(unclear && *last != Act::Done, "{about}"),
                    OutcomeStatus::Skipped => panic!("{about}"),
                }
            }
        }
    }
    println!("{repeats} repeats of {} writes, all within the table", 10 * writes_each);
    assert!(repeats > 500);
}
