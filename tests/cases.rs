//! Each folder `tests/cases/<connector>/<OperationId>/<fact>/` is a test: a call, the requests that it must send, the
//! replies, and the expected result. A missing or additional request fails it, and so does another order unless the
//! call's `concurrency` is more than 1. A repeated request with the same reply is written once, with `times`.
//! `UPDATE=1` rewrites `expect.json`; a new case needs no Rust.
//!
//! A synthetic system, `tests/cases/<connector>/definitions` with `cases.yaml` beside it, has its cases in that one
//! file: a list, each with its call, its exchanges and what the caller gets.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use libtest_mimic::{Arguments, Failed, Trial};
use opnode::{CallOptions, Catalog, Clock, ConnectionSpec, Engine, EngineConfig, Error, Items, Method, TokenStore};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[path = "cases/script.rs"]
mod script;
#[path = "scripted/signed_in.rs"]
mod signed_in;

use script::Script;
use signed_in::SignedIn;

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut trials = Vec::new();
    for connector in folders(&root, &["script.rs"], &mut trials) {
        trials.extend(listed(&root, &connector));
        for operation in folders(&connector, &["connection.yaml", "cases.yaml"], &mut trials) {
            for case in folders(&operation, &[], &mut trials) {
                let name = case.strip_prefix(&root).unwrap().display().to_string();
                trials.push(Trial::test(name, move || run(&case).map_err(Failed::from)));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// One case of a `cases.yaml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedCase {
    fact: String,
    call: CallFile,
    #[serde(default)]
    exchanges: Vec<script::ListedExchange>,
    /// The items that the caller gets, in this order.
    items: Option<Vec<Value>>,
    /// Fields of the receipt.
    receipt: Option<Value>,
    /// Fields of the outcomes of a write.
    outcomes: Option<Value>,
    /// Fields of the error.
    error: Option<Value>,
}

/// The cases of a connector's `cases.yaml`.
fn listed(root: &Path, connector: &Path) -> Vec<Trial> {
    let file = connector.join("cases.yaml");
    let name = connector.strip_prefix(root).unwrap().display().to_string();
    if !file.exists() {
        return Vec::new();
    }
    match yaml::<Vec<ListedCase>>(&file) {
        Err(fault) => vec![Trial::test(name, || Err(Failed::from(fault)))],
        Ok(cases) => {
            let trial = |case: ListedCase| {
                // As deep as a case that is a folder.
                let place = connector.join("operation").join("fact");
                Trial::test(format!("{name}/{}: {}", case.call.operation, case.fact), move || {
                    run_listed(&place, case).map_err(Failed::from)
                })
            };
            cases.into_iter().map(trial).collect()
        }
    }
}

fn run_listed(place: &Path, case: ListedCase) -> Result<(), String> {
    let script = Arc::new(Script::of(case.exchanges, case.call.concurrency.unwrap_or(1) == 1));
    let found = perform_with(place, &case.call, &script)?;
    script.check()?;
    let text = match (found, &case.error) {
        (Err((error, text)), Some(expected)) => {
            subset("/error", expected, &error.to_json())?;
            text
        }
        (Err((error, _)), None) => {
            return Err(format!("the call failed: {}", serde_json::to_string_pretty(&error.to_json()).unwrap()));
        }
        (Ok(text), Some(_)) => return Err(format!("the call succeeded, but `error` says that it fails: {text}")),
        (Ok(text), None) => Some(text),
    };
    let found: Value = text.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default();
    for (part, expected) in [("receipt", &case.receipt), ("outcomes", &case.outcomes)] {
        expected.iter().try_for_each(|expected| subset(&format!("/{part}"), expected, &found[part]))?;
    }
    match case.items.map(Value::from) {
        Some(items) if items != found["items"] => Err(format!("expected the items {items}, found {}", found["items"])),
        _ => Ok(()),
    }
}

/// The folders below one. A file that no test reads is a failure.
fn folders(root: &Path, files: &[&str], trials: &mut Vec<Trial>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    for file in found.extract_if(.., |path| !path.is_dir()) {
        if !files.iter().any(|known| file.ends_with(known)) {
            let fault = format!("nothing reads this file; beside folders there may be {files:?}");
            trials.push(Trial::test(file.display().to_string(), || Err(Failed::from(fault))));
        }
    }
    found.retain(|path| !path.ends_with("definitions"));
    found
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallFile {
    operation: String,
    #[serde(default)]
    options: Value,
    items: Option<Vec<opnode::definition::Json>>,
    /// Items as raw JSON text, for numbers with many digits.
    items_text: Option<String>,
    #[serde(default)]
    connection: Map<String, Value>,
    #[serde(default)]
    forward_only: bool,
    concurrency: Option<u16>,
    items_max: Option<u64>,
    #[serde(default)]
    stop_on_error: bool,
    #[serde(default)]
    limits: Map<String, Value>,
}

fn yaml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_yaml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

fn run(case: &Path) -> Result<(), String> {
    let call: CallFile = yaml(&case.join("call.yaml"))?;
    let script = Arc::new(Script::read(case, call.concurrency.unwrap_or(1) == 1)?);
    let found = perform_with(case, &call, &script)?;
    script.check()?;
    compare(case, found)
}

/// Performs a call against a script.
fn perform_with(
    case: &Path,
    call: &CallFile,
    script: &Arc<Script>,
) -> Result<Result<String, (Error, Option<String>)>, String> {
    let mut spec = connection(case, call)?;
    let tokens = spec.values.remove("access_token").map(|token| Arc::new(SignedIn::new(&token)) as Arc<dyn TokenStore>);
    let config = EngineConfig {
        catalog: catalog(case)?,
        transport: Some(Arc::clone(script) as Arc<dyn opnode::Transport>),
        clock: Some(Arc::new(StillClock::default())),
        tokens,
        ..EngineConfig::default()
    };
    let engine = Engine::new(config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Ok(runtime.block_on(perform(&engine, &spec, call)))
}

/// The shipped packs, and the case's own definitions if its connector folder has any.
fn catalog(case: &Path) -> Result<Catalog, String> {
    let mut catalog = Catalog::builtin();
    let own = case.ancestors().nth(2).unwrap().join("definitions");
    if own.is_dir() {
        catalog.add_folder(&own).map_err(|e| format!("{e:?}"))?;
    }
    Ok(catalog)
}

fn connection(case: &Path, call: &CallFile) -> Result<ConnectionSpec, String> {
    let file = case.ancestors().nth(2).unwrap().join("connection.yaml");
    let mut values: Map<String, Value> = yaml(&file)?;
    values.extend(call.connection.clone());
    let connector = values
        .remove("connector")
        .and_then(|v| v.as_str().map(str::to_owned))
        .ok_or("connection.yaml names no connector")?;
    let mut limits = Map::from_iter([("concurrency".to_owned(), json!(call.concurrency.unwrap_or(1)))]);
    limits.extend(call.limits.clone());
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    Ok(ConnectionSpec {
        connector,
        account: Some("cases".to_owned()),
        values: values.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), text(v))).collect(),
        limits: serde_json::from_value(Value::Object(limits)).map_err(|e| e.to_string())?,
        ..ConnectionSpec::default()
    })
}

/// The call's result as JSON text with exact digits, or its error.
async fn perform(engine: &Engine, spec: &ConnectionSpec, call: &CallFile) -> Result<String, (Error, Option<String>)> {
    let plain = |e| (e, None);
    let session = engine.connect(spec).map_err(plain)?;
    let operation = engine.catalog().operation(Some(&spec.connector), &call.operation).map_err(plain)?;
    let with = CallOptions {
        items_max: call.items_max,
        forward_only: call.forward_only,
        stop_on_error: call.stop_on_error,
        ..CallOptions::default()
    };
    if operation.method == Method::Query {
        let mut walk = session.query(&call.operation, &call.options, &with).map_err(plain)?;
        let mut parts = Vec::new();
        let mut failure = None;
        while let Some(page) = walk.next().await {
            match page {
                Ok(page) => parts.push(page.items),
                Err(error) => failure = Some(error),
            }
        }
        let text = render(&Items::concat(parts), None, walk.receipt());
        return match failure {
            Some(error) => Err((error, Some(text))),
            None => Ok(text),
        };
    }
    let items = match (&call.items_text, &call.items) {
        (Some(text), _) => Some(Items::from_ndjson(text.clone()).map_err(plain)?),
        (None, Some(values)) => {
            let texts: Vec<&str> = values.iter().map(|v| v.0.as_str()).collect();
            Some(Items::from_array(format!("[{}]", texts.join(","))).map_err(plain)?)
        }
        (None, None) => None,
    };
    let writes = match operation.method {
        Method::Delete => session.delete(&call.operation, &call.options, items, &with),
        _ => session.mutate(&call.operation, &call.options, items, &with),
    };
    let reply = writes.map_err(plain)?.collect().await;
    let outcomes = serde_json::to_value(&reply.outcomes).unwrap();
    Ok(render(&reply.items, Some(outcomes), &reply.receipt))
}

fn render(items: &Items, outcomes: Option<Value>, receipt: &opnode::Receipt) -> String {
    let mut receipt = serde_json::to_value(receipt).unwrap();
    for moving in ["elapsed_ms", "bytes"] {
        receipt.as_object_mut().unwrap().remove(moving);
    }
    let lines: Vec<String> = items.iter().map(|i| format!("\n    {}", i.as_str())).collect();
    let outcomes = outcomes.map(|o| format!(",\n  \"outcomes\": {}", pretty(&o))).unwrap_or_default();
    format!("{{\n  \"items\": [{}\n  ]{outcomes},\n  \"receipt\": {}\n}}\n", lines.join(","), pretty(&receipt))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap().replace('\n', "\n  ")
}

fn compare(case: &Path, found: Result<String, (Error, Option<String>)>) -> Result<(), String> {
    let error_file = case.join("expect.error.yaml");
    let text = match found {
        Ok(_) if error_file.exists() => {
            return Err("the call succeeded, but expect.error.yaml says that it fails".into());
        }
        Ok(text) => Some(text),
        Err((error, _)) if !error_file.exists() => {
            return Err(format!("the call failed: {}", serde_json::to_string_pretty(&error.to_json()).unwrap()));
        }
        Err((error, text)) => {
            let expected: Value = yaml(&error_file)?;
            subset("", &expected, &error.to_json())?;
            text
        }
    };
    let (Some(text), file) = (text, case.join("expect.json")) else { return Ok(()) };
    let failed_without_items = error_file.exists() && !file.exists() && text.contains("\"items\": [\n  ]");
    if failed_without_items {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).map_err(|e| e.to_string())?;
    }
    let expected = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    if expected == text { Ok(()) } else { Err(format!("expected\n{expected}\nfound\n{text}")) }
}

/// Every expected field must have the expected value.
fn subset(at: &str, expected: &Value, found: &Value) -> Result<(), String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().try_for_each(|(k, v)| subset(&format!("{at}/{k}"), v, found.get(k).unwrap_or(&Value::Null)))
        }
        (Value::Array(e), Value::Array(f)) if e.len() == f.len() => {
            e.iter().zip(f).enumerate().try_for_each(|(i, (e, f))| subset(&format!("{at}/{i}"), e, f))
        }
        _ if expected == found => Ok(()),
        _ => Err(format!("{at}: expected {expected}, found {found}")),
    }
}

/// A clock that only moves when something sleeps.
#[derive(Default)]
struct StillClock(Mutex<Duration>);

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn chance(&self) -> f64 {
        0.5
    }
    async fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}
