//! Lists that change between pages when no order is requested: other clients lose rows, the engine does not.

use opnode::sandbox::{Faults, Sandbox};
use opnode::{CallOptions, Catalog};
use serde_json::{Value, json};

use crate::packs::{connect, start_with};
use crate::raw::ask;
use crate::terms::{dune, get};

async fn page(sandbox: &Sandbox, target: &str) -> Vec<u64> {
    let rows = get(sandbox, target).await.at("/rows");
    rows.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

/// A walk by offset that trusts the total.
async fn walk(sandbox: &Sandbox, query: &str, size: usize) -> Vec<u64> {
    let mut ids = Vec::new();
    for skip in (0..35).step_by(size) {
        ids.extend(page(sandbox, &format!("/grains?limit={size}&skip={skip}{query}")).await);
    }
    ids
}

#[tokio::test]
async fn a_walk_without_an_order_duplicates_and_loses_rows() {
    let (sandbox, _) = dune().await;
    for (query, size) in [("", 10), ("", 7), ("", 1), ("&sort=", 10), ("&filter=id:gt:0", 10)] {
        let mut ids = walk(&sandbox, query, size).await;
        assert_eq!(ids.len(), 35, "the number of rows looks right: {query} {size}");
        ids.sort_unstable();
        ids.dedup();
        assert!(ids.len() < 35, "{query} {size}");
    }
    assert_eq!(
        walk(&sandbox, "", 10).await,
        [(1..=10), (10..=19), (19..=28), (28..=32)].into_iter().flatten().collect::<Vec<_>>()
    );
    let again = "/grains?skip=10&limit=10";
    assert_eq!(page(&sandbox, again).await, page(&sandbox, again).await, "a page that is asked for again is the same");
    assert!(page(&sandbox, "/grains?skip=35&limit=10").await.is_empty());
    assert!(page(&sandbox, "/grains?skip=18446744073709551615").await.is_empty());
    assert!(page(&sandbox, "/grains?filter=id:gt:99&skip=10").await.is_empty());
}

#[tokio::test]
async fn a_walk_with_an_order_returns_every_row_once() {
    let (sandbox, engine) = dune().await;
    let all: Vec<u64> = (1..=35).collect();
    for (query, size) in [("&sort=_id", 10), ("&sort=id", 7), ("&sort=_id", 1)] {
        assert_eq!(walk(&sandbox, query, size).await, all, "{query} {size}");
    }
    // The last operation has no order option, so its list must not change between pages.
    let session = connect(&sandbox, &engine, "dune");
    for (operation, options) in
        [("getGrains", json!({})), ("getGrains", json!({"sort": ["colour", "-_id"]})), ("getRepeated", json!({}))]
    {
        let reply = session.query(operation, &options, &CallOptions::default()).unwrap().collect().await.unwrap();
        let mut ids: Vec<u64> =
            reply.items.to_values().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!((ids, reply.receipt.pages), (all.clone(), 5), "{operation} {options}");
    }
}

#[tokio::test]
async fn the_shipped_list_changes_for_other_clients_but_not_for_the_engine() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let unique = |rows: &[Value]| {
        let mut ids: Vec<String> = rows.iter().map(|row| row["id"].to_string()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    };
    let list = "/api/v2/providers/65a4f0c2e4b0a1b2c3d4e5f0/organizations";
    for (order, expected) in [("", 43), ("&sort=_id", 45)] {
        let mut rows = Vec::new();
        for skip in [0, 15, 30] {
            let line = format!("GET {list}?limit=15&skip={skip}{order}");
            let reply = ask(sandbox.address(), &line, &["x-api-key: sandbox-api-key"], b"").await.unwrap();
            assert_eq!(reply.at("/totalCount"), json!(45));
            rows.extend(reply.at("/results").as_array().unwrap().clone());
        }
        assert_eq!((rows.len(), unique(&rows)), (45, expected), "{order}");
    }
    let options = json!({"provider_id": "65a4f0c2e4b0a1b2c3d4e5f0"});
    let session = connect(&sandbox, &engine, "jumpcloud-msp");
    let reply = session
        .query("providers_listOrganizations", &options, &CallOptions::default())
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!((unique(&reply.items.to_values().unwrap()), reply.receipt.pages), (45, 4));
}
