//! Writes, path values, and replies by shape, through the engine.

use opnode::sandbox::Faults;
use opnode::{CallOptions, ErrorKind, Items, Method, Outcome, OutcomeStatus, Session};
use serde_json::{Value, json};

use crate::packs::{connect, start};

async fn one(session: &Session, operation: &str, options: Value) -> opnode::Result<String> {
    let reply = session.query(operation, &options, &CallOptions::default())?.collect().await?;
    Ok(reply.items.to_json())
}

async fn write(session: &Session, operation: &str, options: Value, items: Value) -> Vec<Outcome> {
    let items = (!items.is_null()).then(|| Items::from_array(items.to_string()).unwrap());
    let method = if operation.starts_with("delete") { Method::Delete } else { Method::Mutate };
    let with = CallOptions::default();
    let writes = match method {
        Method::Delete => session.delete(operation, &options, items, &with),
        _ => session.mutate(operation, &options, items, &with),
    };
    writes.unwrap_or_else(|e| panic!("{operation}: {e:?}")).collect().await.outcomes
}

/// The record that a write of one item returned.
async fn written(session: &Session, operation: &str, options: Value, item: Value) -> String {
    let outcomes = write(session, operation, options, json!([item])).await;
    assert_eq!(outcomes[0].status, OutcomeStatus::Ok, "{operation}: {:?}", outcomes[0].error);
    outcomes[0].items.to_json()
}

#[tokio::test]
async fn a_record_is_created_changed_and_deleted() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "acme");
    let created =
        write(&session, "createThing", json!({}), json!([{"kind": "odd", "name": "new", "extra": 1.10}])).await;
    assert_eq!(created[0].http_status, Some(201));
    assert_eq!(
        created[0].items.to_json(),
        r#"[{"name":"new","id":61,"kind":"odd","_info":{"lastUpdated":"2025-01-01T00:00:00Z"},"extra":1.1}]"#
    );
    assert_eq!(created[0].location.as_deref(), Some(format!("http://{}/api/v1/things/61", sandbox.address()).as_str()));
    let id = || json!({"id": 61});
    let patched = written(&session, "patchThing", id(), json!({"kind": null, "active": false})).await;
    assert_eq!(
        patched,
        r#"[{"name":"new","id":61,"_info":{"lastUpdated":"2025-01-01T00:00:00Z"},"extra":1.1,"active":false}]"#
    );
    let merged = written(&session, "mergeThing", id(), json!({"kind": "even", "id": 5})).await;
    assert!(merged.contains(r#""kind":"even""#) && merged.contains(r#""id":61"#), "{merged}");
    let replaced = written(&session, "replaceThing", id(), json!({"name": "newer"})).await;
    assert_eq!(replaced, r#"[{"name":"newer","id":61,"_info":{"lastUpdated":"2025-01-01T00:00:00Z"}}]"#);
    assert_eq!(one(&session, "getThing", id()).await.unwrap(), replaced);
    assert_eq!(one(&session, "countThings", json!({})).await.unwrap(), r#"[{"count":61}]"#);
    assert_eq!(write(&session, "deleteThing", id(), Value::Null).await[0].http_status, Some(204));
    let error = one(&session, "getThing", id()).await.unwrap_err();
    assert_eq!((error.kind(), error.provider.code.as_deref()), (ErrorKind::NotFound, Some("Gone")));
    assert_eq!(
        write(&session, "deleteThing", id(), Value::Null).await[0].error.as_ref().unwrap().kind(),
        ErrorKind::NotFound
    );
    // Numbers are never reused.
    assert!(written(&session, "createThing", json!({}), json!({"name": "next"})).await.contains(r#""id":62"#));
}

#[tokio::test]
async fn refusals_reach_the_caller_with_their_field() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "acme");
    let outcomes =
        write(&session, "createThing", json!({}), json!([{"name": "thing7"}, {"name": ""}, {"name": "fine"}])).await;
    let kinds: Vec<Option<ErrorKind>> = outcomes.iter().map(|o| o.error.as_ref().map(|e| e.kind())).collect();
    assert_eq!(kinds, [Some(ErrorKind::Conflict), Some(ErrorKind::Rejected), None]);
    let error = outcomes[1].error.as_ref().unwrap();
    assert_eq!(
        (error.provider.details[0].field.as_deref(), error.provider.code.as_deref()),
        (Some("name"), Some("Bad"))
    );
    assert!(error.provider.request_id.as_deref().unwrap().starts_with("sandbox-"));
    let error = one(&session, "getThings", json!({"where": "nope = 1"})).await.unwrap_err();
    assert_eq!((error.provider.code.as_deref(), error.kind()), (Some("BadFilter"), ErrorKind::Rejected));
    assert!(error.provider.message.as_deref().unwrap().contains("`nope` is not a field of: Thing"), "{error:?}");
}

#[tokio::test]
async fn a_patch_of_a_part_changes_nothing() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "acme");
    let before = one(&session, "getThing", json!({"id": 3})).await.unwrap();
    let steps = json!([{"op": "replace", "path": "owner/name", "value": "x"}]);
    assert_eq!(written(&session, "patchThing", json!({"id": 3}), steps).await, before);
    let steps = json!([{"op": "remove", "path": "owner"}, {"op": "add", "path": "/owner", "value": {"id": 1}}]);
    assert!(written(&session, "patchThing", json!({"id": 3}), steps).await.contains(r#""owner":{"id":1}"#));
}

#[tokio::test]
async fn path_values_distinguish_records() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "acme");
    let notes = one(&session, "getNotes", json!({"parentId": 4})).await.unwrap();
    assert_eq!(
        notes,
        r#"[{"id":"n4-1","thingId":4,"text":"Note 1 of 4"},{"id":"n4-2","thingId":4,"text":"Note 2 of 4"}]"#
    );
    let created = written(&session, "createNote", json!({"parentId": 4}), json!({"text": "third"})).await;
    assert_eq!(created, r#"[{"id":"n4-3","thingId":4,"text":"third"}]"#);
    assert_eq!(one(&session, "getNote", json!({"parentId": 4, "noteId": "n4-3"})).await.unwrap(), created);
    let error = one(&session, "getNote", json!({"parentId": 5, "noteId": "n4-3"})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn hidden_fields_can_be_filtered_but_are_not_returned() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "acme");
    let reply = session
        .query("getUnwalkable", &json!({"kind": "small"}), &CallOptions::default())
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(reply.items.len(), 2);
    assert!(
        reply.items.iter().all(|i| !i.as_str().contains("kind") && !i.as_str().contains("\"id\":1,\"size\"")),
        "{:?}",
        reply.items
    );
}

#[tokio::test]
async fn every_shape_has_a_reply() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "acme");
    let sample = r#"{"name":"Thing","id":1,"size":1.50,"active":true,"kind":"big","owner":{"id":7,"name":"Seven"},"tags":[{"value":"red"},{"value":"blue"}],"_info":{"lastUpdated":"2025-01-01T00:00:00Z"}}"#;
    for (operation, expected) in [
        ("getInfo", r#"[{"z":1,"a":2}]"#.to_owned()),
        ("ping", format!("[{sample}]")),
        ("getReport", format!("[{sample}]")),
        ("versioned", format!("[{sample}]")),
        ("getText", r#"[{"contentType":"text/plain","text":"sandbox: Text\n"}]"#.to_owned()),
    ] {
        assert_eq!(
            one(&session, operation, json!({})).await.unwrap_or_else(|e| panic!("{operation}: {e:?}")),
            expected,
            "{operation}"
        );
    }
    let loose = one(&session, "listLoose", json!({})).await.unwrap();
    assert!(loose.starts_with(r#"[{"name":"Thing 1","id":1,"#) && loose.contains(r#""name":"Thing 9""#), "{loose}");
    let file = one(&session, "getFile", json!({})).await.unwrap();
    assert!(
        file.contains(r#""contentType":"application/pdf""#) && file.contains(r#""fileName":"getFile.pdf""#),
        "{file}"
    );
    assert_eq!(write(&session, "runNothing", json!({}), Value::Null).await[0].http_status, Some(204));
    let wrapped = written(&session, "wrapped", json!({}), json!({"name": "mine", "other": 1})).await;
    assert_eq!(wrapped, format!("[{}]", sample.replace("\"Thing\"", "\"mine\"")));
    written(&session, "upload", json!({}), json!({"file": {"fileName": "a.txt", "data": "aGVsbG8="}})).await;
    let bulk = write(&session, "writeBulk", json!({}), json!([{"name": "a"}, {"name": "b"}])).await;
    assert_eq!(bulk[1].items.to_json(), r#"[{"name":"b"}]"#);
    assert!(bulk.iter().all(|o| o.status == OutcomeStatus::Ok));
}

#[tokio::test]
async fn connectors_on_one_port_are_distinguished() {
    let (sandbox, engine) = start(Faults::default()).await;
    assert_eq!(sandbox.connectors().collect::<Vec<_>>(), ["acme", "bolt", "fixed", "gear"]);
    assert_eq!(one(&connect(&sandbox, &engine, "gear"), "unpaged", json!({})).await.unwrap(), r#"[{"gear":1}]"#);
    assert!(
        one(&connect(&sandbox, &engine, "bolt"), "unpaged", json!({}))
            .await
            .unwrap()
            .starts_with(r#"[{"id":1,"name":"Row"}"#)
    );
    let unsupported = |name: &str| match sandbox.connection(name) {
        Err(error) => (error.kind(), error.message.clone()),
        Ok(_) => panic!("{name} has a connection"),
    };
    // Its address is fixed, so its requests are rerouted to the sandbox, below its host.
    assert_eq!(sandbox.connection("fixed").unwrap().reroute, Some(format!("http://{}", sandbox.address())));
    assert_eq!(one(&connect(&sandbox, &engine, "fixed"), "unpaged", json!({})).await.unwrap(), r#"[{"fixed":1}]"#);
    assert_eq!(
        unsupported("acmee"),
        (ErrorKind::Unsupported, "the sandbox does not simulate `acmee`; did you mean `acme`?".into())
    );
}

#[tokio::test]
async fn wrong_credentials_are_not_accepted() {
    let (sandbox, engine) = start(Faults::default()).await;
    for (connector, secret, operation) in [
        ("acme", "secret", "getInfo"),
        ("bolt", "token", "unpaged"),
        ("gear", "key", "unpaged"),
        ("fixed", "token", "unpaged"),
    ] {
        let mut spec = sandbox.connection(connector).unwrap();
        spec.values.insert(secret.to_owned(), "wrong".to_owned());
        let error = one(&engine.connect(&spec).unwrap(), operation, json!({})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{connector}");
    }
    let mut spec = sandbox.connection("acme").unwrap();
    spec.values.insert("secret".to_owned(), "wrong".to_owned());
    one(&engine.connect(&spec).unwrap(), "ping", json!({})).await.expect("an anonymous operation needs no credentials");
}
