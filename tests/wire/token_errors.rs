//! Row 44: a token server's refusals, waits and authentication methods: the message to the user and the requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;
use opnode::{CallOptions, Catalog, Clock, ConnectionSpec, Engine, EngineConfig, Session};
use serde_json::{Value, json};

use crate::form::Reply;
use crate::server::{Act, JSON, Request, Server, json as answer, reply};
use crate::stage::{Found, TestClock, block_on, call, told};
use crate::tables::table;

const ID: &str = "3f2a11aa-0b1c-4d5e-8f90-a1b2c3d4e5f6";
const SECRET: &str = "AB20-Cde_4.~* 5+/";
const WHOLE: &str = r#"[{"id":1}] end"#;

const CONNECTOR: &str = "
version: 1
connector: acme
title: Acme
connection:
  url: { format: uri }
  tokenUrl: { format: uri }
  id: { default: 3f2a11aa-0b1c-4d5e-8f90-a1b2c3d4e5f6 }
  secret: { secret: true, optional: true }
  refreshToken: { secret: true, optional: true }
  audience: { optional: true }
base_url: '{url}'
origins: [TOKEN_SERVER]
auth:
  oauth2:
    flow: FLOW
    authorize: '{tokenUrl}/authorize'
    token: '{tokenUrl}/token'
    client_id: '{id}'
    client_secret: '{secret}'
    refresh_token: '{refreshToken}'
    MORE
";
const OPERATIONS: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /things, response: { result: list } }
";

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (status, body, end, requests, says) in table::<(String, String, String, usize, String)>("token-refusals") {
        let name = format!("44 {status} with {body}");
        trials.push(Trial::test(name, move || Ok(refused(&status, &body, &end, requests, &says)?)));
    }
    for (fact, reply, end, says) in table::<(String, Reply, String, String)>("token-bodies") {
        trials.push(Trial::test(format!("44 tokens in {fact}"), move || Ok(read(reply.act(), &end, &says)?)));
    }
    for (flow, values, body, advice) in table::<(String, BTreeMap<String, String>, String, String)>("token-advice") {
        trials.push(Trial::test(format!("44 what to do about {body} in {flow} with {values:?}"), move || {
            Ok(advised(&flow, &values, &body, &advice)?)
        }));
    }
    for (life, requests) in table::<(Value, usize)>("token-lives") {
        trials.push(Trial::test(format!("44 a life of {life}"), move || Ok(lives_so_long(&life, requests)?)));
    }
    for (fact, status, after, wait_s, waits, requests) in
        table::<(String, String, u64, u64, Vec<u64>, usize)>("token-waits")
    {
        trials.push(Trial::test(format!("44 a token server asks for {fact}"), move || {
            Ok(waited(&status, after, wait_s, &waits, requests)?)
        }));
    }
    trials.extend([
        Trial::test("44 how the client authenticates", || Ok(proofs()?)),
        Trial::test("44 a secret that is accepted only in the form", || Ok(found_out()?)),
        Trial::test("44 further parameters of the token request", || Ok(parameters()?)),
        Trial::test("44 a token server that cannot be reached is named", || Ok(not_there()?)),
    ]);
    trials
}

/// The clock of the stage; its wall time advances with its waits.
#[derive(Default)]
struct Passing(TestClock);

#[async_trait]
impl Clock for Passing {
    fn now(&self) -> Duration {
        self.0.now()
    }
    fn wall(&self) -> SystemTime {
        self.0.wall() + self.0.now()
    }
    fn chance(&self) -> f64 {
        self.0.chance()
    }
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

struct Stage {
    tokens: Server,
    session: Session,
    clock: Arc<Passing>,
    _api: Server,
}

impl Stage {
    fn new(flow: &str, more: &str, values: &[(&str, &str)], acts: Vec<Act>) -> Stage {
        let (api, tokens) = (Server::start(vec![answer(r#"[{"id":1}]"#)]), Server::start(acts));
        let token_server = tokens.url();
        let connector = CONNECTOR.replace("TOKEN_SERVER", &token_server).replace("FLOW", flow).replace("MORE", more);
        let mut catalog = Catalog::empty();
        catalog.add("acme", "connector.yaml", connector);
        catalog.add("acme", "operations.yaml", OPERATIONS);
        let clock = Arc::new(Passing::default());
        let engine = Engine::new(EngineConfig { catalog, clock: Some(clock.clone()), ..EngineConfig::default() });
        let mut all = vec![("url", api.url()), ("tokenUrl", token_server)];
        all.extend(values.iter().filter(|(n, _)| *n != "wait_s").map(|(n, v)| (*n, (*v).to_owned())));
        let wait: u32 = values.iter().find(|(n, _)| *n == "wait_s").map_or(120, |(_, v)| v.parse().unwrap());
        let limits = json!({"concurrency": 1, "first_byte_s": 1, "timeout_s": 5, "attempts": 1, "wait_s": wait});
        let spec = ConnectionSpec {
            connector: "acme".into(),
            values: all.into_iter().map(|(n, v)| (n.to_owned(), v)).collect(),
            limits: serde_json::from_value(limits).unwrap(),
            account: Some("tests".to_owned()),
            ..ConnectionSpec::default()
        };
        let session = engine.connect(&spec).unwrap_or_else(|e| panic!("{e:?}: {}", e.to_json()));
        Stage { tokens, session, clock, _api: api }
    }

    fn call(&self) -> Found {
        block_on(call(&self.session, "list", &Value::Null, None, &CallOptions::default()))
    }

    fn exchanges(&self) -> Vec<Request> {
        self.tokens.requests()
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

fn grant() -> Act {
    answer(r#"{"access_token":"a-token","token_type":"Bearer"}"#)
}

fn refused(status: &str, body: &str, end: &str, requests: usize, says: &str) -> Result<(), String> {
    let stage = Stage::new("client_credentials", "", &[], vec![reply(status, JSON, body)]);
    let found = stage.call();
    same("end", found.summary.as_str(), end)?;
    same("requests", stage.exchanges().len(), requests)?;
    if let Some(error) = found.errors.first() {
        // The failed request is the token request, not the call that needed the token.
        same("request", error.request.clone(), Some(format!("POST http://{}/token", stage.tokens.address)))?;
        same("operation", error.operation.as_deref(), Some("list"))?;
    }
    if found.told.contains(says) { Ok(()) } else { Err(format!("nothing says {says:?}: {}", found.told)) }
}

fn read(act: Act, end: &str, says: &str) -> Result<(), String> {
    let found = Stage::new("client_credentials", "", &[], vec![act]).call();
    same("end", found.summary.as_str(), end)?;
    if found.told.contains(says) { Ok(()) } else { Err(format!("nothing says {says:?}: {}", found.told)) }
}

fn advised(flow: &str, values: &BTreeMap<String, String>, body: &str, advice: &str) -> Result<(), String> {
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let found = Stage::new(flow, "", &values, vec![reply("400 No", JSON, body)]).call();
    same("end", found.summary.as_str(), "[] unauthenticated/1")?;
    let given = found.errors.first().and_then(|e| e.advice.as_ref().map(ToString::to_string)).unwrap_or_default();
    if given.contains(advice) { Ok(()) } else { Err(format!("the advice is {given:?}")) }
}

fn lives_so_long(life: &Value, requests: usize) -> Result<(), String> {
    let granted = json!({"access_token": "a-token", "expires_in": life});
    let stage = Stage::new("client_credentials", "", &[], vec![answer(granted.to_string())]);
    same("end", stage.call().summary.as_str(), WHOLE)?;
    stage.clock.0.jump(Duration::from_secs(3600));
    same("end", stage.call().summary.as_str(), WHOLE)?;
    same("requests", stage.exchanges().len(), requests)
}

fn waited(status: &str, after: u64, wait_s: u64, waits: &[u64], requests: usize) -> Result<(), String> {
    let acts = vec![reply(status, &format!("Retry-After: {after}\r\n{JSON}"), "{}"), grant()];
    let stage = Stage::new("client_credentials", "", &[("wait_s", &wait_s.to_string())], acts);
    let found = stage.call();
    let slept: Vec<u64> = stage.clock.0.waits().iter().map(Duration::as_secs).collect();
    same("waits", slept.as_slice(), waits)?;
    same("requests", stage.exchanges().len(), requests)?;
    match found.errors.first() {
        None => same("end", found.summary.as_str(), WHOLE),
        Some(error) => same("the wait that is told", error.retry_after_ms, Some(10_000)),
    }
}

fn form(request: &Request) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}

/// A GUID and other unreserved characters are sent unescaped, in the header and in the form.
fn proofs() -> Result<(), String> {
    const ENCODED: &str = "AB20-Cde_4.~*%205%2B%2F";
    let basic = format!("Basic {}", STANDARD.encode(format!("{ID}:{ENCODED}")));
    let in_form = format!("grant_type=client_credentials&client_id={ID}&client_secret={ENCODED}");
    let plain = "grant_type=client_credentials".to_owned();
    for (more, values, header, body) in [
        ("", &[("secret", SECRET)][..], vec![basic.as_str()], plain.clone()),
        ("client_auth: basic", &[("secret", SECRET)], vec![basic.as_str()], plain.clone()),
        ("client_auth: body", &[("secret", SECRET)], vec![], in_form),
        ("", &[], vec![], format!("{plain}&client_id={ID}")),
    ] {
        let stage = Stage::new("client_credentials", more, values, vec![grant()]);
        same("end", stage.call().summary.as_str(), WHOLE)?;
        let exchanges = stage.exchanges();
        same(more, exchanges[0].header("authorization"), header)?;
        same(more, form(&exchanges[0]), body)?;
    }
    Ok(())
}

/// If the definition does not say, a client that is refused with the header is tried once with the form, and always
/// from then on.
fn found_out() -> Result<(), String> {
    fn form_alone(request: &Request) -> Act {
        let in_form = String::from_utf8_lossy(&request.body).contains("client_secret=");
        let granted = json!({"access_token": "a-token", "expires_in": 60}).to_string();
        if in_form { answer(granted) } else { reply("401 No", JSON, r#"{"error":"invalid_client"}"#) }
    }
    let places = |stage: &Stage| stage.exchanges().iter().map(|r| r.header("authorization").len()).collect::<Vec<_>>();
    let secret = &[("secret", SECRET)];
    let stage = Stage::new("client_credentials", "", secret, vec![Act::Choose(std::sync::Arc::new(form_alone))]);
    same("end", stage.call().summary.as_str(), WHOLE)?;
    stage.clock.0.jump(Duration::from_secs(60));
    same("end", stage.call().summary.as_str(), WHOLE)?;
    same("in the header", places(&stage), vec![1, 0, 0])?;
    let said = Stage::new(
        "client_credentials",
        "client_auth: basic",
        secret,
        vec![Act::Choose(std::sync::Arc::new(form_alone))],
    );
    same("end", said.call().summary.as_str(), "[] unauthenticated/1")?;
    same("in the header", places(&said), vec![1])?;
    let wrong =
        Stage::new("client_credentials", "", secret, vec![reply("401 No", JSON, r#"{"error":"invalid_client"}"#)]);
    same("end", wrong.call().summary.as_str(), "[] unauthenticated/1")?;
    same("in the header", places(&wrong), vec![1, 0])
}

fn parameters() -> Result<(), String> {
    let more = "token_parameters: { audience: '{audience}', resource: 'https://a.example/x' }";
    for (values, body) in [
        (&[("audience", "a b&c")][..], "audience=a%20b%26c&resource=https%3A%2F%2Fa.example%2Fx"),
        (&[], "resource=https%3A%2F%2Fa.example%2Fx"),
    ] {
        let stage = Stage::new("client_credentials", more, values, vec![grant()]);
        same("end", stage.call().summary.as_str(), WHOLE)?;
        same("body", form(&stage.exchanges()[0]), format!("grant_type=client_credentials&{body}&client_id={ID}"))?;
    }
    Ok(())
}

fn not_there() -> Result<(), String> {
    let stage = Stage::new("client_credentials", "", &[], vec![grant()]);
    let address = stage.tokens.address;
    drop(stage.tokens);
    let found = block_on(call(&stage.session, "list", &Value::Null, None, &CallOptions::default()));
    same("end", found.summary.as_str(), "[] network/1")?;
    let error = &found.errors[0];
    same("request", error.request.clone(), Some(format!("POST http://{address}/token")))?;
    let text = told(&found.errors);
    if text.contains("the token server 127.0.0.1 cannot be reached") { Ok(()) } else { Err(text) }
}
