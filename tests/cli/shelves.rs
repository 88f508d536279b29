//! Shelves of the mock system: each records its requests, so that a test sees what was sent and how often. Each test
//! names its own shelf; the mood of a shelf is the failure that it simulates.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

/// The requests of a shelf.
#[derive(Default)]
struct Shelf {
    /// `slow`: every page but the first, and boxes called Slow, take 30 seconds. `broken`: page 2 fails. `refuse`:
    /// boxes called Bad are refused. `expired`: at boxes called Bad the key has expired. `lose` and `lost`: there is no
    /// answer to boxes called Bad, which are lost, or were put up. `busy`: no box is taken.
    mood: String,
    rows: u64,
    requests: u64,
    pages: Vec<u64>,
    boxes: Vec<Value>,
}

#[derive(Default)]
pub struct Shelves(Mutex<BTreeMap<String, Shelf>>);

impl Shelves {
    /// The reply to `/shelves/NAME…`; `rest` begins with the name.
    pub fn respond(&self, request: &Request, rest: &str) -> ResponseTemplate {
        let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let mut shelves = self.0.lock().unwrap();
        let shelf = shelves.entry(name.to_owned()).or_insert_with(|| Shelf { rows: 60, ..Shelf::default() });
        let method = request.method.as_str();
        if rest.is_empty() {
            return if method == "PUT" { shelf.set(request) } else { shelf.tell() };
        }
        shelf.requests += 1;
        match (method, rest) {
            ("GET", "rows") => shelf.list(request),
            ("GET", "boxes") => super::json(200, &Value::from(shelf.boxes.clone()).to_string()),
            ("POST", "boxes") => shelf.add(request),
            ("DELETE", _) => shelf.take(rest.trim_start_matches("boxes/")),
            _ => super::refusal(404, "not_found", "there is no such shelf"),
        }
    }
}

impl Shelf {
    fn set(&mut self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        self.mood = body["mood"].as_str().unwrap_or_default().to_owned();
        self.rows = body["rows"].as_u64().unwrap_or(self.rows);
        super::json(200, "{}")
    }

    fn tell(&self) -> ResponseTemplate {
        super::json(
            200,
            &json!({"requests": self.requests, "pages": self.pages, "boxes": self.boxes.len()}).to_string(),
        )
    }

    fn list(&mut self, request: &Request) -> ResponseTemplate {
        let option = |name: &str| request.url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
        let number = |name: &str, default: u64| option(name).and_then(|v| v.parse().ok()).unwrap_or(default);
        let (page, size) = (number("page", 1), number("size", 25));
        let since = option("since").unwrap_or_default();
        self.pages.push(page);
        if self.mood == "broken" && page == 2 {
            return super::refusal(500, "broken", "the shelf fell over");
        }
        let rows: Vec<String> =
            (1..=self.rows).map(row).filter(|(changed, _)| *changed > since).map(|(_, row)| row).collect();
        let first = ((page - 1) * size) as usize;
        let shown: Vec<&str> = rows.iter().skip(first).take(size as usize).map(String::as_str).collect();
        let reply = super::json(200, &format!("[{}]", shown.join(",")));
        let reply = if self.mood == "slow" && page > 1 { reply.set_delay(Duration::from_secs(30)) } else { reply };
        if first + size as usize >= rows.len() {
            return reply;
        }
        let mut next = request.url.clone();
        let kept: Vec<(String, String)> = request.url.query_pairs().into_owned().filter(|(n, _)| n != "page").collect();
        next.query_pairs_mut().clear().extend_pairs(kept).append_pair("page", &(page + 1).to_string());
        reply.insert_header("link", format!("<{}?{}>; rel=\"next\"", next.path(), next.query().unwrap_or_default()))
    }

    fn add(&mut self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        if self.mood == "refuse" && name.contains("Bad") {
            return super::refusal(400, "invalid", &format!("no {name} here"));
        }
        if self.mood == "expired" && name.contains("Bad") {
            return super::refusal(401, "expired", "the key has expired");
        }
        if self.mood == "lose" && name.contains("Bad") {
            return super::refusal(504, "gateway", "no answer in time");
        }
        if self.mood == "busy" {
            return super::refusal(429, "busy", "too many boxes");
        }
        self.boxes.push(body);
        if self.mood == "lost" && name.contains("Bad") {
            return super::refusal(504, "gateway", "no answer in time");
        }
        let reply = super::json(201, &format!(r#"{{"name":"{name}","number":{}}}"#, self.boxes.len()));
        if self.mood == "slow" && name.contains("Slow") { reply.set_delay(Duration::from_secs(30)) } else { reply }
    }

    fn take(&mut self, name: &str) -> ResponseTemplate {
        let before = self.boxes.len();
        self.boxes.retain(|b| b["name"] != name);
        let gone = ResponseTemplate::new(204);
        let gone =
            if self.mood == "slow" && name.contains("Slow") { gone.set_delay(Duration::from_secs(30)) } else { gone };
        if self.boxes.len() < before { gone } else { super::refusal(404, "not_found", "there is no such box") }
    }
}

/// A row and the time of its change. Its digits and its order must be preserved.
fn row(id: u64) -> (String, String) {
    let changed = format!("2020-01-01T00:{:02}:{:02}Z", id / 60, id % 60);
    let kind = if id.is_multiple_of(3) {
        "null".to_owned()
    } else {
        format!(r#"{{"id":{},"name":"Kind {}"}}"#, id % 3, id % 3)
    };
    let row = format!(r#"{{"id":{id},"name":"Row {id}","price":{id}.10,"kind":{kind},"changed":"{changed}"}}"#);
    (changed, row)
}
