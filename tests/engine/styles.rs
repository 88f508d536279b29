//! Every paging style, a server that pages in all of them as a situation says, and a walk over it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use opnode::{
    CallOptions, Catalog, Clock, ConnectionSpec, Engine, EngineConfig, ErrorKind, ExchangeLimits, Failure, Response,
    Result, Transport,
};
use serde_json::{Value, json};

pub struct Style {
    pub name: &'static str,
    pub paging: &'static str,
    pub response: &'static str,
}

const LIST: &str = "{ result: list }";
const DATA: &str = "{ result: list, items: /data }";

pub const STYLES: [Style; 13] = [
    Style { name: "link", paging: "{ link: { size: { query: size, default: 3 } } }", response: LIST },
    Style {
        name: "link_last",
        paging: "{ link: { size: { query: size, default: 3 }, last: { query: page } } }",
        response: LIST,
    },
    Style {
        name: "number",
        paging: "{ number: { page: { query: page }, size: { query: size, default: 3 } } }",
        response: DATA,
    },
    Style {
        name: "number_total",
        paging: "{ number: { page: { query: page }, size: { query: size, default: 3 }, total: /total } }",
        response: DATA,
    },
    Style {
        name: "number_pages",
        paging: "{ number: { page: { query: page }, size: { query: size, default: 3 }, end: { total_pages: /pages } } }",
        response: DATA,
    },
    Style {
        name: "number_next",
        paging: "{ number: { page: { query: page }, size: { query: size, default: 3 }, end: { next_page: /next } } }",
        response: DATA,
    },
    Style {
        name: "number_more",
        paging: "{ number: { page: { query: page }, size: { query: size, default: 3 }, end: { has_more: /more } } }",
        response: DATA,
    },
    Style {
        name: "offset",
        paging: "{ offset: { offset: { query: skip }, size: { query: size, default: 3 } } }",
        response: DATA,
    },
    Style {
        name: "offset_total",
        paging: "{ offset: { offset: { query: skip }, size: { query: size, default: 3 }, total: /total } }",
        response: DATA,
    },
    Style { name: "cursor", paging: "{ cursor: { token: /next, send: { query: page } } }", response: DATA },
    Style {
        name: "cursor_header",
        paging: "{ cursor: { token: { header: X-Next }, send: { header: X-Page }, has_more: /more } }",
        response: DATA,
    },
    Style { name: "next_url", paging: "{ next_url: { pointer: /url } }", response: DATA },
    Style {
        name: "keyset",
        paging: "{ keyset: { after: { query: after, from: /id }, size: { query: size, default: 3 } } }",
        response: LIST,
    },
];

impl Style {
    /// Whether the server names the next page.
    pub fn names_next(&self) -> bool {
        matches!(
            self.name,
            "link"
                | "link_last"
                | "number_pages"
                | "number_next"
                | "number_more"
                | "cursor"
                | "cursor_header"
                | "next_url"
        )
    }
    /// Whether the server can name any page as the next, so also a wrong one.
    pub fn free_next(&self) -> bool {
        matches!(self.name, "link" | "link_last" | "number_next" | "cursor" | "cursor_header" | "next_url")
    }
    /// Whether the server announces the number of pages.
    pub fn counts_pages(&self) -> bool {
        matches!(self.name, "link" | "link_last" | "number_pages")
    }
    pub fn by_offset(&self) -> bool {
        matches!(self.name, "offset" | "offset_total")
    }
    pub fn by_url(&self) -> bool {
        matches!(self.name, "link" | "link_last" | "next_url")
    }
}

/// The behaviour of the server.
#[derive(Clone, Default)]
pub struct Situation {
    pub pages: Vec<Vec<u64>>,
    /// A page (from 1) whose next page is another than the following one.
    pub wrong_next: Option<(usize, u64)>,
    pub total: Option<Value>,
    /// The prefix of an absolute next URL.
    pub prefix: Option<&'static str>,
    /// The statuses of a page before it succeeds.
    pub failing: Option<(usize, Vec<u16>)>,
    /// Whether the server always returns the first page.
    pub deaf: bool,
}

struct Server {
    style: &'static str,
    situation: Situation,
    failures: Mutex<Vec<u16>>,
    log: Mutex<Vec<String>>,
}

impl Server {
    /// The requested page, from 1.
    fn asked(&self, request: &http::Request<Bytes>) -> usize {
        let url = url::Url::parse(&request.uri().to_string()).unwrap();
        let query = |name: &str| url.query_pairs().find(|(n, _)| n == name).and_then(|(_, v)| v.parse::<u64>().ok());
        let header = || request.headers().get("X-Page").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let position = |rows: u64| {
            let starts: Vec<u64> = self
                .situation
                .pages
                .iter()
                .scan(0, |at, p| Some(std::mem::replace(at, *at + p.len() as u64)))
                .collect();
            starts.iter().position(|s| *s >= rows).unwrap_or(starts.len()) + 1
        };
        match self.style {
            "offset" | "offset_total" => position(query("skip").unwrap()),
            "keyset" => query("after").map_or(1, position),
            "cursor_header" => header().unwrap_or(1),
            _ => query("page").unwrap_or(1) as usize,
        }
    }

    fn body(&self, page: usize, rows: &[Value], next: Option<u64>) -> (Value, Vec<(&'static str, String)>) {
        let total = self
            .situation
            .total
            .clone()
            .unwrap_or_else(|| json!(self.situation.pages.iter().map(Vec::len).sum::<usize>()));
        let prefix = self.situation.prefix.unwrap_or("https://acme.example.com/things");
        let url = next.map(|n| format!("{prefix}?size=3&page={n}"));
        let last = self.situation.pages.len();
        match self.style {
            "link" | "link_last" => {
                let mut links: Vec<String> = url.iter().map(|u| format!("<{u}>; rel=\"next\"")).collect();
                links.push(format!("<https://acme.example.com/things?size=3&page={last}>; rel=\"last\""));
                (json!(rows), vec![("link", links.join(", "))])
            }
            "keyset" => (json!(rows), Vec::new()),
            "cursor_header" => (
                json!({"data": rows, "more": next.is_some()}),
                next.map(|n| ("x-next", n.to_string())).into_iter().collect(),
            ),
            _ => {
                let more = next.is_some() && page < last.max(next.unwrap_or(0) as usize);
                (
                    json!({"total": total, "data": rows, "pages": last, "next": next, "more": more, "url": url}),
                    Vec::new(),
                )
            }
        }
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        self.log.lock().unwrap().push(request.uri().to_string());
        let asked = self.asked(&request);
        let page = if self.situation.deaf { 1 } else { asked };
        let mut headers = http::HeaderMap::new();
        if self.situation.failing.as_ref().is_some_and(|(p, _)| *p == page)
            && let Some(status) = self.failures.lock().unwrap().pop()
        {
            headers.insert("retry-after", "1".parse().unwrap());
            return Ok(Response {
                status: http::StatusCode::from_u16(status).unwrap(),
                headers,
                body: b"{}".to_vec().into(),
                ..Response::default()
            });
        }
        let rows: Vec<Value> =
            self.situation.pages.get(page - 1).into_iter().flatten().map(|id| json!({"id": id})).collect();
        let regular = (page < self.situation.pages.len()).then_some(page as u64 + 1);
        let next = self.situation.wrong_next.filter(|(p, _)| *p == page).map(|(_, n)| n).or(regular);
        let (body, found) = self.body(page, &rows, next);
        for (name, value) in found {
            headers.insert(name, value.parse().unwrap());
        }
        Ok(Response {
            status: http::StatusCode::OK,
            headers,
            body: body.to_string().into_bytes().into(),
            ..Response::default()
        })
    }
}

struct NoWait;

#[async_trait]
impl Clock for NoWait {
    fn now(&self) -> Duration {
        Duration::ZERO
    }
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn chance(&self) -> f64 {
        0.0
    }
    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

#[derive(Debug)]
pub struct Found {
    pub ids: Vec<u64>,
    pub failure: Option<(ErrorKind, Option<u64>)>,
    pub receipt: opnode::Receipt,
    pub log: Vec<String>,
}

pub fn walk(style: &Style, situation: &Situation, concurrency: u16, with: &CallOptions) -> Found {
    let failures = situation.failing.as_ref().map(|(_, s)| s.clone()).unwrap_or_default();
    let server = Arc::new(Server {
        style: style.name,
        situation: situation.clone(),
        failures: Mutex::new(failures),
        log: Mutex::default(),
    });
    let mut catalog = Catalog::empty();
    let connector = format!(
        "version: 1\nconnector: acme\ntitle: Acme\nconnection: {{}}\nbase_url: https://acme.example.com\nauth: none\npaging: {}\n",
        style.paging
    );
    catalog.add("acme", "connector.yaml", connector);
    let operation = format!(
        "version: 1\noperations:\n  things:\n    title: Things\n    method: query\n    request: GET /things\n    response: {}\n",
        style.response
    );
    catalog.add("acme", "things.yaml", operation);
    let engine = Engine::new(EngineConfig {
        catalog,
        transport: Some(server.clone()),
        clock: Some(Arc::new(NoWait)),
        ..EngineConfig::default()
    });
    let limits = serde_json::from_value(json!({ "concurrency": concurrency })).unwrap();
    let session =
        engine.connect(&ConnectionSpec { connector: "acme".into(), limits, ..ConnectionSpec::default() }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut walk = session.query("things", &Value::Null, with).unwrap();
        let (mut ids, mut failure) = (Vec::new(), None);
        while let Some(page) = walk.next().await {
            match page {
                Ok(page) => ids.extend(page.items.to_values().unwrap().iter().map(|v| v["id"].as_u64().unwrap())),
                Err(error) => failure = Some((error.kind(), error.page)),
            }
        }
        let receipt = walk.receipt().clone();
        drop(walk);
        tokio::task::yield_now().await;
        let log = server.log.lock().unwrap().clone();
        Found { ids, failure, receipt, log }
    })
}

pub fn pages(sizes: &[u64]) -> Vec<Vec<u64>> {
    sizes
        .iter()
        .scan(0, |at, n| {
            Some(
                (0..*n)
                    .map(|_| {
                        *at += 1;
                        *at
                    })
                    .collect(),
            )
        })
        .collect()
}

/// Runs a situation for the styles that it fits, with 1 and 8 requests in flight.
pub fn each(situation: &Situation, fits: impl Fn(&Style) -> bool, check: impl Fn(&Style, &Found)) {
    let mut count = 0;
    for style in STYLES.iter().filter(|s| fits(s)) {
        for concurrency in [1, 8] {
            let found = walk(style, situation, concurrency, &CallOptions::default());
            println!("{} with {concurrency}: {found:?}", style.name);
            check(style, &found);
            count += 1;
        }
    }
    assert!(count > 0);
}

pub fn complete(found: &Found, ids: u64) {
    assert_eq!(found.failure, None);
    assert_eq!(found.ids, (1..=ids).collect::<Vec<_>>());
    assert!(found.receipt.complete, "{found:?}");
    assert_eq!(found.receipt.items, ids);
}

pub fn stuck(found: &Found) {
    assert_eq!(found.failure.map(|f| f.0), Some(ErrorKind::NoProgress), "{found:?}");
    assert!(!found.receipt.complete);
    let mut once = found.ids.clone();
    once.dedup();
    assert!(found.log.len() < 20, "{found:?}");
}
