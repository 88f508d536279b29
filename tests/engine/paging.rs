//! Every paging style against one shared set of situations, each with and without pages in flight side by side.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use opnode::{
    CallOptions, Catalog, Clock, ConnectionSpec, Engine, EngineConfig, ErrorKind, ExchangeLimits, Failure, Response,
    Result, StopReason, Transport,
};
use serde_json::{Value, json};

/// A style: its name, the connector's `paging` and the operation's `response`.
struct Style {
    name: &'static str,
    paging: &'static str,
    response: &'static str,
}

const LIST: &str = "{ result: list }";
const DATA: &str = "{ result: list, items: /data }";

const STYLES: [Style; 13] = [
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
    /// The server itself says which page is next.
    fn names_next(&self) -> bool {
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
    /// The server names the next page freely, so that it can name a wrong one.
    fn free_next(&self) -> bool {
        matches!(self.name, "link" | "link_last" | "number_next" | "cursor" | "cursor_header" | "next_url")
    }
    /// The server says how many pages there are.
    fn counts_pages(&self) -> bool {
        matches!(self.name, "link" | "link_last" | "number_pages")
    }
    fn by_offset(&self) -> bool {
        matches!(self.name, "offset" | "offset_total")
    }
    fn by_url(&self) -> bool {
        matches!(self.name, "link" | "link_last" | "next_url")
    }
}

/// What the server does.
#[derive(Clone, Default)]
struct Situation {
    pages: Vec<Vec<u64>>,
    /// Page (from 1) whose named next page is another than the following one.
    wrong_next: Option<(usize, u64)>,
    total: Option<Value>,
    /// How the next URL is written: absolute with this prefix.
    prefix: Option<&'static str>,
    /// Replies of this page before it succeeds.
    failing: Option<(usize, Vec<u16>)>,
    /// The server gives the first page whatever is asked.
    deaf: bool,
}

struct Server {
    style: &'static str,
    situation: Situation,
    failures: Mutex<Vec<u16>>,
    log: Mutex<Vec<String>>,
}

impl Server {
    /// Which page is asked for, from 1.
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
struct Found {
    ids: Vec<u64>,
    failure: Option<(ErrorKind, Option<u64>)>,
    receipt: opnode::Receipt,
    log: Vec<String>,
}

fn walk(style: &Style, situation: &Situation, concurrency: u16, with: &CallOptions) -> Found {
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

fn pages(sizes: &[u64]) -> Vec<Vec<u64>> {
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

/// Runs a situation over the styles for which it makes sense, with 1 and 8 requests in flight.
fn each(situation: &Situation, fits: impl Fn(&Style) -> bool, check: impl Fn(&Style, &Found)) {
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

fn complete(found: &Found, ids: u64) {
    assert_eq!(found.failure, None);
    assert_eq!(found.ids, (1..=ids).collect::<Vec<_>>());
    assert!(found.receipt.complete, "{found:?}");
    assert_eq!(found.receipt.items, ids);
}

fn stuck(found: &Found) {
    assert_eq!(found.failure.map(|f| f.0), Some(ErrorKind::NoProgress), "{found:?}");
    assert!(!found.receipt.complete);
    let mut once = found.ids.clone();
    once.dedup();
    assert!(found.log.len() < 20, "{found:?}");
}

#[test]
fn all_pages_in_order() {
    for sizes in [&[3, 3, 1][..], &[3, 3, 3], &[2], &[]] {
        let situation = Situation { pages: pages(sizes), ..Situation::default() };
        each(&situation, |_| true, |_, found| complete(found, sizes.iter().sum()));
    }
}

#[test]
fn an_empty_page_in_the_middle_is_passed_over_where_the_server_names_the_next() {
    let situation = Situation { pages: pages(&[3, 0, 3, 1]), ..Situation::default() };
    each(&situation, Style::names_next, |_, found| complete(found, 7));
}

#[test]
fn many_empty_pages_end_with_an_error() {
    let situation = Situation { pages: pages(&[3, 0, 0, 0, 0, 0, 2]), ..Situation::default() };
    each(&situation, |s| s.names_next() && !s.counts_pages(), |_, found| stuck(found));
}

#[test]
fn a_known_number_of_pages_bounds_the_walk_instead() {
    let situation = Situation { pages: pages(&[3, 0, 0, 0, 0, 0, 2]), ..Situation::default() };
    each(&situation, Style::counts_pages, |_, found| complete(found, 5));
}

#[test]
fn a_repeated_cursor_is_an_error_at_the_first_repeat() {
    let situation = Situation { pages: pages(&[3, 3, 3]), wrong_next: Some((2, 2)), ..Situation::default() };
    each(&situation, Style::free_next, |_, found| {
        stuck(found);
        assert_eq!(found.ids, [1, 2, 3, 4, 5, 6], "what came before is kept");
    });
}

#[test]
fn a_cycle_is_an_error() {
    let situation = Situation { pages: pages(&[3, 3, 3]), wrong_next: Some((2, 1)), ..Situation::default() };
    each(
        &situation,
        |s| s.free_next() && !s.by_url() && s.name != "number_next",
        |_, found| {
            // The first page was asked for without a cursor, so its name is new once; its content gives it away.
            assert_eq!(found.failure.map(|f| f.0), Some(ErrorKind::NoProgress), "{found:?}");
        },
    );
    each(&situation, |s| s.by_url() || s.name == "number_next", |_, found| stuck(found));
}

#[test]
fn a_server_that_ignores_the_cursor_is_found_out() {
    let situation = Situation { pages: pages(&[3, 3]), deaf: true, total: Some(json!(100)), ..Situation::default() };
    each(
        &situation,
        |_| true,
        |_, found| {
            stuck(found);
            assert_eq!(found.ids, [1, 2, 3]);
        },
    );
}

#[test]
fn a_cursor_on_the_last_page_leads_to_the_end() {
    let situation = Situation { pages: pages(&[3, 3, 1]), wrong_next: Some((3, 4)), ..Situation::default() };
    each(&situation, Style::free_next, |_, found| complete(found, 7));
}

#[test]
fn a_short_page_in_the_middle_ends_nothing() {
    let situation = Situation { pages: pages(&[3, 1, 3, 2]), ..Situation::default() };
    each(&situation, |s| !s.by_offset(), |_, found| complete(found, 9));
}

/// After a full page an offset moves by the size; a server that then counts by what it sent loses rows, and the total tells.
#[test]
fn a_short_page_behind_a_full_one_moves_an_offset_by_the_size() {
    let situation = Situation { pages: pages(&[3, 1, 3, 2]), ..Situation::default() };
    each(
        &situation,
        |s| s.name == "offset_total",
        |_, found| {
            assert!(found.ids.windows(2).all(|w| w[0] < w[1]), "{found:?}");
            assert!(!found.receipt.complete && !found.receipt.notes.is_empty(), "{found:?}");
        },
    );
}

#[test]
fn a_server_may_lower_the_page_size() {
    let situation = Situation { pages: pages(&[2, 2, 2, 1]), ..Situation::default() };
    each(&situation, |_| true, |_, found| complete(found, 7));
}

#[test]
fn a_wrong_total_loses_nothing() {
    for total in [json!(3), json!(-1), json!("many"), json!(null), json!("7"), json!(7.0)] {
        let situation = Situation { pages: pages(&[3, 3, 1]), total: Some(total), ..Situation::default() };
        each(&situation, |s| s.name.ends_with("total"), |_, found| complete(found, 7));
    }
}

#[test]
fn a_walk_that_ends_below_the_total_is_not_complete() {
    let situation = Situation { pages: pages(&[3, 3, 1]), total: Some(json!(100)), ..Situation::default() };
    each(
        &situation,
        |s| s.name.ends_with("total"),
        |_, found| {
            assert_eq!((found.ids.len(), found.failure), (7, None));
            assert!(!found.receipt.complete, "{found:?}");
            assert_eq!(found.receipt.notes, ["the server announced 100 items but delivered 7"]);
        },
    );
}

#[test]
fn a_next_link_to_another_origin_is_not_followed() {
    for prefix in [
        "https://evil.example.com/things",
        "https://acme.example.com:8443/things",
        "//evil.example.com/things",
        "https://user:pw@acme.example.com/things",
        "file:///etc/passwd",
    ] {
        let situation = Situation { pages: pages(&[3, 3]), prefix: Some(prefix), ..Situation::default() };
        each(&situation, Style::by_url, |_, found| {
            assert_eq!(found.failure, Some((ErrorKind::Origin, Some(2))), "{prefix}: {found:?}");
            assert_eq!(found.ids, [1, 2, 3], "what came before is kept");
            assert!(found.log.iter().all(|url| url.starts_with("https://acme.example.com/")), "{found:?}");
        });
    }
}

#[test]
fn a_relative_next_link_is_resolved() {
    // The last is another scheme for the own host: it is taken at the own origin.
    for prefix in [
        "/things",
        "things",
        "",
        "//acme.example.com/things",
        "https://ACME.example.com:443/things",
        "http://acme.example.com/things",
    ] {
        let situation = Situation { pages: pages(&[3, 3, 1]), prefix: Some(prefix), ..Situation::default() };
        each(&situation, Style::by_url, |_, found| complete(found, 7));
    }
}

#[test]
fn an_error_on_a_page_keeps_the_pages_before_it() {
    let situation =
        Situation { pages: pages(&[3, 3, 1]), failing: Some((2, vec![500, 500, 500])), ..Situation::default() };
    each(
        &situation,
        |_| true,
        |_, found| {
            assert_eq!(found.failure, Some((ErrorKind::Unavailable, Some(2))));
            assert_eq!(found.ids, [1, 2, 3]);
            assert_eq!(found.receipt.stop, Some(StopReason::Failed));
        },
    );
}

#[test]
fn a_429_on_a_page_is_waited_out() {
    let situation = Situation { pages: pages(&[3, 3, 1]), failing: Some((2, vec![429])), ..Situation::default() };
    each(
        &situation,
        |_| true,
        |_, found| {
            complete(found, 7);
            assert_eq!(found.receipt.retries, 1);
        },
    );
}

#[test]
fn an_item_limit_stops_early_and_says_so() {
    let situation = Situation { pages: pages(&[3, 3, 3, 3]), ..Situation::default() };
    for style in &STYLES {
        for (limit, ids) in [(0, 0), (2, 2), (3, 3), (5, 5), (12, 12), (50, 12)] {
            let found = walk(style, &situation, 8, &CallOptions { items_max: Some(limit), ..CallOptions::default() });
            assert_eq!(found.ids, (1..=ids).collect::<Vec<u64>>(), "{} {limit}: {found:?}", style.name);
            assert_eq!(
                found.receipt.complete,
                limit > 12 || (limit == 12 && found.receipt.stop != Some(StopReason::ItemLimit)),
                "{} {limit}: {found:?}",
                style.name
            );
        }
    }
}
