//! A batch run that is stopped and resumed at any requests leaves the same results as an uninterrupted one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use opnode::batch::{Batch, BatchConfig, Report, RunOptions};
use opnode::{Cancel, Catalog, Engine, EngineConfig, ExchangeLimits, Failure, Response, Transport};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::strategy::Strategy;
use serde_json::{Value, json};

use crate::cleanup;
use crate::scripted::{block_on, reply};
use crate::{prove, regressions};

const CONNECTOR: &str =
    "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none
paging: { link: { size: { query: size, default: 2 } } }\n";
const OPERATIONS: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /things, response: { result: list } }
  parts: { title: P, method: query, request: 'GET /things/{id}/parts', options: { id: {} }, response: { result: list } }
  make: { title: M, method: mutate, request: POST /records, items: { send: each }, response: { result: object } }
";
const BATCH: &str = r#"version: 1
name: stopped
connections: { here: { connector: acme, limits: { attempts: 1, concurrency: 4 } } }
steps:
  - id: list
    query: list
    save: list.ndjson
  - id: parts
    for: ${{ steps.list.items }}
    query: parts
    options: { id: "${{ item.id }}" }
    map: { item: "${{ parent.id }}", part: "${{ item.part }}", price: "${{ item.price }}" }
    parallel: 3
    save: parts.csv
  - id: make
    mutate: make
    items: ${{ steps.list.items }}
    map: { key: "k-${{ item.id }}" }
    on_error: continue
    save: made.ndjson
"#;

const ROWS: u64 = 24;

/// A fictitious system that stops the run at a request: before it replies, or without ever replying.
#[derive(Default)]
struct Server {
    made: Mutex<BTreeMap<String, u64>>,
    seen: AtomicU64,
    stop: Mutex<Option<(u64, bool, Cancel)>>,
}

impl Server {
    fn reply(&self, request: &http::Request<Bytes>) -> Response {
        let page: u64 = request.uri().query().and_then(|q| q.split("page=").nth(1)?.parse().ok()).unwrap_or(1);
        let path = request.uri().path();
        if path == "/records" {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            *self.made.lock().unwrap().entry(body["key"].as_str().unwrap().to_owned()).or_default() += 1;
            return reply(200, request.body().to_vec());
        }
        let (rows, last): (Vec<Value>, u64) = if path == "/things" {
            ((page * 2 - 1..=page * 2).map(|id| json!({ "id": id, "name": format!("Thing {id}") })).collect(), ROWS / 2)
        } else {
            (vec![json!({"part": page, "price": 1.5}), json!({"part": page + 10, "price": null})], 2)
        };
        let mut response = reply(200, json!(rows).to_string());
        if page < last {
            let link = format!("<https://acme.example.com{path}?size=2&page={}>; rel=\"next\"", page + 1);
            response.headers.insert("link", link.parse().unwrap());
        }
        response
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        let number = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let response = self.reply(&request);
        let stop = self.stop.lock().unwrap().clone();
        if let Some((_, hangs, cancel)) = stop.filter(|(at, ..)| *at <= number) {
            cancel.cancel();
            if hangs {
                std::future::pending::<()>().await;
            }
        }
        tokio::task::yield_now().await;
        Ok(response)
    }
}

async fn run(folder: &Path, server: &Arc<Server>, stop: Option<(u64, bool)>) -> Report {
    let cancel = Cancel::default();
    let seen = server.seen.load(Ordering::Relaxed);
    *server.stop.lock().unwrap() = stop.map(|(after, hangs)| (seen + after, hangs, cancel.clone()));
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", CONNECTOR);
    catalog.add("acme", "operations.yaml", OPERATIONS);
    let engine = Engine::new(EngineConfig { catalog, transport: Some(server.clone()), ..EngineConfig::default() });
    let batch = Batch::parse(&folder.join("batch.yaml"), BATCH, &BatchConfig::new(Arc::new(engine))).unwrap();
    Arc::new(batch).run(RunOptions { cancel, ..RunOptions::default() }).unwrap().finish(|_| Ok(())).await
}

/// Where the run is stopped each time: after how many requests, and whether the last of them never gets a reply. After
/// these stops it runs to its end.
fn stopped_at(requests: u64) -> impl Strategy<Value = Vec<Option<(u64, bool)>>> {
    let stop = (weighted(0.875), 1..requests / 2, weighted(1.0 / 3.0));
    vec(stop.prop_map(|(stops, after, hangs)| stops.then_some((after, hangs))), 0..20)
}

fn file(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn keys(text: &str) -> Vec<String> {
    text.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_stopped_and_resumed_run_ends_like_an_uninterrupted_one() {
    let clean = cleanup::folder();
    let server = Arc::new(Server::default());
    block_on(run(clean.path(), &server, None)).check().unwrap();
    let requests = server.seen.load(Ordering::Relaxed);
    let all = keys(&file(clean.path(), "made.ndjson"));
    assert_eq!((all.len() as u64, requests), (ROWS, ROWS / 2 + 2 * ROWS + ROWS));
    let (stops, unknowns) = (AtomicU64::new(0), AtomicU64::new(0));
    prove(regressions!("runs"), 8, &stopped_at(requests), |stops_at| {
        let folder = cleanup::folder();
        let server = Arc::new(Server::default());
        let mut report = None;
        for stop in stops_at.into_iter().chain([None; 10]) {
            let found = block_on(run(folder.path(), &server, stop));
            if found.finished {
                report = Some(found);
                break;
            }
            stops.fetch_add(1, Ordering::Relaxed);
        }
        let report = report.expect("it comes to its end");
        for name in ["list.ndjson", "parts.csv"] {
            assert_eq!(file(folder.path(), name), file(clean.path(), name), "{name}");
        }
        let made = keys(&file(folder.path(), "made.ndjson"));
        let missing: Vec<&String> = all.iter().filter(|k| !made.contains(k)).collect();
        assert_eq!(
            made,
            all.iter().filter(|k| !missing.contains(k)).cloned().collect::<Vec<_>>(),
            "in order, and each once"
        );
        let counts = report.steps.last().unwrap().counts;
        assert_eq!((missing.len() as u64, 0), (counts.unknown, counts.failed), "{report:#?}");
        let at_server = server.made.lock().unwrap();
        assert!(
            made.iter().all(|k| at_server.get(k) == Some(&1)) && at_server.values().all(|n| *n == 1),
            "{at_server:?}"
        );
        unknowns.fetch_add(counts.unknown, Ordering::Relaxed);
    });
    println!("{stops:?} stops, {unknowns:?} writes unknown");
}
