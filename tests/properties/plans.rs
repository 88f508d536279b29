//! A plan shows what is then sent, for every shipped operation: options and items are made up from their schemas and filled with nasty texts.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use opnode::definition::Operation;
use opnode::{
    CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Items, Method, PlannedRequest, Request, Result, Secret,
    Session, TokenOwner, TokenSlot, TokenStore, Tokens,
};
use serde_json::{Map, Value, json};

use crate::prove;
use crate::scripted::{Scripted, TestClock, block_on, reply};

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

/// A store in which somebody has signed in already.
struct Signed(Option<TokenOwner>);

#[async_trait]
impl TokenStore for Signed {
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
        Ok(Box::new(Signed(Some(owner.clone()))))
    }
}

#[async_trait]
impl TokenSlot for Signed {
    async fn read(&mut self) -> Result<Option<Tokens>> {
        let (account, seed) =
            (self.0.as_ref().and_then(|o| o.account.clone()), self.0.as_ref().map(|o| o.seed.clone()));
        Ok(Some(Tokens {
            access: Secret::new("token-of-nobody".to_owned()),
            refresh: None,
            expires_at: None,
            account,
            seed,
        }))
    }
    async fn write(&mut self, _: &Tokens) -> Result<()> {
        Ok(())
    }
}

/// A value for a schema, mostly one that fits.
fn of_schema(schema: &Value, dice: &mut fastrand::Rng, depth: u32) -> Value {
    if let Some(Value::Array(all)) = schema.get("enum") {
        return dice.choice(all).cloned().unwrap_or_default();
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => dice.choice(kinds).and_then(Value::as_str).unwrap_or("string"),
        Some(kind) => kind.as_str().unwrap_or("string"),
        None if schema.get("properties").is_some() => "object",
        None => "string",
    };
    match kind {
        "integer" => json!(dice.i64(-3..100_000)),
        "number" => json!(f64::from(dice.i32(-1000..1000)) / 4.0),
        "boolean" => json!(dice.bool()),
        "null" => Value::Null,
        "array" if depth > 0 => {
            let of = schema.get("items").cloned().unwrap_or(json!({}));
            (0..dice.usize(..3)).map(|_| of_schema(&of, dice, depth - 1)).collect()
        }
        "object" if depth > 0 => {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let properties = schema["properties"].as_object().into_iter().flatten();
            let chosen: Vec<_> =
                properties.filter(|(name, _)| required.contains(&name.as_str()) || dice.u8(..4) == 0).collect();
            chosen.into_iter().map(|(name, schema)| (name.clone(), of_schema(schema, dice, depth - 1))).collect()
        }
        "array" => json!([]),
        "object" => json!({}),
        _ => json!(dice.choice(TEXTS).unwrap()),
    }
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
    let tokens = Some(Arc::new(Signed(None)) as Arc<dyn TokenStore>);
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

/// Texts that are masked in a plan have anything in their place when they are sent.
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

fn try_one(world: &World, dice: &mut fastrand::Rng) -> bool {
    let (session, operation) = dice.choice(&world.operations).unwrap();
    let mut options = Map::new();
    for rule in &operation.options {
        if rule.required || dice.u8(..3) == 0 {
            options.insert(rule.name.clone(), of_schema(&rule.schema.to_value(), dice, 2));
        }
    }
    let options = Value::Object(options);
    let items = operation.items.as_ref().filter(|rule| rule.required || dice.bool()).map(|rule| {
        let sample = rule.sample.as_ref().map(|s| s.0.clone());
        let one = |dice: &mut fastrand::Rng| match &sample {
            Some(sample) if dice.bool() => sample.clone(),
            _ => of_schema(&rule.schema, dice, 3).to_string(),
        };
        let list: Vec<String> = (0..dice.usize(1..4)).map(|_| one(dice)).collect();
        Items::from_array(format!("[{}]", list.join(","))).unwrap()
    });
    let with = CallOptions { items_max: dice.bool().then(|| dice.u64(1..50)), ..CallOptions::default() };
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
            // Of a walk, the plan is its first request.
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
    prove("a plan is what is sent", 200, |dice| {
        planned.fetch_add(u64::from(try_one(&world, dice)), std::sync::atomic::Ordering::Relaxed);
    });
    println!("{planned:?} of them were sent");
}
