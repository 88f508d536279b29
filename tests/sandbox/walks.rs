//! Every paging style: the engine's walk over the sandbox's pages returns each row once, in order.

use opnode::sandbox::Faults;
use opnode::{CallOptions, Reply, StopReason};
use serde_json::{Value, json};

use crate::packs::{connect, start};

fn ids(reply: &Reply) -> Vec<u64> {
    reply.items.to_values().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_style_returns_every_row_once() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "bolt");
    for (operation, pages, stop, total) in [
        ("byTotalPages", 4, StopReason::LastPage, Some(35)),
        ("byNextPage", 4, StopReason::NoNext, None),
        ("byMore", 4, StopReason::HasMoreFalse, None),
        ("byRows", 5, StopReason::EmptyPage, None),
        // A total is only a hint, so the walk continues to an empty page.
        ("byOffset", 5, StopReason::EmptyPage, Some(35)),
        ("byOffsetHeader", 5, StopReason::EmptyPage, Some(35)),
        ("byCursor", 4, StopReason::HasMoreFalse, Some(35)),
        ("byHeaderCursor", 4, StopReason::NoNext, None),
        ("byNextUrl", 4, StopReason::NoNext, None),
        ("byKey", 5, StopReason::EmptyPage, None),
        ("unpaged", 1, StopReason::NotPaged, None),
    ] {
        let reply = session.query(operation, &Value::Null, &CallOptions::default()).unwrap().collect().await;
        let reply = reply.unwrap_or_else(|e| panic!("{operation}: {e:?}"));
        assert_eq!(ids(&reply), (1..=35).collect::<Vec<_>>(), "{operation}");
        let receipt = &reply.receipt;
        assert_eq!((receipt.pages, receipt.stop, receipt.advertised_total), (pages, Some(stop), total), "{operation}");
        assert!(receipt.complete, "{operation}");
    }
}

#[tokio::test]
async fn link_and_forward_only_walks() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "acme");
    let query = async |options: Value, with: CallOptions| {
        session
            .query("getThings", &options, &with)
            .unwrap()
            .collect()
            .await
            .unwrap_or_else(|e| panic!("{options}: {e:?}"))
    };
    let all: Vec<u64> = (1..=60).collect();
    let reply = query(Value::Null, CallOptions::default()).await;
    // 60 rows on pages of 7, the page size of the sandbox's connection.
    assert_eq!((ids(&reply), reply.receipt.pages, reply.receipt.stop), (all.clone(), 9, Some(StopReason::NoNext)));
    let reply = query(json!({"pageSize": 60}), CallOptions::default()).await;
    // A full page without a link is not an end: the next page is requested by its number.
    assert_eq!((ids(&reply), reply.receipt.pages), (all.clone(), 2));
    let forward = CallOptions { forward_only: true, ..CallOptions::default() };
    let reply = query(json!({"pageSize": 11}), forward.clone()).await;
    assert_eq!((ids(&reply), reply.receipt.pages, reply.receipt.stop), (all, 6, Some(StopReason::NoNext)));
    let reply = query(json!({"where": "id > 50", "pick": ["id", "owner/name"]}), forward).await;
    assert_eq!(reply.items.iter().next().unwrap().as_str(), r#"{"id":51,"owner":{"name":"Seven"}}"#);
    let reply =
        query(json!({"where": "active = true", "sortBy": "id desc", "kind": "small"}), CallOptions::default()).await;
    assert_eq!(ids(&reply), (1..=60).rev().filter(|n| n % 6 == 5).collect::<Vec<_>>());
    let reply =
        query(json!({"whereAny": "tags/value = \"blue\"", "active": false, "pageSize": 100}), CallOptions::default())
            .await;
    assert_eq!(reply.items.len(), 30);
}

#[tokio::test]
async fn search_and_count_filter_like_the_list() {
    let (sandbox, engine) = start(Faults::default()).await;
    let session = connect(&sandbox, &engine, "acme");
    let filter = "name like \"thing1*\" and id >= 10";
    let options = json!({"where": filter, "sortBy": "name desc"});
    let reply = session.query("searchThings", &options, &CallOptions::default()).unwrap().collect().await.unwrap();
    assert_eq!(ids(&reply), (10..=19).rev().collect::<Vec<_>>());
    assert_eq!(reply.receipt.pages, 2, "a search is paged by the query string while its filter stays in the body");
    let reply = session
        .query("countThings", &json!({"where": filter}), &CallOptions::default())
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(reply.items.to_json(), r#"[{"count":10}]"#);
}
