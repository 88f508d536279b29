//! Hours in seconds: queries, writes and batch runs against a server with 429, 503, resets and slow replies. Nothing
//! may be lost or duplicated, and neither memory nor descriptors may grow. `SOAK_MINUTES=60 cargo test --release --test
//! soak -- --nocapture` runs in real time; without it, waits are a tenth as long.
#![cfg(all(feature = "cli", target_os = "linux"))]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use opnode::batch::{Batch, BatchConfig, RunOptions};
use opnode::{CallOptions, Catalog, Clock, ConnectionSpec, Engine, EngineConfig, Items, OutcomeStatus, Session};
use serde_json::{Value, json};
use std::sync::Mutex;

#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;

const CONNECTOR: &str = "
version: 1
connector: stock
title: Stock
connection: { url: { format: uri } }
base_url: '{url}'
auth: none
paging: { link: { size: { query: size, default: 50 }, last: { query: page } } }
";
const OPERATIONS: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /items, response: { result: list } }
  make: { title: M, method: mutate, request: POST /records, items: { send: each }, response: { result: object } }
  set: { title: S, method: mutate, request: 'PUT /records/{key}', options: { key: {} }, items: { send: each }, response: { result: object } }
";
const BATCH: &str = r#"version: 1
name: soak
connections: { here: { connector: stock, url: "URL", limits: { attempts: 6 } } }
steps:
  - id: list
    query: list
    save: list.ndjson
  - id: make
    mutate: make
    items: ${{ steps.list.items }}
    where: ${{ item.id % 20 == 0 }}
    map: { key: "ROUND-${{ item.id }}" }
    on_error: continue
    save: made.ndjson
"#;

const ROWS: u64 = 1000;
const PAGE: u64 = 50;

/// How often each record was written; and the random numbers of the faults.
#[derive(Default)]
struct Stock {
    written: Mutex<BTreeMap<String, u64>>,
    requests: AtomicU64,
    faults: AtomicU64,
}

type Shared = State<Arc<Stock>>;

/// A fault before anything is done, for one request in eight; `Err` closes the connection.
async fn trouble(stock: &Stock) -> Option<Response> {
    stock.requests.fetch_add(1, Ordering::Relaxed);
    let (kind, ms) = (fastrand::u8(..64), fastrand::u64(1..40));
    stock.faults.fetch_add(u64::from(kind < 8), Ordering::Relaxed);
    match kind {
        0 | 1 => Some((StatusCode::TOO_MANY_REQUESTS, "{}").into_response()),
        2 | 3 => Some((StatusCode::SERVICE_UNAVAILABLE, "{}").into_response()),
        // The connection ends without a reply.
        4 | 5 => std::panic::resume_unwind(Box::new("reset")),
        6 | 7 => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            None
        }
        _ => None,
    }
}

async fn list(State(stock): Shared, RawQuery(query): RawQuery) -> Response {
    if let Some(trouble) = trouble(&stock).await {
        return trouble;
    }
    let page = query.unwrap_or_default().split('&').find_map(|p| p.strip_prefix("page=")?.parse().ok()).unwrap_or(1);
    let rows: Vec<Value> =
        ((page - 1) * PAGE + 1..=page * PAGE).map(|id| json!({ "id": id, "note": "x".repeat(200) })).collect();
    let last = ROWS / PAGE;
    let next =
        if page < last { format!("</items?size={PAGE}&page={}>; rel=\"next\", ", page + 1) } else { String::new() };
    (
        StatusCode::OK,
        [("link", format!("{next}</items?size={PAGE}&page={last}>; rel=\"last\""))],
        json!(rows).to_string(),
    )
        .into_response()
}

async fn write(State(stock): Shared, body: Bytes) -> Response {
    if let Some(trouble) = trouble(&stock).await {
        return trouble;
    }
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    let key = value["key"].as_str().unwrap_or_default().to_owned();
    *stock.written.lock().unwrap().entry(key).or_default() += 1;
    if fastrand::u8(..64) == 0 {
        // The write is done, but not reported.
        std::panic::resume_unwind(Box::new("reset"));
    }
    (StatusCode::OK, body).into_response()
}

async fn start(stock: Arc<Stock>) -> String {
    let router = Router::new()
        .route("/items", get(list))
        .route("/records", post(write))
        .route("/records/{key}", put(write))
        .with_state(stock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// KiB of memory in use, and open descriptors.
fn usage() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let memory =
        status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok()).unwrap();
    (memory, std::fs::read_dir("/proc/self/fd").unwrap().count() as u64)
}

/// The results of all rounds.
#[derive(Debug, Default)]
struct Sums {
    rounds: u64,
    queries_ok: u64,
    queries_failed: u64,
    writes_ok: u64,
    writes_failed: u64,
    writes_unknown: u64,
    runs: u64,
    stops: u64,
}

/// Every item of a write has one outcome, and the server agrees with it.
fn agrees(stock: &Stock, key: &str, status: OutcomeStatus, idempotent: bool, sums: &mut Sums) {
    let times = stock.written.lock().unwrap().remove(key).unwrap_or(0);
    match status {
        OutcomeStatus::Ok => {
            assert!(times == 1 || (idempotent && times > 0), "{key} is ok, and was written {times} times")
        }
        OutcomeStatus::Failed => assert_eq!(times, 0, "{key} failed, and was written"),
        OutcomeStatus::Unknown => assert!(times <= 1 || idempotent, "{key} is unknown, and was written {times} times"),
        OutcomeStatus::Skipped => panic!("{key} was skipped"),
    }
    match status {
        OutcomeStatus::Ok => sums.writes_ok += 1,
        OutcomeStatus::Failed => sums.writes_failed += 1,
        _ => sums.writes_unknown += 1,
    }
}

async fn query(session: &Session, sums: &mut Sums) {
    match session.query("list", &Value::Null, &CallOptions::default()).unwrap().collect().await {
        Ok(reply) => {
            let ids = reply.items.to_values().unwrap().iter().map(|v| v["id"].as_u64().unwrap()).collect::<Vec<_>>();
            assert_eq!(ids, (1..=ROWS).collect::<Vec<_>>(), "a query lost or doubled rows");
            sums.queries_ok += 1;
        }
        Err(_) => sums.queries_failed += 1,
    }
}

async fn writes(session: &Session, stock: &Stock, sums: &mut Sums) {
    for (operation, idempotent) in [("make", false), ("set", true)] {
        let keys: Vec<String> = (0..50).map(|n| format!("{operation}-{}-{n}", sums.rounds)).collect();
        let items = Items::from_values(
            &keys.iter().map(|key| json!({ "key": key, "note": "y".repeat(100) })).collect::<Vec<_>>(),
        );
        let reply =
            session.mutate(operation, &Value::Null, Some(items), &CallOptions::default()).unwrap().collect().await;
        assert_eq!(reply.outcomes.len(), keys.len());
        for (outcome, key) in reply.outcomes.iter().zip(&keys) {
            agrees(stock, key, outcome.status, idempotent, sums);
        }
    }
}

/// A run that is stopped repeatedly until it has ended.
async fn run((engine, times): (&Arc<Engine>, u32), stock: &Stock, folder: &Path, url: &str, sums: &mut Sums) {
    let text = BATCH.replace("URL", url).replace("ROUND", &format!("run-{}", sums.rounds));
    let mut config = BatchConfig::new(Arc::clone(engine));
    config.resolve = Arc::new(|_, _, connection| connection.resolve(|_, _| Ok(String::new())));
    let batch = Arc::new(Batch::parse(&folder.join("batch.yaml"), &text, &config).unwrap());
    let mut fresh = true;
    let report = loop {
        let options = RunOptions { accept_changes: true, fresh: std::mem::take(&mut fresh), ..RunOptions::default() };
        let cancel = options.cancel.clone();
        let run = Arc::clone(&batch).run(options).unwrap();
        let stopper = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(20..4000)) / times).await;
            cancel.cancel();
        });
        let report = run.finish(|_| Ok(())).await;
        stopper.abort();
        if report.finished {
            break report;
        }
        sums.stops += 1;
    };
    sums.runs += 1;
    let Some(make) = report.steps.get(1).filter(|s| !s.saved.is_empty()) else { return };
    assert_eq!(std::fs::read_to_string(folder.join("list.ndjson")).unwrap().lines().count() as u64, ROWS);
    let saved = std::fs::read_to_string(folder.join("made.ndjson")).unwrap();
    let mut known = 0;
    for row in saved.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()) {
        agrees(stock, row["key"].as_str().unwrap(), OutcomeStatus::Ok, false, sums);
        known += 1;
    }
    // The server's remaining records of this run have unknown outcomes, one each.
    let prefix = format!("run-{}-", sums.rounds);
    let mut written = stock.written.lock().unwrap();
    let left: Vec<u64> = written.extract_if(.., |key, _| key.starts_with(&prefix)).map(|(_, times)| times).collect();
    assert!(left.iter().all(|times| *times == 1) && left.len() as u64 <= make.counts.unknown, "{left:?} {make:?}");
    assert_eq!(known + make.counts.unknown + make.counts.failed, ROWS / 20, "{make:?}");
    sums.writes_unknown += make.counts.unknown;
    sums.writes_failed += make.counts.failed;
}

/// A clock that runs this many times as fast.
struct QuickClock {
    start: Instant,
    times: u32,
}

#[async_trait]
impl Clock for QuickClock {
    fn now(&self) -> Duration {
        self.start.elapsed() * self.times
    }
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_428_000) + self.now()
    }
    fn chance(&self) -> f64 {
        fastrand::f64()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.times).await;
    }
}

#[test]
fn nothing_is_lost_duplicated_or_leaked() {
    let wanted = std::env::var("SOAK_MINUTES").ok().and_then(|m| m.parse::<f64>().ok());
    let (minutes, times) = (wanted.unwrap_or(0.05), if wanted.is_some() { 1 } else { 10 });
    let quiet = Arc::new(AtomicBool::new(true));
    let hook = std::panic::take_hook();
    // Resets of the server are expected.
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&"reset") || !quiet.load(Ordering::Relaxed) {
            hook(info)
        }
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let stock = Arc::new(Stock::default());
        let url = start(Arc::clone(&stock)).await;
        let mut catalog = Catalog::empty();
        catalog.add("stock", "connector.yaml", CONNECTOR);
        catalog.add("stock", "operations.yaml", OPERATIONS);
        let clock = Some(Arc::new(QuickClock { start: Instant::now(), times }) as Arc<dyn Clock>);
        let engine = Arc::new(Engine::new(EngineConfig { catalog, clock, ..EngineConfig::default() }));
        let limits = serde_json::from_value(json!({"attempts": 6, "concurrency": 6})).unwrap();
        let spec = ConnectionSpec {
            connector: "stock".into(),
            values: [("url".to_owned(), url.clone())].into(),
            limits,
            ..ConnectionSpec::default()
        };
        let session = engine.connect(&spec).unwrap();
        let folder = cleanup::folder();
        let (mut sums, start, mut told, mut steady) = (Sums::default(), Instant::now(), Instant::now(), Vec::new());
        while start.elapsed().as_secs_f64() < minutes * 60.0 || sums.rounds < 3 {
            query(&session, &mut sums).await;
            writes(&session, &stock, &mut sums).await;
            run((&engine, times), &stock, folder.path(), &url, &mut sums).await;
            sums.rounds += 1;
            assert!(stock.written.lock().unwrap().is_empty(), "a record was written that was not sent");
            steady.push(usage());
            if told.elapsed() > Duration::from_secs(30) {
                let (memory, files) = usage();
                println!("{:.0} s: {memory} KiB, {files} descriptors, {sums:?}", start.elapsed().as_secs_f64());
                told = Instant::now();
            }
        }
        // The first half warms up. The second may use only what an allocator and idle sockets keep.
        let (warm, late) = steady.split_at(steady.len() / 2);
        let most = |part: &[(u64, u64)]| part.iter().fold((0, 0), |m, u| (m.0.max(u.0), m.1.max(u.1)));
        println!("{sums:?}");
        println!(
            "{} requests, {} with a fault",
            stock.requests.load(Ordering::Relaxed),
            stock.faults.load(Ordering::Relaxed)
        );
        println!("first half at most {:?}, second half at most {:?} (KiB, descriptors)", most(warm), most(late));
        assert!(most(late).0 < most(warm).0 * 5 / 4 + (24 << 10), "memory grows: {steady:?}");
        assert!(most(late).1 < most(warm).1 + 24, "descriptors pile up: {steady:?}");
        assert!(sums.queries_ok > sums.queries_failed && sums.writes_ok > 0 && sums.runs > 0, "{sums:?}");
    });
}
