//! Entry points of the fuzzers in `fuzz/`: access to private readers, with the properties that must hold for any bytes.
//!
//! Not part of the interface: built for this crate's own tests and with the feature `fuzzing`. A violated property
//! panics.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use serde_json::value::RawValue;
use url::Url;

use crate::connection::Connection;
use crate::connections::ConnectionsFile;
use crate::definition::{Catalog, Operation};
use crate::engine::{Engine, EngineConfig};
use crate::item::Items;
use crate::page::{self, PageLimits};
use crate::paging::{self, Pager};
use crate::reply::{Body, Response};
use crate::request::{self, Cursor, RequestInput};
use crate::row_file::{ReadOptions, RowFile, RowFormat, RowPosition};
use crate::transport::{ExchangeLimits, Failure, FailureKind, Transport};

/// A target: accepts any bytes.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 10] = [
    ("batch", |data| crate::batch::fuzzing::batch(data, &ENGINE)),
    ("c_request", crate::ffi::fuzzing::request),
    ("definition", definition),
    ("expression", crate::batch::fuzzing::expression),
    ("items", items),
    ("journal", crate::batch::fuzzing::journal),
    ("link_header", link_header),
    ("page", page),
    ("row_file", row_file),
    ("url", url),
];

/// A target by name.
#[must_use]
pub fn target(name: &str) -> Target {
    TARGETS.iter().find(|(n, _)| *n == name).map_or(|_| {}, |(_, target)| *target)
}

const CONNECTOR: &str = "
version: 1
connector: acme
title: Acme
connection: { key: { secret: true } }
base_url: https://acme.example.com/api
auth: { basic: { username: robot, password: '{key}' } }
errors: { code: /code, message: /message, details: { list: /errors }, success: /success }
";

const OPERATIONS: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /p, paging: { link: { size: { query: size, default: 2 }, last: { query: page } } }, response: { result: list } }
  rows:
    title: L
    method: query
    request: GET /p
    paging: { cursor: { token: /next, send: { query: page }, has_more: /more } }
    response: { result: list, items: /data/rows, total: /total }
  next_url: { title: L, method: query, request: GET /p, paging: { next_url: { pointer: /next } }, response: { result: list, items: /data, optional: true } }
  number: { title: L, method: query, request: GET /p, paging: { number: { page: { query: page }, end: { total_pages: /pages } } }, response: { result: list, items: /data } }
  keyset: { title: L, method: query, request: GET /p, paging: { keyset: { after: { query: after, from: /id } } }, response: { result: list } }
  object: { title: O, method: query, request: GET /o, response: { result: object } }
  count: { title: C, method: query, request: GET /c, response: { result: count } }
  file: { title: F, method: query, request: GET /f, response: { result: file } }
  text: { title: T, method: query, request: GET /t, response: { result: text } }
  report: { title: R, method: query, request: GET /r, response: { result: report, columns: /columns, rows: /rows } }
  map: { title: L, method: query, request: GET /p, response: { result: list, items: { at: /data, key: id }, keep: { next: /next } } }
  lists:
    title: L
    method: query
    request: GET /p
    response: { result: list, items: { at: [/data/-1/rows, /errors], tag: from }, attach: { more: { from: /more, key: /id, by: /id } }, optional: true }
  names: { title: R, method: query, request: GET /r, response: { result: report, columns: [a, b], rows: /rows } }
  lines: { title: L, method: query, request: GET /p, response: { result: list, format: ndjson } }
  cells: { title: L, method: query, request: GET /p, response: { result: list, format: csv } }
  add: { title: A, method: mutate, request: POST /things, items: { send: each }, response: { result: object } }
";

/// The other operations of the tested definition file, parsed again with each input.
const BESIDE: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /p, paging: { link: { size: { query: size, default: 2 }, last: { query: page } } }, response: { result: list } }
  add: { title: A, method: mutate, request: POST /things, items: { send: each }, response: { result: object } }
";

/// The fictitious system.
fn catalog(operations: &str) -> Catalog {
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", CONNECTOR);
    catalog.add("acme", "operations.yaml", operations);
    catalog
}

/// Sends nothing. A real transport would read the system's certificates for each connection.
struct Nowhere;

#[async_trait::async_trait]
impl Transport for Nowhere {
    async fn send(&self, _: http::Request<bytes::Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        Err(Failure { kind: FailureKind::Refused, message: "nothing is sent here".to_owned(), status: None })
    }
}

/// An engine for it.
static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    Arc::new(Engine::new(EngineConfig {
        catalog: catalog(OPERATIONS),
        transport: Some(Arc::new(Nowhere)),
        ..EngineConfig::default()
    }))
});

struct Stage {
    connection: Connection,
    queries: Vec<Arc<Operation>>,
}

static STAGE: LazyLock<Option<Stage>> = LazyLock::new(|| {
    let catalog = catalog(OPERATIONS);
    let spec = serde_json::from_value(json!({"connector": "acme", "values": {"key": "k"}})).ok()?;
    let connection = Connection::open(catalog.connector("acme").ok()?, &spec).ok()?;
    let queries = catalog.operations("acme").ok()?.into_iter().filter(|o| o.id != "add").collect();
    Some(Stage { connection, queries })
});

fn stage() -> &'static Stage {
    match &*STAGE {
        Some(stage) => stage,
        None => unreachable!("the made-up system is sound"),
    }
}

/// The first byte selects the variant, the rest is the input.
fn steered(data: &[u8]) -> (usize, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (usize::from(*first), rest))
}

/// A Link header field: targets are parts of the field.
pub fn link_header(data: &[u8]) {
    let field = String::from_utf8_lossy(data);
    for link in crate::reply::parse_links(&field).0 {
        assert!(field.contains(&link.target), "{link:?} is not of this header");
        assert!(!link.rel.is_empty() && !link.rel.contains(|c: char| c.is_ascii_whitespace()), "{link:?}");
    }
}

/// A reply in any format: its items are valid JSON on one line each, however the reply was split, and the walk
/// continues within the own origin or ends.
pub fn page(data: &[u8]) {
    const KINDS: [&str; 9] = [
        "application/json",
        "application/json; charset=utf-16",
        "text/html; charset=latin1",
        "",
        "application/pdf",
        "text/plain",
        "text/csv",
        "application/xml",
        "application/x-ndjson",
    ];
    let (steer, body) = steered(data);
    let stage = stage();
    let Some(operation) = stage.queries.get(steer % stage.queries.len().max(1)) else { return };
    let mut headers = HeaderMap::new();
    let (link, body) =
        if steer >= 200 { body.split_at(body.iter().position(|b| *b == b'\n').unwrap_or(0)) } else { (&b""[..], body) };
    if let Ok(value) = HeaderValue::from_bytes(link) {
        headers.insert(http::header::LINK, value);
    }
    if let Some(kind) = KINDS.get(steer / 16 % KINDS.len()).filter(|k| !k.is_empty()) {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let read = |body: Body| {
        let mut reply = Response { status: StatusCode::OK, headers: headers.clone(), body, ..Response::default() };
        page::read(operation, &mut reply, PageLimits { items: usize::MAX, bytes: 64 << 20 })
    };
    let mut pieces = Body::expect(true, 0);
    body.chunks(steer % 29 + 1).for_each(|piece| pieces.push(piece));
    let (whole, pieces) = (read(body.to_owned().into()), read(pieces.whole()));
    assert_eq!(whole.is_ok(), pieces.is_ok(), "the pieces of a reply decide whether it can be read");
    let (Ok(page), Ok(other)) = (whole, pieces) else { return };
    assert!(page.items.iter().eq(other.items.iter()), "the pieces of a reply change its items");
    for item in page.items.iter() {
        check_line(item.as_str());
    }
    let Ok(mut pager) = Pager::new(Arc::clone(operation), &crate::options::Options::default(), false, Some(2)) else {
        return;
    };
    let cursor = pager.first();
    if pager.admit(&page).is_err() {
        return;
    }
    if let Ok(paging::PagingStep::More(next)) = pager.next(&page, "https://acme.example.com/api/p?page=1", &cursor) {
        goes_home(operation, &next);
        pager.ahead(&page, &next, 7).iter().for_each(|cursor| goes_home(operation, cursor));
    }
}

/// JSON on one line.
fn check_line(text: &str) {
    assert!(!text.contains(['\n', '\r']), "an item has a line break: {text:?}");
    assert!(serde_json::from_str::<&RawValue>(text).is_ok(), "an item is no JSON: {text:?}");
}

/// Every request goes to the connection's own origin, in any spelling of the address.
fn goes_home(operation: &Operation, cursor: &Cursor) {
    let connection = &stage().connection;
    let options = crate::options::Options::default();
    let input = RequestInput { options: &options, item: None, page_size: None };
    let parts = request::Inserted { connection, operation, input, cursor };
    let built = crate::body::build(&parts, None).and_then(|body| request::build(&parts, body));
    let Ok(request) = built else { return };
    let uri = request.uri();
    assert_eq!(
        (uri.scheme_str(), uri.host(), uri.port_u16()),
        (Some("https"), Some("acme.example.com"), None),
        "{cursor:?}"
    );
    // The HTTP client parses the address again.
    let again = Url::parse(&uri.to_string()).map(|url| connection.check_origin(&url).is_ok());
    assert_eq!(again, Ok(true), "{uri} is read in two ways");
}

/// An address from a server, joined to that of the page: it leads to the own origin or is refused. A first line is the
/// page's own path.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (path, target) = text.split_once('\n').unwrap_or(("api/p?page=1", &text));
    let Some(operation) = stage().queries.first() else { return };
    let Ok(base) = Url::parse("https://acme.example.com/").and_then(|base| base.join(path)) else { return };
    goes_home(operation, &Cursor { url: Some(text.to_string()), ..Cursor::default() });
    // Pages are at the own origin. With a `file:` base, the URL parser fails its own assertion for some targets.
    if stage().connection.check_origin(&base).is_ok()
        && let Ok(joined) = base.join(target)
    {
        goes_home(operation, &Cursor { url: Some(joined.into()), ..Cursor::default() });
    }
    goes_home(operation, &Cursor { query: vec![("page".to_owned(), text.to_string())], ..Cursor::default() });
}

/// A definition file, in any of its roles: every fault is in the file or in one that it belongs to.
pub fn definition(data: &[u8]) {
    let (steer, text) = steered(data);
    let text = String::from_utf8_lossy(text);
    let mut catalog = catalog(BESIDE);
    match steer % 5 {
        0 => catalog.add("acme", "connector.yaml", text),
        1 => catalog.add("acme", "more.yaml", text),
        2 => catalog.add("acme", "operations.yaml", text),
        3 => catalog.add("acme", "sandbox.yaml", text),
        _ => {
            let faults = ConnectionsFile::faults("connections.yaml", &text, &catalog);
            assert!(
                faults.iter().all(|f| f.place.line.is_none_or(|l| l <= crate::authoring::yaml::lines(&text))),
                "{faults:?}"
            );
            return;
        }
    }
    if !catalog.faults(&[]).is_empty() {
        return;
    }
    // A file without faults can be used.
    for operation in catalog.operations("acme").unwrap_or_default() {
        assert!(catalog.operation(Some("acme"), &operation.id).is_ok(), "{}", operation.id);
    }
}

/// Items of a write, one per line or a list: none is lost, each is on one line, and they are the same when they are
/// written and read again.
pub fn items(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let Ok(items) = Items::from_ndjson(text) else { return };
    items.iter().for_each(|item| check_line(item.as_str()));
    let lines: String = items.iter().map(|item| format!("{}\n", item.as_str())).collect();
    let list = Items::from_array(items.to_json());
    assert!(
        list.is_ok_and(|list| list.iter().map(|i| i.as_str()).eq(items.iter().map(|i| i.as_str()))),
        "as a list: {lines}"
    );
    if items.iter().any(|item| item.as_str().starts_with('[')) {
        return;
    }
    let again = Items::from_ndjson(lines.clone());
    assert!(
        again.is_ok_and(|again| again.iter().map(|i| i.as_str()).eq(items.iter().map(|i| i.as_str()))),
        "as lines: {lines}"
    );
}

/// A file of rows, in the format that its first byte names: each row is on one line, and behind each row the file can be
/// opened again for the same remaining rows.
pub fn row_file(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let format = match first {
        b'N' => RowFormat::Ndjson,
        b'J' | b'P' => RowFormat::Json,
        b'T' => RowFormat::Tsv,
        _ => RowFormat::Csv,
    };
    let options = ReadOptions {
        pointer: (*first == b'P').then(|| "/data".to_owned()),
        row_bytes: 1000,
        ..ReadOptions::default()
    };
    let open = |from: &RowPosition| {
        let input = std::io::Cursor::new(data.to_vec());
        RowFile::read(input, "rows", format, &options, from)
    };
    let rows = |from: &RowPosition| {
        let mut rows: Vec<(String, RowPosition)> = Vec::new();
        let Ok(mut file) = open(from) else { return rows };
        loop {
            match file.next_row().map(|row| row.map(str::to_owned)) {
                Ok(Some(row)) => rows.push((row, file.position())),
                Err(_) if !file.is_broken() => {}
                Ok(None) | Err(_) => return rows,
            }
        }
    };
    let all = rows(&RowPosition::default());
    all.iter().for_each(|(row, _)| check_line(row));
    for (index, (_, position)) in all.iter().enumerate().take(5) {
        assert!(all.get(index + 1..) == Some(&rows(position)), "other rows behind {position:?}");
    }
}

#[cfg(test)]
mod tests;
