//! A plan matches the requests that are sent, for every shipped operation. Options and items are generated from their
//! schemas, with difficult texts.

use std::path::Path;
use std::sync::{Arc, Mutex};

use opnode::definition::Operation;
use opnode::{
    CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Items, Method, PlannedRequest, Request, Session,
    TokenStore,
};
use proptest::collection::vec;
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Just, Strategy, Union};
use proptest::{option, prop_oneof};
use serde_json::{Map, Value, json};

use crate::scripted::{Scripted, TestClock, block_on, reply};
use crate::signed_in::SignedIn;
use crate::{prove, regressions};

const MASK: &str = "[secret]";

const TEXTS: [&str; 19] = [
    "a",
    "7",
    "a b",
    "a/b",
    "..",
    "",
    "a=1&b=2",
    "100%",
    "%2e%2e",
    "é😀",
    "name=\"x\" and id>3",
    "#top",
    "?x",
    "a+b",
    "a,b",
    "line\nbreak",
    "\u{0}",
    "null",
    "2026-11-23T00:00:00Z",
];

/// Values for a schema; most of them are valid.
fn of_schema(schema: &Value, depth: u32) -> BoxedStrategy<Value> {
    if let Some(Value::Array(all)) = schema.get("enum") {
        return if all.is_empty() { Just(Value::Null).boxed() } else { select(all.clone()).boxed() };
    }
    match schema.get("type") {
        Some(Value::Array(kinds)) => {
            let kinds: Vec<String> = kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            Union::new(kinds.iter().map(|kind| of_kind(kind, schema, depth)).collect::<Vec<_>>()).boxed()
        }
        Some(kind) => of_kind(kind.as_str().unwrap_or("string"), schema, depth),
        None => of_kind(if schema.get("properties").is_some() { "object" } else { "string" }, schema, depth),
    }
}

fn of_kind(kind: &str, schema: &Value, depth: u32) -> BoxedStrategy<Value> {
    match kind {
        "integer" => (-3_i64..100_000).prop_map(Value::from).boxed(),
        "number" => (-1000_i32..1000).prop_map(|n| json!(f64::from(n) / 4.0)).boxed(),
        "boolean" => proptest::bool::ANY.prop_map(Value::from).boxed(),
        "null" => Just(Value::Null).boxed(),
        "array" if depth > 0 => {
            let of = schema.get("items").cloned().unwrap_or(json!({}));
            vec(of_schema(&of, depth - 1), 0..3).prop_map(Value::from).boxed()
        }
        "object" if depth > 0 => {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let properties = schema["properties"].as_object().into_iter().flatten();
            fields(
                properties.map(|(name, schema)| {
                    (name.clone(), required.contains(&name.as_str()), of_schema(schema, depth - 1))
                }),
                0.25,
            )
            .prop_map(Value::Object)
            .boxed()
        }
        "array" => Just(json!([])).boxed(),
        "object" => Just(json!({})).boxed(),
        _ => select(&TEXTS[..]).prop_map(Value::from).boxed(),
    }
}

/// Objects with these fields; optional ones have this probability.
fn fields(
    all: impl Iterator<Item = (String, bool, BoxedStrategy<Value>)>,
    likely: f64,
) -> BoxedStrategy<Map<String, Value>> {
    let field = |(name, required, values): (String, bool, BoxedStrategy<Value>)| {
        let chosen = if required { values.prop_map(Some).boxed() } else { option::weighted(likely, values).boxed() };
        chosen.prop_map(move |value| value.map(|value| (name.clone(), value)))
    };
    all.map(field).collect::<Vec<_>>().prop_map(|fields| fields.into_iter().flatten().collect()).boxed()
}

struct World {
    engine: Engine,
    operations: Vec<(Session, Arc<Operation>)>,
    sent: Arc<Mutex<Vec<PlannedRequest>>>,
}

fn world() -> World {
    let sent: Arc<Mutex<Vec<PlannedRequest>>> = Arc::default();
    let log = Arc::clone(&sent);
    let server = Arc::new(Scripted::new(move |_, request| {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<(String, String)> =
            request.headers().iter().map(|(n, v)| (n.to_string(), text(v))).collect();
        headers.sort();
        let body = (!request.body().is_empty()).then(|| {
            std::str::from_utf8(request.body())
                .map_or_else(|_| format!("({} bytes)", request.body().len()), str::to_owned)
        });
        log.lock().unwrap().push(PlannedRequest {
            verb: request.method().to_string(),
            url: request.uri().to_string(),
            headers,
            body,
        });
        Ok(reply(204, ""))
    }));
    let clock = Some(Arc::new(TestClock::new(1)) as Arc<dyn opnode::Clock>);
    let tokens = Some(Arc::new(SignedIn::new("token-of-nobody")) as Arc<dyn TokenStore>);
    let engine = Engine::new(EngineConfig { transport: Some(server), clock, tokens, ..EngineConfig::default() });
    let mut operations = Vec::new();
    for name in Catalog::builtin().connector_names() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name).join("connection.yaml");
        let mut values: Map<String, Value> = serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        values.remove("connector");
        values.remove("access_token");
        let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let spec = ConnectionSpec {
            connector: name.to_owned(),
            account: Some("tests".to_owned()),
            values: values.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), text(v))).collect(),
            limits: serde_json::from_value(json!({"concurrency": 1, "attempts": 1})).unwrap(),
            ..ConnectionSpec::default()
        };
        let session = engine.connect(&spec).unwrap();
        operations.extend(engine.catalog().operations(name).unwrap().into_iter().map(|o| (session.clone(), o)));
    }
    World { engine, operations, sent }
}

/// A masked text in a plan matches any sent text.
fn fits(planned: &str, sent: &str) -> bool {
    let mut rest = sent;
    let mut parts = planned.split(MASK);
    let Some(tail) = parts.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = tail;
    for part in parts {
        let found = if part.is_empty() { Some(rest.len()) } else { rest.find(part) };
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || planned.ends_with(MASK)
}

fn same(planned: &PlannedRequest, sent: &PlannedRequest) -> bool {
    let names = |r: &PlannedRequest| {
        r.headers.iter().map(|(n, _)| n.clone()).filter(|n| n != "authorization").collect::<Vec<_>>()
    };
    let headers = planned.headers.iter().filter(|(n, _)| n != "authorization" && n != "idempotency-key");
    let values_fit = |(name, value): &(String, String)| sent.headers.iter().any(|(n, v)| n == name && fits(value, v));
    let body = match (&planned.body, &sent.body) {
        (Some(planned), Some(sent)) => fits(planned, sent),
        (planned, sent) => planned == sent,
    };
    planned.verb == sent.verb
        && fits(&planned.url, &sent.url)
        && names(planned) == names(sent)
        && { headers }.all(values_fit)
        && body
}

/// A generated call.
#[derive(Clone, Debug)]
struct Made {
    /// Index of the operation.
    operation: usize,
    options: Value,
    /// A JSON array.
    items: Option<String>,
    items_max: Option<u64>,
}

fn calls(world: &World) -> impl Strategy<Value = Made> + use<> {
    let operations: Vec<Arc<Operation>> = world.operations.iter().map(|(_, operation)| operation.clone()).collect();
    (0..operations.len()).prop_flat_map(move |place| {
        let operation = &operations[place];
        let rules = operation.options.iter();
        let options = fields(
            rules.map(|rule| (rule.name.clone(), rule.required, of_schema(&rule.schema.to_value(), 2))),
            1.0 / 3.0,
        );
        (options, items(operation), option::of(1_u64..50)).prop_map(move |(options, items, items_max)| Made {
            operation: place,
            options: Value::Object(options),
            items,
            items_max,
        })
    })
}

/// Items of an operation: samples and generated ones.
fn items(operation: &Operation) -> BoxedStrategy<Option<String>> {
    let Some(rule) = &operation.items else { return Just(None).boxed() };
    let made_up = of_schema(&rule.schema, 3).prop_map(|value| value.to_string());
    let one = match &rule.sample {
        Some(sample) => prop_oneof![Just(sample.0.clone()), made_up].boxed(),
        None => made_up.boxed(),
    };
    let all = vec(one, 1..4).prop_map(|items| format!("[{}]", items.join(",")));
    if rule.required { all.prop_map(Some).boxed() } else { option::of(all).boxed() }
}

/// Whether the call has a plan; fails if the plan differs from what is sent.
fn try_one(world: &World, made: Made) -> bool {
    let (session, operation) = &world.operations[made.operation];
    let options = made.options;
    let items = made.items.map(|text| Items::from_array(text).unwrap());
    let with = CallOptions { items_max: made.items_max, ..CallOptions::default() };
    world.sent.lock().unwrap().clear();
    let plan = session.plan(&Request {
        items: items.clone(),
        limit: with.items_max,
        ..Request::new(operation.method, operation.id.clone(), &options)
    });
    assert!(world.sent.lock().unwrap().is_empty(), "a plan of {} sends", operation.id);
    let ended = block_on(async {
        match operation.method {
            Method::Query => session.query(&operation.id, &options, &with)?.collect().await.map(drop),
            Method::Mutate => {
                session.mutate(&operation.id, &options, items.clone(), &with).map(|w| w.collect())?.await.check()
            }
            Method::Delete => {
                session.delete(&operation.id, &options, items.clone(), &with).map(|w| w.collect())?.await.check()
            }
        }
    });
    let sent = world.sent.lock().unwrap().clone();
    let about = format!("{} with {options} and {items:?}", operation.id);
    match plan {
        Err(refused) => {
            let error =
                ended.err().unwrap_or_else(|| panic!("{about}: the plan is refused, the call is not: {refused}"));
            assert!(sent.is_empty() || sent.len() < items.map_or(1, |i| i.len()), "{about}: refused, and {sent:#?}");
            assert_eq!(error.kind(), refused.kind(), "{about}: {refused} and {error}");
            false
        }
        Ok(planned) => {
            assert_eq!(planned.len(), sent.len().min(planned.len()), "{about}: {sent:#?} ({ended:?})");
            // The plan of a walk is its first request.
            assert!(operation.method == Method::Query || planned.len() == sent.len(), "{about}: {sent:#?}");
            for (planned, sent) in planned.iter().zip(&sent) {
                assert!(same(planned, sent), "{about}: planned {planned:#?}, sent {sent:#?}");
            }
            true
        }
    }
}

#[test]
fn a_plan_is_what_is_sent() {
    let world = world();
    assert!(world.engine.catalog().connector_names().count() > 0);
    let planned = std::sync::atomic::AtomicU64::new(0);
    prove(regressions!("plans"), 200, &calls(&world), |made| {
        planned.fetch_add(u64::from(try_one(&world, made)), std::sync::atomic::Ordering::Relaxed);
    });
    println!("{planned:?} of them were sent");
}
