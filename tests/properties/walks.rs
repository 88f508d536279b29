//! Page size, read-ahead and concurrency change how a list is fetched, but never its items.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use opnode::{CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Receipt, Response};
use proptest::option;
use proptest::sample::select;
use proptest::strategy::Strategy;
use serde_json::{Value, json};

use crate::scripted::{Scripted, TestClock, block_on, reply};
use crate::{prove, regressions};

/// A style's name, its `paging`, and where the items are.
const STYLES: [(&str, &str, &str); 9] = [
    ("link", "{ link: { size: { query: size, default: 3 } } }", ""),
    ("link_last", "{ link: { size: { query: size, default: 3 }, last: { query: page } } }", ""),
    ("number", "{ number: { page: { query: page }, size: { query: size, default: 3 } } }", ", items: /data"),
    (
        "total",
        "{ number: { page: { query: page }, size: { query: size, default: 3 }, total: /total } }",
        ", items: /data",
    ),
    (
        "pages",
        "{ number: { page: { query: page }, size: { query: size, default: 3 }, end: { total_pages: /pages } } }",
        ", items: /data",
    ),
    (
        "offset",
        "{ offset: { offset: { query: skip }, size: { query: size, default: 3 }, total: /total } }",
        ", items: /data",
    ),
    (
        "cursor",
        "{ cursor: { token: /next, send: { query: page }, size: { query: size, default: 3 } } }",
        ", items: /data",
    ),
    ("next_url", "{ next_url: { pointer: /url, size: { query: size, default: 3 } } }", ", items: /data"),
    ("keyset", "{ keyset: { after: { query: after, from: /id }, size: { query: size, default: 3 } } }", ""),
];

/// The reply of a server with at most `most` rows per page.
fn answer(style: &str, rows: u64, most: u64, request: &http::Request<bytes::Bytes>) -> Response {
    let url = url::Url::parse(&request.uri().to_string()).unwrap();
    let number = |name: &str| url.query_pairs().find(|(n, _)| n == name).and_then(|(_, v)| v.parse::<u64>().ok());
    let size = number("size").unwrap_or(u64::MAX).min(most);
    let page = number("page").unwrap_or(1);
    let start = number("skip").or(number("after")).unwrap_or((page - 1) * size);
    let list: Vec<Value> = (start..rows.min(start.saturating_add(size))).map(|n| json!({ "id": n + 1 })).collect();
    let pages = rows.div_ceil(size).max(1);
    let next = (page < pages).then_some(page + 1);
    let at = |n: u64| format!("https://acme.example.com/things?size={size}&page={n}");
    match style {
        "link" | "link_last" => {
            let mut response = reply(200, json!(list).to_string());
            let mut links = vec![format!("<{}>; rel=\"last\"", at(pages))];
            links.extend(next.map(|n| format!("<{}>; rel=\"next\"", at(n))));
            response.headers.insert("link", links.join(", ").parse().unwrap());
            response
        }
        "keyset" => reply(200, json!(list).to_string()),
        _ => reply(
            200,
            json!({"data": list, "total": rows, "pages": pages, "next": next, "url": next.map(at)}).to_string(),
        ),
    }
}

struct Walked {
    ids: Vec<u64>,
    receipt: Receipt,
}

/// The deviations of a server.
#[derive(Clone, Debug, Default)]
struct Deviation {
    /// The page with this row comes without a body this many times: empty, white space, or `null`.
    blank: Option<(u64, usize, &'static str)>,
    /// The error in its totals and numbers of pages.
    off: i64,
}

/// The reply of a server with deviations.
fn deviating_server(
    style: &str,
    rows: u64,
    most: u64,
    deviation: &Deviation,
    request: &http::Request<bytes::Bytes>,
    seen: usize,
) -> Response {
    let mut response = answer(style, rows, most, request);
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    let list = body.as_array().or_else(|| body["data"].as_array()).unwrap();
    let first = list.first().and_then(|row| row["id"].as_u64());
    if let Some((row, times, text)) = deviation.blank
        && seen < times
        && first.is_some_and(|first| first > 1 && (first..first + list.len() as u64).contains(&row))
    {
        return reply(200, text.to_owned());
    }
    if body.is_object() {
        let mut body = body.clone();
        for key in ["total", "pages"] {
            body[key] = json!(body[key].as_i64().unwrap().saturating_add(deviation.off).max(0));
        }
        response.body = body.to_string().into_bytes().into();
    }
    response
}

fn walk(fetch: &Fetch, with: &CallOptions) -> Walked {
    walk_oddly(fetch, &Deviation::default(), with).unwrap_or_else(|e| panic!("{}: {e}", STYLES[fetch.style].0))
}

fn walk_oddly(fetch: &Fetch, deviation: &Deviation, with: &CallOptions) -> opnode::Result<Walked> {
    let (name, paging, items) = STYLES[fetch.style];
    let (rows, most) = (fetch.rows, fetch.most);
    let mut catalog = Catalog::empty();
    let connector =
        "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none\n";
    catalog.add("acme", "connector.yaml", format!("{connector}paging: {paging}\n"));
    let operation = format!(
        "version: 1\noperations:\n  things: {{ title: T, method: query, request: GET /things, response: {{ result: list{items} }} }}\n"
    );
    catalog.add("acme", "things.yaml", operation);
    let (deviation, asked) = (deviation.clone(), Mutex::new(HashMap::<String, usize>::new()));
    let server = Arc::new(Scripted::new(move |_, request| {
        let mut asked = asked.lock().unwrap();
        let seen = asked.entry(request.uri().to_string()).or_default();
        *seen += 1;
        Ok(deviating_server(name, rows, most, &deviation, request, *seen - 1))
    }));
    let clock = Some(Arc::new(TestClock::new(fetch.seed)) as Arc<dyn opnode::Clock>);
    let engine = Engine::new(EngineConfig { catalog, transport: Some(server), clock, ..EngineConfig::default() });
    let limits = serde_json::from_value(fetch.limits()).unwrap();
    let session =
        engine.connect(&ConnectionSpec { connector: "acme".into(), limits, ..ConnectionSpec::default() }).unwrap();
    block_on(async {
        let mut walk = session.query("things", &Value::Null, with).unwrap();
        let mut ids = Vec::new();
        while let Some(page) = walk.next().await {
            let page = page?;
            ids.extend(page.items.to_values().unwrap().iter().map(|v| v["id"].as_u64().unwrap()));
        }
        Ok(Walked { ids, receipt: walk.receipt().clone() })
    })
}

/// A list of a server, and how it is fetched.
#[derive(Clone, Debug)]
struct Fetch {
    style: usize,
    rows: u64,
    /// Maximum rows per page.
    most: u64,
    concurrency: u8,
    page_size: u8,
    seed: u64,
}

impl Fetch {
    fn limits(&self) -> Value {
        json!({"concurrency": self.concurrency, "page_size": self.page_size})
    }
}

/// Lists of up to `rows` rows, on pages of up to `most`.
fn fetches(rows: u64, most: u64, concurrency: u8, page_size: u8) -> impl Strategy<Value = Fetch> {
    let ranges = (0..STYLES.len(), 0..rows, 1..most, 1..concurrency, 1..page_size, proptest::num::u64::ANY);
    ranges.prop_map(|(style, rows, most, concurrency, page_size, seed)| Fetch {
        style,
        rows,
        most,
        concurrency,
        page_size,
        seed,
    })
}

/// The deviations that are possible in a style.
fn deviation(style: usize, blank: Option<(u64, usize, &'static str)>, off: i64) -> Deviation {
    let name = STYLES[style].0;
    // In styles without announcements, a page without a body is the end of a list. The same holds for the first page. A
    // number of pages that is too small cannot be detected.
    let blank = blank.filter(|_| !matches!(name, "number" | "keyset"));
    let may_be_less = blank.is_none() && matches!(name, "total" | "offset");
    Deviation { blank, off: if may_be_less { off } else { off.max(0) } }
}

/// Whatever a server omits or announces wrongly: every row arrives once, or the receipt does not say that the list is
/// complete.
#[test]
fn an_incomplete_list_is_never_reported_as_complete() {
    let blank = option::of((1_u64..61, 1_usize..4, select(&["", " \n", "null"][..])));
    let off = select(&[0, 0, 1, 2, 7, 300, -1, -2, -40][..]);
    let inputs = (fetches(60, 20, 9, 30), blank, off);
    prove(regressions!("walks"), 250, &inputs, |(fetch, blank, off)| {
        let deviation = deviation(fetch.style, blank, off);
        let Ok(found) = walk_oddly(&fetch, &deviation, &CallOptions::default()) else { return };
        let whole = found.ids == (1..=fetch.rows).collect::<Vec<_>>();
        assert!(whole || !found.receipt.complete, "{deviation:?}: {:?} {:?}", found.ids, found.receipt);
        assert!(found.ids.windows(2).all(|pair| pair[0] < pair[1]), "a row came twice: {deviation:?}: {:?}", found.ids);
        if !whole {
            assert!(!found.receipt.notes.is_empty(), "no note: {deviation:?}: {:?}", found.receipt);
        }
    });
}

#[test]
fn paging_options_do_not_change_the_items() {
    let inputs = (fetches(80, 30, 12, 40), 0_u64..100);
    prove(regressions!("fetches"), 100, &inputs, |(fetch, few)| {
        let found = walk(&fetch, &CallOptions::default());
        assert_eq!(found.ids, (1..=fetch.rows).collect::<Vec<_>>());
        assert!(found.receipt.complete && found.receipt.items == fetch.rows, "{:?}", found.receipt);
        // With an item limit, the items are the first ones of the list.
        let with = CallOptions { items_max: Some(few), ..CallOptions::default() };
        let found = walk(&Fetch { seed: !fetch.seed, ..fetch.clone() }, &with);
        assert_eq!(found.ids, (1..=fetch.rows.min(few)).collect::<Vec<_>>(), "{few} wanted");
    });
}
