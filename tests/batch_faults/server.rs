//! A fictitious stock system: a paged list, details of each item, and records that can be created. Each trial has its
//! own world at its own address, so that its records can be counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

pub const PAGES: u64 = 40;
pub const ITEMS: u64 = PAGES * 2;
/// Number of items that are written.
pub const MADE: u64 = 32;
/// Items that the server refuses.
pub const REFUSED: [u64; 2] = [7, 19];

/// Longer than the interval of checkpoints, so that later facts are written at once.
const SLOW: Duration = Duration::from_millis(270);

/// The created records, by world and key; and the worlds in which nothing is refused.
#[derive(Clone, Default)]
pub struct Worlds(Arc<Mutex<BTreeMap<String, Vec<String>>>>, Arc<Mutex<BTreeSet<String>>>);

impl Worlds {
    /// How often each key was created in a world.
    pub fn made(&self, world: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for key in self.0.lock().unwrap().get(world).into_iter().flatten() {
            *counts.entry(key.clone()).or_default() += 1;
        }
        counts
    }

    pub fn accept_all(&self, world: &str) {
        self.1.lock().unwrap().insert(world.to_owned());
    }

    fn refuses(&self, world: &str) -> bool {
        !self.1.lock().unwrap().contains(world)
    }
}

/// A server on a free port; it ends with the runtime.
pub async fn start(worlds: Worlds) -> String {
    let router = Router::new()
        .route("/{world}/items", get(list))
        .route("/{world}/items/{id}/details", get(details))
        .route("/{world}/records", post(make))
        .with_state(worlds);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn page_of(RawQuery(query): RawQuery) -> u64 {
    let query = query.unwrap_or_default();
    query.split('&').find_map(|pair| pair.strip_prefix("page=")).and_then(|p| p.parse().ok()).unwrap_or(1)
}

fn json(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

/// A page of a list, with the address of the next page if there is one.
fn page(headers: &HeaderMap, path: &str, number: u64, last: u64, rows: Vec<Value>) -> Response {
    let mut response = json(StatusCode::OK, &rows.into());
    if number < last {
        let host = headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or_default();
        let link = format!("<http://{host}{path}?page={}>; rel=\"next\"", number + 1);
        response.headers_mut().insert("link", link.parse().unwrap());
    }
    response
}

async fn list(Path(world): Path<String>, query: RawQuery, headers: HeaderMap) -> Response {
    let number = page_of(query);
    if number == 14 || number == 28 {
        tokio::time::sleep(SLOW).await;
    }
    let item = |id: u64| {
        // The largest one is in the middle, so that it is not on the last page.
        let stamp = if id == 41 { 31 } else { id % 28 + 1 };
        json!({ "id": id, "name": format!("Item {id}, \"quoted\""), "stamp": format!("2026-03-{stamp:02}T00:00:00Z"), "tags": ["a", id] })
    };
    let rows = [number * 2 - 1, number * 2].map(item).to_vec();
    page(&headers, &format!("/{world}/items"), number, PAGES, rows)
}

/// Some items have two pages of details; one fails at the first page, one at its second, after a checkpoint.
async fn details(
    State(worlds): State<Worlds>,
    Path((world, id)): Path<(String, u64)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    let number = page_of(query);
    match (id, number) {
        (20 | 33, 1) => tokio::time::sleep(SLOW).await,
        (20 | 33, _) => tokio::time::sleep(Duration::from_millis(40)).await,
        _ => {}
    }
    if worlds.refuses(&world) && (id == 55 || (id == 33 && number == 2)) {
        return refusal(&format!("the details of {id} are gone"));
    }
    let last = if id % 10 == 0 || id == 33 { 2 } else { 1 };
    let rows = (0..2).map(|row| json!({ "part": number * 10 + row, "note": format!("of {id}") })).collect();
    page(&headers, &format!("/{world}/items/{id}/details"), number, last, rows)
}

/// Creates the record before it replies, so that a client that is killed in between does not know.
async fn make(State(worlds): State<Worlds>, Path(world): Path<String>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let key = body["key"].as_str().unwrap_or_default().to_owned();
    if worlds.refuses(&world) && REFUSED.iter().any(|id| key == key_of(*id)) {
        return refusal(&format!("{key} is not wanted"));
    }
    worlds.0.lock().unwrap().entry(world).or_default().push(key.clone());
    tokio::time::sleep(Duration::from_millis(3)).await;
    json(StatusCode::OK, &json!({ "id": format!("record of {key}"), "key": key }))
}

/// The key of the record that is created from an item.
pub fn key_of(id: u64) -> String {
    format!("k-{id}")
}

fn refusal(message: &str) -> Response {
    json(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "message": message }))
}
