//! Each folder `tests/cases/<connector>/<OperationId>/<fact>/` is a test: a call, the requests that it must send, the replies to them, and what
//! must come out. A missing or an extra request fails it. `UPDATE=1` rewrites `expect.json`; a new case needs no Rust.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use bytes::Bytes;
use libtest_mimic::{Arguments, Failed, Trial};
use opnode::{
    CallOptions, Catalog, Clock, ConnectionSpec, Engine, EngineConfig, Error, ExchangeLimits, Failure, FailureKind,
    Items, Method, Response, Result, Secret, TokenOwner, TokenSlot, TokenStore, Tokens, Transport,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut trials = Vec::new();
    for connector in folders(&root) {
        for operation in folders(&connector) {
            for case in folders(&operation) {
                let name = case.strip_prefix(&root).unwrap().display().to_string();
                trials.push(Trial::test(name, move || run(&case).map_err(Failed::from)));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    found.sort();
    found
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallFile {
    operation: String,
    #[serde(default)]
    options: Value,
    items: Option<Vec<opnode::definition::Json>>,
    /// Items as raw JSON text, where digits matter.
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestFile {
    request: String,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    /// The body as raw text, where digits matter.
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseFile {
    status: Option<u16>,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    text: Option<String>,
    base64: Option<String>,
    fault: Option<String>,
}

fn yaml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_yaml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

fn run(case: &Path) -> Result<(), String> {
    let call: CallFile = yaml(&case.join("call.yaml"))?;
    let mut spec = connection(case, &call)?;
    let script = Arc::new(Script::read(case)?);
    let tokens = spec.values.remove("access_token").map(|token| Arc::new(OneToken(token, None)) as Arc<dyn TokenStore>);
    let config = EngineConfig {
        catalog: catalog(case)?,
        transport: Some(script.clone()),
        clock: Some(Arc::new(StillClock::default())),
        tokens,
        ..EngineConfig::default()
    };
    let engine = Engine::new(config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(perform(&engine, &spec, &call));
    script.check()?;
    compare(case, found)
}

/// The shipped packs, and the case's own where its connector folder has one.
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

/// The call's outcome as JSON text, items digit for digit; or its error.
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

/// Every stated field must be there with the stated value.
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

/// The requests and replies of a case.
struct Script {
    steps: Mutex<Vec<(String, RequestFile, ResponseFile, bool)>>,
    faults: Mutex<Vec<String>>,
}

impl Script {
    fn read(case: &Path) -> Result<Script, String> {
        let mut steps = Vec::new();
        for number in 1.. {
            let name = format!("{number:02}");
            let request = case.join(format!("{name}.request.yaml"));
            if !request.exists() {
                break;
            }
            steps.push((name.clone(), yaml(&request)?, yaml(&case.join(format!("{name}.response.yaml")))?, false));
        }
        Ok(Script { steps: Mutex::new(steps), faults: Mutex::default() })
    }

    fn check(&self) -> Result<(), String> {
        let mut faults = self.faults.lock().unwrap().clone();
        faults.extend(
            self.steps
                .lock()
                .unwrap()
                .iter()
                .filter(|s| !s.3)
                .map(|s| format!("request {} was not sent: {}", s.0, s.1.request)),
        );
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        let line = format!("{} {}", request.method(), request.uri());
        let mut steps = self.steps.lock().unwrap();
        let Some(step) = steps.iter_mut().find(|s| !s.3 && s.1.request == line) else {
            let waiting: Vec<&str> = steps.iter().filter(|s| !s.3).map(|s| s.1.request.as_str()).collect();
            self.faults
                .lock()
                .unwrap()
                .push(format!("an unexpected request was sent: {line}\nstill expected: {waiting:#?}"));
            return Err(Failure { kind: FailureKind::Refused, message: "not in the script".into(), status: None });
        };
        step.3 = true;
        let mut faults = self.faults.lock().unwrap();
        for (name, value) in &step.1.headers {
            let sent = request.headers().get(name).map(|v| v.to_str().unwrap_or("(bytes)"));
            if sent != value.as_str() {
                faults.push(format!("{line}: the header {name} should be {value}, but is {sent:?}"));
            }
        }
        let body = std::str::from_utf8(request.body()).unwrap_or("(bytes)");
        match (&step.1.body, &step.1.text) {
            (None, None) if !body.is_empty() => faults.push(format!("{line}: no body should be sent, but is {body}")),
            (Some(expected), _) if serde_json::from_str::<Value>(body).ok().as_ref() != Some(expected) => {
                faults.push(format!("{line}: the body should be {expected}, but is {body}"));
            }
            (None, Some(text)) if text != body => {
                faults.push(format!("{line}: the body should be {text}, but is {body}"))
            }
            _ => {}
        }
        reply(&step.2)
    }
}

fn reply(file: &ResponseFile) -> Result<Response, Failure> {
    if let Some(fault) = &file.fault {
        let kind = match fault.as_str() {
            "connect" => FailureKind::NotSent,
            "timeout" => FailureKind::TimedOut,
            _ => FailureKind::Broken,
        };
        return Err(Failure { kind, message: format!("scripted {fault}"), status: None });
    }
    let mut headers = http::HeaderMap::new();
    for (name, value) in &file.headers {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.append(
            http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
            http::HeaderValue::from_bytes(text.as_bytes()).unwrap(),
        );
    }
    let body = match (&file.body, &file.text, &file.base64) {
        (_, Some(text), _) => text.clone().into_bytes(),
        (_, _, Some(base64)) => base64::engine::general_purpose::STANDARD.decode(base64).unwrap(),
        (Some(body), _, _) => body.to_string().into_bytes(),
        _ => Vec::new(),
    };
    Ok(Response {
        status: http::StatusCode::from_u16(file.status.unwrap_or(200)).unwrap(),
        headers,
        body: body.into(),
        ..Response::default()
    })
}

/// A store in which somebody has signed in already: `access_token` in connection.yaml.
struct OneToken(String, Option<TokenOwner>);

#[async_trait]
impl TokenStore for OneToken {
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
        Ok(Box::new(OneToken(self.0.clone(), Some(owner.clone()))))
    }
}

#[async_trait]
impl TokenSlot for OneToken {
    async fn read(&mut self) -> Result<Option<Tokens>> {
        let owner = self.1.as_ref();
        let (account, seed) = (owner.and_then(|o| o.account.clone()), owner.map(|o| o.seed.clone()));
        Ok(Some(Tokens { access: Secret::new(self.0.clone()), refresh: None, expires_at: None, account, seed }))
    }
    async fn write(&mut self, tokens: &Tokens) -> Result<()> {
        self.0 = tokens.access.expose().to_owned();
        Ok(())
    }
}

/// A clock that moves when somebody sleeps.
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
