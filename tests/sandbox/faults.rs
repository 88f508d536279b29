//! Injected faults, and how the engine handles them.

use opnode::sandbox::Faults;
use opnode::{CallOptions, ErrorKind, Items, OutcomeStatus};
use serde_json::{Value, json};

use crate::packs::{connect, start};
use crate::raw::{ask, get, send};

fn faults(text: &str) -> Faults {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_walk_survives_every_kind() {
    let (sandbox, engine) = start(faults("every=3,kinds=429+503+reset+slow,slow_ms=20")).await;
    let mut spec = sandbox.connection("acme").unwrap();
    spec.limits.page_size = Some(4);
    spec.limits.attempts = Some(5);
    let session = engine.connect(&spec).unwrap();
    let reply = session.query("getThings", &Value::Null, &CallOptions::default()).unwrap().collect().await.unwrap();
    assert_eq!(reply.items.len(), 60);
    assert!(reply.receipt.complete && reply.receipt.retries >= 3, "{:?}", reply.receipt);
    assert_eq!(reply.receipt.requests, reply.receipt.pages + reply.receipt.retries);
}

#[tokio::test]
async fn a_reset_write_is_unknown_and_took_effect() {
    let (sandbox, engine) = start(faults("every=2,kinds=reset,reset_writes=true")).await;
    let mut spec = sandbox.connection("acme").unwrap();
    spec.limits.concurrency = Some(1);
    let session = engine.connect(&spec).unwrap();
    let items = Items::from_array(json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]).to_string()).unwrap();
    let reply =
        session.mutate("createThing", &Value::Null, Some(items), &CallOptions::default()).unwrap().collect().await;
    let statuses: Vec<OutcomeStatus> = reply.outcomes.iter().map(|o| o.status).collect();
    assert_eq!(statuses, [OutcomeStatus::Ok, OutcomeStatus::Unknown, OutcomeStatus::Ok]);
    assert_eq!(reply.outcomes[1].error.as_ref().unwrap().kind(), ErrorKind::UnknownOutcome);
    let log = log(&sandbox).await;
    assert_eq!(log.iter().filter(|e| e["method"] == "POST").count(), 3, "a write is never repeated blindly");
    let count = session.query("countThings", &Value::Null, &CallOptions::default()).unwrap().collect().await.unwrap();
    assert_eq!(count.items.to_json(), r#"[{"count":63}]"#);
}

#[tokio::test]
async fn resets_do_not_hit_writes_by_default() {
    let (sandbox, engine) = start(faults("every=1,kinds=reset")).await;
    let session = connect(&sandbox, &engine, "acme");
    let items = Items::from_array(r#"[{"name":"a"}]"#).unwrap();
    let reply =
        session.mutate("createThing", &Value::Null, Some(items), &CallOptions::default()).unwrap().collect().await;
    assert_eq!(reply.outcomes[0].status, OutcomeStatus::Ok);
    let error = session.query("getThings", &Value::Null, &CallOptions::default()).unwrap().collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
}

#[tokio::test]
async fn faults_in_the_wording_of_the_system() {
    let (sandbox, _) = start(faults("every=1,kinds=429+503")).await;
    let limited = get(sandbox.address(), "/things").await;
    assert_eq!(
        (limited.status, limited.header("retry-after"), limited.body.as_str()),
        (429, Some("2"), r#"{"error":"Slow down"}"#)
    );
    let unavailable = send(sandbox.address(), "POST", "/things", "{}").await;
    // sandbox.yaml has no wording for it, so the form comes from the definition.
    assert_eq!((unavailable.status, unavailable.at("/code")), (503, json!("Unavailable")));
    assert_eq!(log(&sandbox).await.iter().map(|e| e["status"].clone()).collect::<Vec<_>>(), [429, 503]);
}

#[tokio::test]
async fn a_reset_closes_the_socket() {
    let (sandbox, _) = start(faults("every=1,kinds=reset")).await;
    assert!(ask(sandbox.address(), "GET /api/v1/things", &[], b"").await.is_none());
    assert_eq!(log(&sandbox).await[0]["status"], Value::Null);
}

/// The sandbox's own log. Requests for it are not API requests and never fail.
async fn log(sandbox: &opnode::sandbox::Sandbox) -> Vec<Value> {
    let reply = ask(sandbox.address(), "GET /__sandbox/log", &[], b"").await.unwrap();
    reply.json().as_array().unwrap().clone()
}
