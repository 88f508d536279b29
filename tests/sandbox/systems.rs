//! The synthetic systems of `tests/cases/` as the sandbox plays them: `systems/CONNECTOR.yaml` lists calls and what they
//! give, one after the other.

use std::path::Path;

use opnode::sandbox::Faults;
use opnode::{CallOptions, Catalog, Items, Method, Options, Session};
use serde::Deserialize;
use serde_json::Value;

use crate::packs;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayedCall {
    call: String,
    #[serde(default)]
    options: serde_json::Map<String, Value>,
    items: Option<Vec<Value>>,
    gives: Vec<Value>,
}

/// The items of a call, which must succeed and be complete.
async fn items(session: &Session, method: Method, call: &PlayedCall) -> Result<Items, opnode::Error> {
    let (id, with) = (call.call.as_str(), CallOptions::default());
    let options = Options::from(call.options.clone());
    if method == Method::Query {
        let mut walk = session.query(id, &options, &with)?;
        let mut pages = Vec::new();
        while let Some(page) = walk.next().await {
            pages.push(page?.items);
        }
        assert!(walk.receipt().complete, "{id}");
        return Ok(Items::concat(pages));
    }
    let sent =
        call.items.as_ref().map(|items| Items::from_array(Value::from(items.clone()).to_string())).transpose()?;
    let writes = match method {
        Method::Delete => session.delete(id, &options, sent, &with)?,
        Method::Mutate | Method::Query => session.mutate(id, &options, sent, &with)?,
    };
    let reply = writes.collect().await;
    let failed = reply.outcomes.iter().find_map(|outcome| outcome.error.clone());
    failed.map_or(Ok(reply.items), Err)
}

async fn played(file: &Path) -> usize {
    let connector = file.file_stem().unwrap().to_str().unwrap();
    let mut catalog = Catalog::empty();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    catalog.add_folder(&cases.join(connector).join("definitions")).unwrap();
    let (sandbox, engine) = packs::start_with(catalog, Faults::default()).await;
    let session = packs::connect(&sandbox, &engine, connector);
    let calls: Vec<PlayedCall> = serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    for call in &calls {
        let method = engine.catalog().operation(Some(connector), &call.call).unwrap().method;
        let given = items(&session, method, call).await.unwrap_or_else(|e| panic!("{connector}/{}: {e}", call.call));
        let found: Vec<Value> = given.iter().map(|item| serde_json::from_str(item.as_str()).unwrap()).collect();
        assert_eq!(found, call.gives, "{connector}/{}", call.call);
    }
    calls.len()
}

#[tokio::test]
async fn the_sandbox_plays_every_synthetic_system() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/systems");
    let mut calls = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        calls += played(&entry.unwrap().path()).await;
    }
    assert!(calls > 30, "{calls} calls");
}
