//! An upsert whose look-ups fail: what could not be looked up is not created, and a retry goes on with it alone.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use opnode::batch::{Batch, BatchConfig, Report, RunOptions, StepReport};
use opnode::{Catalog, Clock, Engine, EngineConfig, ExchangeLimits, Failure, FailureKind, Response, Transport};
use serde_json::{Value, json};

use crate::cleanup;

const CONNECTOR: &str =
    "version: 1\nconnector: stock\ntitle: Stock\nconnection: {}\nbase_url: https://stock.example.com\nauth: none
paging: { link: { size: { query: size, default: 5 } } }\n";
const OPERATIONS: &str = "
version: 1
operations:
  find: { title: F, method: query, request: GET /records, options: { ref: {} }, response: { result: list } }
  create: { title: C, method: mutate, request: POST /records, items: { send: each }, response: { result: object } }
";
const BATCH: &str = r#"
version: 1
connections: { here: { connector: stock } }
connection: here
steps:
  - id: records
    upsert: { find: { query: find, options: { ref: "${{ item.ref }}" } }, key: ref, create: { mutate: create } }
    items: [{ ref: a }, { ref: b }, { ref: c }, { ref: d }]
    on_error: continue
"#;

/// Records by reference; look-ups of some fail.
#[derive(Default)]
struct Stock {
    created: Mutex<Vec<String>>,
    refused: Mutex<BTreeSet<&'static str>>,
    unreachable: Mutex<BTreeSet<&'static str>>,
    passed: Mutex<Duration>,
}

#[async_trait]
impl Transport for Stock {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        let text = request.uri().to_string();
        let name = text.split("ref=").nth(1).unwrap_or_default().split('&').next().unwrap_or_default().to_owned();
        if self.unreachable.lock().unwrap().contains(name.as_str()) {
            return Err(Failure { kind: FailureKind::NotSent, message: "refused".into(), status: None });
        }
        let is_refused = self.refused.lock().unwrap().contains(name.as_str());
        let mut created = self.created.lock().unwrap();
        let (status, body) = match request.method().as_str() {
            "POST" => {
                let body: Value = serde_json::from_slice(request.body()).unwrap();
                created.push(body["ref"].as_str().unwrap().to_owned());
                (201, body)
            }
            _ if is_refused => (400, json!({})),
            _ => (200, created.iter().filter(|own| **own == name).map(|own| json!({ "id": 1, "ref": own })).collect()),
        };
        let mut response = Response { status: http::StatusCode::from_u16(status).unwrap(), ..Response::default() };
        response.body = body.to_string().into_bytes().into();
        response.headers.insert("link", "</records>; rel=\"first\"".parse().unwrap());
        Ok(response)
    }
}

#[async_trait]
impl Clock for Stock {
    fn now(&self) -> Duration {
        *self.passed.lock().unwrap()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_409_600) + self.now()
    }
    fn chance(&self) -> f64 {
        0.5
    }
    async fn sleep(&self, duration: Duration) {
        // The work on rows is beside a wait.
        tokio::time::sleep(Duration::from_millis(1)).await;
        *self.passed.lock().unwrap() += duration;
    }
}

async fn run(stock: &Arc<Stock>, folder: &std::path::Path) -> Report {
    let mut catalog = Catalog::empty();
    catalog.add("stock", "connector.yaml", CONNECTOR);
    catalog.add("stock", "operations.yaml", OPERATIONS);
    let (transport, clock) = (Some(stock.clone() as Arc<dyn Transport>), Some(stock.clone() as Arc<dyn Clock>));
    let engine = Engine::new(EngineConfig { catalog, transport, clock, ..EngineConfig::default() });
    let batch = Batch::parse(&folder.join("batch.yaml"), BATCH, &BatchConfig::new(Arc::new(engine))).unwrap();
    Arc::new(batch).run(RunOptions::default()).unwrap().finish(|_| Ok(())).await
}

fn step<'r>(report: &'r Report, id: &str) -> &'r StepReport {
    report.steps.iter().find(|step| step.name.step == id).unwrap()
}

#[tokio::test]
async fn what_could_not_be_looked_up_is_not_created() {
    let folder = cleanup::folder();
    let stock = Arc::new(Stock::default());
    *stock.refused.lock().unwrap() = BTreeSet::from(["a", "c"]);
    stock.created.lock().unwrap().push("c".to_owned());
    let report = run(&stock, folder.path()).await;
    assert_eq!(*stock.created.lock().unwrap(), ["c", "b", "d"]);
    assert_eq!(step(&report, "records__found").counts.failed, 2);
    let counts = |report: &Report| step(report, "records").results.clone().unwrap();
    assert_eq!(counts(&report), [("created".to_owned(), 2), ("not looked up".to_owned(), 2)].into());
    // The retry looks up the two, of which one has been there, and creates the other.
    stock.refused.lock().unwrap().clear();
    let report = run(&stock, folder.path()).await;
    report.check().unwrap();
    assert_eq!(*stock.created.lock().unwrap(), ["c", "b", "d", "a"]);
    assert_eq!(counts(&report), [("created".to_owned(), 3), ("same".to_owned(), 1)].into());
}

#[tokio::test]
async fn an_outage_that_is_too_long_stops_the_look_ups() {
    let folder = cleanup::folder();
    let stock = Arc::new(Stock::default());
    *stock.unreachable.lock().unwrap() = BTreeSet::from(["b"]);
    let report = run(&stock, folder.path()).await;
    assert!(!report.finished && stock.created.lock().unwrap().is_empty(), "{report:?}");
    assert_eq!(step(&report, "records__found").counts.failed, 0);
    let waited = stock.now();
    assert!(waited > Duration::from_secs(25 * 60) && waited < Duration::from_secs(35 * 60), "{waited:?}");
    stock.unreachable.lock().unwrap().clear();
    run(&stock, folder.path()).await.check().unwrap();
    assert_eq!(*stock.created.lock().unwrap(), ["a", "b", "c", "d"]);
}
