//! Filters of the form field:operator:value, from the engine and from an independent client.

use opnode::sandbox::{Faults, Sandbox};
use opnode::{CallOptions, Catalog, Engine, ErrorKind, Session};
use serde_json::{Value, json};

use crate::packs::{connect, start_with};
use crate::raw::{Raw, ask};

const DUNE: &str = r#"
version: 1
connector: dune
title: Dune
connection:
  site: { type: string, format: origin }
  key: { type: string, secret: true }
base_url: "{site}/api"
auth: { api_key: { header: x-api-key, value: "{key}" } }
paging: { offset: { offset: { query: skip }, size: { query: limit, default: 10, max: 10 }, total: /total, with: { sort: _id } } }
errors: { code: /code, message: /message }
"#;

const DUNE_LISTS: &str = r#"
version: 1
records:
  Grain:
    schema:
      type: object
      properties:
        id: { type: integer }
        name: { type: string }
        colour: { type: string }
        wet: { type: boolean }
        place: { type: object, properties: { name: { type: string } } }
        found: { type: string }
    sample: { id: 1, name: Grain, colour: red, wet: true, place: { name: North }, found: "2025-01-01T00:00:00Z" }
operations:
  getGrains:
    title: Terms with commas between them
    method: query
    request: GET /grains
    options: { filter: { type: array, items: { type: string } }, sort: { type: array, items: { type: string } } }
    response: { result: list, items: /rows, total: /total, record: Grain }
  getRepeated:
    title: Terms in parameters of their own
    method: query
    request: GET /repeated
    options: { filter: { type: array, style: repeat, items: { type: string } } }
    response: { result: list, items: /rows, total: /total, record: Grain }
  countGrains:
    title: Count
    method: query
    request: GET /grains/count
    options: { filter: { type: array, items: { type: string } } }
    response: { result: count }
"#;

const DUNE_SANDBOX: &str = r#"
version: 1
connection: { key: spice }
filter_language: { option: filter, form: terms }
sort: { option: sort, key: _id, unsorted_moves: true }
collections:
  grains:
    path: /grains
    key: id
    record: Grain
    count: 35
    vary:
      name: "Grain {n}, small"
      colour: [red, blue, green, Red, blue]
      wet: [true, false]
      /place/name: [North, South]
      found: ["2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z", "2025-04-01T00:00:00Z", "2025-05-01T00:00:00Z"]
  repeated: { path: /repeated, key: id, record: Grain, count: 35, vary: { name: "Grain {n}, small" } }
errors:
  invalid: { status: 400, body: { code: Bad, message: "{message}", field: "{field}", reason: "{code}" } }
"#;

/// A connector whose lists have terms, and change between pages when no order is requested.
pub async fn dune() -> (Sandbox, Engine) {
    let mut catalog = Catalog::empty();
    for (file, text) in [("connector.yaml", DUNE), ("lists.yaml", DUNE_LISTS), ("sandbox.yaml", DUNE_SANDBOX)] {
        catalog.add("dune", file, text);
    }
    start_with(catalog, Faults::default()).await
}

pub async fn get(sandbox: &Sandbox, target: &str) -> Raw {
    ask(sandbox.address(), &format!("GET /api{target}"), &["x-api-key: spice"], b"").await.unwrap()
}

async fn walk(session: &Session, operation: &str, options: Value) -> opnode::Result<Vec<u64>> {
    let reply = session.query(operation, &options, &CallOptions::default())?.collect().await?;
    let ids: Vec<u64> = reply.items.to_values()?.iter().map(|item| item["id"].as_u64().unwrap()).collect();
    assert_eq!(reply.receipt.advertised_total, Some(ids.len() as u64), "{options}");
    assert!(reply.receipt.complete, "{options}");
    Ok(ids)
}

fn numbers(meets: impl Fn(u64) -> bool) -> Vec<u64> {
    (1..=35).filter(|n| meets(*n)).collect()
}

#[tokio::test]
async fn terms_narrow_the_list_and_its_total() {
    let (sandbox, engine) = dune().await;
    let session = connect(&sandbox, &engine, "dune");
    for (filter, expected) in [
        (json!([]), numbers(|_| true)),
        (json!(["colour:eq:red"]), numbers(|n| n % 5 == 1)),
        (json!(["colour:ne:red"]), numbers(|n| n % 5 != 1)),
        (json!(["id:gt:12"]), numbers(|n| n > 12)),
        (json!(["id:ge:12", "id:lt:30", "wet:eq:false"]), numbers(|n| (12..30).contains(&n) && n % 2 == 0)),
        (json!(["id:le:20"]), numbers(|n| n <= 20)),
        (json!(["id:between:11,31"]), numbers(|n| (11..=31).contains(&n))),
        (json!(["colour:in:red,green"]), numbers(|n| matches!(n % 5, 1 | 3))),
        (json!(["name:search:rain 2"]), numbers(|n| n == 2 || (20..30).contains(&n))),
        (json!(["name:search:RAIN 2"]), vec![]),
        (json!(["name:eq:Grain 2*, small"]), numbers(|n| n == 2 || (20..30).contains(&n))),
        (json!(["name:eq:Grain 7, small"]), vec![7]),
        (json!(["place.name:eq:North"]), numbers(|n| n % 2 == 1)),
        (json!(["found:ge:2025-03-01"]), numbers(|n| matches!(n % 5, 3 | 4 | 0))),
        (json!(["nobody:eq:1"]), vec![]),
        (json!(["nobody:ne:1"]), vec![]),
    ] {
        let ids =
            walk(&session, "getGrains", json!({"filter": filter})).await.unwrap_or_else(|e| panic!("{filter}: {e:?}"));
        assert_eq!(ids, expected, "{filter}");
        let count = session
            .query("countGrains", &json!({"filter": filter}), &CallOptions::default())
            .unwrap()
            .collect()
            .await
            .unwrap();
        assert_eq!(count.items.to_json(), format!("[{{\"count\":{}}}]", expected.len()), "{filter}");
    }
    let both = json!({"filter": ["id:gt:20", "name:eq:Grain*, small"]});
    assert_eq!(walk(&session, "getRepeated", both).await.unwrap(), numbers(|n| n > 20));
}

#[tokio::test]
async fn commas_between_values_need_not_be_encoded() {
    let (sandbox, _) = dune().await;
    for target in [
        "/grains?filter=id:in:3,5,wet:eq:true&sort=_id",
        "/repeated?filter=id:in:3,5&filter=name:search:Grain&sort=_id",
    ] {
        let reply = get(&sandbox, target).await;
        assert_eq!(
            (reply.at("/total"), reply.at("/rows/0/id"), reply.at("/rows/1/id")),
            (json!(2), json!(3), json!(5)),
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_malformed_filter_is_refused_like_in_the_system() {
    let (sandbox, engine) = dune().await;
    for (filter, part) in [
        ("colour", "`colour` does not have the form field:operator:value"),
        ("colour=red", "does not have the form"),
        ("colour:red", "does not have the form"),
        ("name:eq:Grain+7,+small", "` small` does not have the form"),
        ("colour:eq:", "has no value"),
        (":eq:red", "names no field"),
        ("id:gte:1", "`gte` is not an operator; the operators are eq ne gt ge lt le between search in"),
        ("id:$eq:1", "`$eq` is not an operator"),
        ("id:between:1", "needs two values"),
    ] {
        let reply = get(&sandbox, &format!("/grains?filter={filter}")).await;
        let found = (reply.status, reply.at("/code"), reply.at("/field"), reply.at("/reason"));
        assert_eq!(found, (400, json!("Bad"), json!("filter"), json!("InvalidFilter")), "{filter}");
        assert!(reply.at("/message").as_str().unwrap().contains(part), "{filter}: {}", reply.body);
    }
    let error =
        walk(&connect(&sandbox, &engine, "dune"), "getGrains", json!({"filter": ["id:gte:1"]})).await.unwrap_err();
    assert_eq!((error.kind(), error.provider.code.as_deref()), (ErrorKind::Rejected, Some("Bad")));
}

#[tokio::test]
async fn the_shipped_lists_take_terms() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let session = connect(&sandbox, &engine, "jumpcloud-msp");
    let provider = "65a4f0c2e4b0a1b2c3d4e5f0";
    let query = async |operation: &str, filter: &str| {
        let options = json!({"provider_id": provider, "filter": [filter]});
        let reply = session.query(operation, &options, &CallOptions::default()).unwrap().collect().await?;
        assert_eq!(reply.receipt.advertised_total, Some(reply.items.len() as u64), "{operation} {filter}");
        Ok::<_, opnode::Error>((reply.items.len(), reply.receipt.pages))
    };
    // The sandbox's connection has pages of 20 rows.
    for (operation, filter, rows, pages) in [
        ("providers_listOrganizations", "name:eq:Client 7", 1, 2),
        ("providers_listOrganizations", "name:search:Client", 45, 4),
        ("providers_listOrganizations", "maxSystemUsers:gt:25", 18, 2),
        ("providers_listAdministrators", "enableMultiFactor:eq:false", 6, 2),
        ("providers_retrieveInvoices", "status:ne:open", 22, 3),
        ("providers_providerListCase", "date:ge:2025-01-01", 18, 2),
    ] {
        assert_eq!(query(operation, filter).await.unwrap(), (rows, pages), "{operation} {filter}");
    }
    let error = query("providers_listOrganizations", "name:is:Client 7").await.unwrap_err();
    let detail = &error.provider.details[0];
    assert_eq!((error.kind(), error.provider.code.as_deref()), (ErrorKind::Rejected, Some("400")));
    assert_eq!((detail.field.as_deref(), detail.code.as_deref()), (Some("filter"), Some("InvalidFilter")));
}
