//! Benchmarks of the hot paths: loading a catalogue, reading a page, planning a request. Compare results within one
//! run, not across machines.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use opnode::{
    CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, ExchangeLimits, Failure, Method, Request, Response,
    Transport,
};
use serde_json::{Value, json};

const CONNECTOR: &str = "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none\n\
paging: { link: { size: { query: pageSize, default: 1000 } } }\n";

/// A pack with this many operations, as an importer would write it.
fn pack(operations: usize) -> String {
    let mut text = String::from("version: 1\noperations:\n");
    for n in 0..operations {
        writeln!(
            text,
            "  getThings{n}:\n    title: List things of kind {n}\n    description: Every thing of the kind {n}, with its owner and state\n    method: query\n    \
             request: GET /kinds/{n}/things\n    options:\n      conditions: {{ type: string, description: Which things, examples: ['state = 1'] }}\n      \
             orderBy: {{ type: string, description: In which order }}\n      since: {{ type: string, format: date-time }}\n    response: {{ result: list }}"
        )
        .unwrap();
    }
    text
}

fn catalog(operations: usize) -> Catalog {
    let mut catalog = Catalog::builtin();
    catalog.add("acme", "connector.yaml", CONNECTOR);
    catalog.add("acme", "things.yaml", pack(operations));
    catalog
}

/// Time from an empty catalogue to one operation: the same for 10 and for 3,000 operations, except for the search for
/// line starts.
fn start(c: &mut Criterion) {
    let mut group = c.benchmark_group("catalog_start");
    for operations in [10, 300, 3000] {
        let text = pack(operations);
        group.bench_function(format!("{operations}_operations"), |b| {
            b.iter(|| {
                let mut catalog = Catalog::builtin();
                catalog.add("acme", "connector.yaml", CONNECTOR);
                catalog.add("acme", "things.yaml", text.clone());
                black_box(catalog.operation(Some("acme"), "getThings7").unwrap())
            });
        });
    }
    group.finish();
}

/// Serves one page from memory.
struct OnePage(Vec<u8>);

#[async_trait]
impl Transport for OnePage {
    async fn send(&self, _: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        Ok(Response { body: self.0.clone().into(), ..Response::default() })
    }
}

fn page_body() -> Vec<u8> {
    let item = |id: u64| json!({"id": id, "identifier": format!("member{id}"), "inactiveFlag": false, "notes": "x".repeat(900), "department": {"id": 1, "name": "Service"}, "hourlyRate": 12.5});
    Value::Array((0..1000).map(item).collect()).to_string().into_bytes()
}

/// A page of 1,000 items through the whole engine without a network, compared with only checking the JSON.
fn read(c: &mut Criterion) {
    let body = page_body();
    let mut group = c.benchmark_group("page");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("check_only", |b| {
        b.iter(|| serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(black_box(&body)).unwrap().len())
    });
    let engine = Engine::new(EngineConfig {
        catalog: catalog(10),
        transport: Some(Arc::new(OnePage(body.clone()))),
        ..EngineConfig::default()
    });
    let session = engine.connect(&ConnectionSpec { connector: "acme".into(), ..ConnectionSpec::default() }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    group.bench_function("query", |b| {
        b.iter(|| {
            runtime.block_on(async {
                session
                    .query("getThings7", &Value::Null, &CallOptions::default())
                    .unwrap()
                    .collect()
                    .await
                    .unwrap()
                    .items
                    .len()
            })
        });
    });
    group.bench_function("copy_only", |b| b.iter(|| black_box(body.clone()).len()));
    group.finish();
}

fn plan(c: &mut Criterion) {
    let engine = Engine::new(EngineConfig {
        catalog: catalog(10),
        transport: Some(Arc::new(OnePage(Vec::new()))),
        ..EngineConfig::default()
    });
    let session = engine.connect(&ConnectionSpec { connector: "acme".into(), ..ConnectionSpec::default() }).unwrap();
    let options = json!({"conditions": "state = 1 and name like \"a*\"", "orderBy": "name asc"});
    c.bench_function("plan", |b| {
        b.iter(|| session.plan(&Request::new(Method::Query, "getThings7", black_box(&options))).unwrap())
    });
}

criterion_group!(benches, start, read, plan);
criterion_main!(benches);
