//! A fictitious system and the credentials that are planted in its connections, with checks that they do not leak.

use opnode::{Catalog, ConnectionSpec, Engine, EngineConfig};
use serde_json::Value;

use crate::server::Request;

/// The planted credentials. They may only appear in the header that contains them.
pub const PASSWORD: &str = "S3cret&Pass word/9";
pub const API_KEY: &str = "key-7f3a91c2e5d84b60";
/// A key as long as many tokens.
pub const LONG: &str = include_str!("long.key");
/// Every form in which a server may echo them.
pub const ECHO: [&str; 5] = [
    PASSWORD,
    API_KEY,
    "S3cret%26Pass%20word%2F9",
    "UzNjcmV0JlBhc3Mgd29yZC85",
    "YWNtZStyb2JvdDpTM2NyZXQmUGFzcyB3b3JkLzk=",
];
/// Parts that disclose a secret, even if it is cut or encoded.
const TRACES: [&str; 8] = [
    "pr0xyS3cret",
    "cHJveHktdXNlcjpwcjB4eVMz",
    "S3cret",
    "word/9",
    "a91c2e5d",
    "UzNjcmV0",
    "YWNtZStyb2JvdDpT",
    "eyJhbGciOi",
];

const CONNECTOR: &str = "
version: 1
connector: NAME
title: Acme
connection:
  url: { format: uri }
  username: { default: acme+robot }
  password: { secret: true }
  apiKey: { secret: true, optional: true }
  note: { optional: true }
base_url: '{url}'
auth: { basic: { username: '{username}', password: '{password}' } }
headers: { X-Api-Key: '{apiKey}', X-Note: '{note}' }
errors:
  code: /code
  message: /message
  details: { list: /errors }
  request_id: { header: x-request-id }
  success: { at: /success, absent: ok }
  in_success: [/code, /message, /errors]
  refused: REFUSED
";

pub const OPERATIONS: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /things, response: { result: list } }
  rows: { title: L, method: query, request: GET /rows, response: { result: list, items: /data } }
  maybe: { title: L, method: query, request: GET /rows, response: { result: list, items: /data, optional: true } }
  deep: { title: L, method: query, request: GET /rows, response: { result: list, items: /reply/data } }
  count: { title: C, method: query, request: GET /things/count, response: { result: count } }
  file: { title: F, method: query, request: GET /file, response: { result: file } }
  text: { title: T, method: query, request: GET /text, response: { result: text } }
  search: { title: S, method: query, request: POST /search, options: { term: { in: body } }, response: { result: list } }
  thing: { title: O, method: query, request: 'GET /things/{id}', options: { id: {} }, response: { result: object } }
  field: { title: O, method: query, request: 'GET /things/{id}/fields/{name}', options: { id: {}, name: {} }, response: { result: object } }
  filter:
    title: L
    method: query
    request: GET /things
    options: { q: {}, ids: { type: array }, each: { type: array, style: repeat }, X-Opt: { in: header } }
    response: { result: list }
  add: { title: A, method: mutate, request: POST /things, items: { send: each }, response: { result: object } }
  add-exactly: { title: A, method: mutate, request: POST /things, items: { send: each }, response: { result: object, ok: [201] } }
  keyed:
    title: A
    method: mutate
    request: POST /things
    items: { send: each }
    idempotency_key: { header: Idempotency-Key }
    response: { result: object }
  put: { title: P, method: mutate, request: 'PUT /things/{id}', options: { id: {} }, items: { send: each }, response: { result: object } }
  patch: { title: P, method: mutate, request: 'PATCH /things/{id}', options: { id: {} }, items: { send: json_patch }, response: { result: object } }
  upload: { title: U, method: mutate, request: POST /files, items: { send: multipart }, response: { result: object } }
  bulk:
    title: B
    method: mutate
    request: POST /bulk
    items: { send: all }
    response: { result: list, parts: { each: /results, ok: ok, index: index, error: /error, data: /data } }
  row_by_row:
    title: B
    method: mutate
    request: POST /bulk
    items: { send: all }
    response: { result: list, parts: { each: /results, ok: ok, error: /error, data: /data } }
  remove: { title: D, method: delete, request: 'DELETE /things/{id}', options: { id: {} }, response: { result: none } }
  link: { title: L, method: query, request: GET /p, paging: { link: { size: { query: size, default: 2 } } }, response: { result: list } }
  report: { title: R, method: query, request: GET /report, response: { result: report, columns: /columns, rows: /rows } }
  linked_on: { title: L, method: query, request: GET /p, paging: { link: { size: { query: size, default: 2 }, last: { query: page } } }, response: { result: list } }
  cursor:
    title: L
    method: query
    request: GET /p
    paging: { cursor: { token: /next, send: { query: page }, has_more: /more } }
    response: { result: list, items: /data, total: /total }
  cursor_header: { title: L, method: query, request: GET /p, paging: { cursor: { token: /next, send: { header: X-Page } } }, response: { result: list, items: /data } }
  next_url: { title: L, method: query, request: GET /p, paging: { next_url: { pointer: /next } }, response: { result: list, items: /data } }
  number: { title: L, method: query, request: GET /p, paging: { number: { page: { query: page }, size: { query: size, default: 2 } } }, response: { result: list } }
  number_pages: { title: L, method: query, request: GET /p, paging: { number: { page: { query: page }, end: { total_pages: /pages } } }, response: { result: list, items: /data } }
  offset:
    title: L
    method: query
    request: GET /p
    paging: { offset: { offset: { query: skip }, size: { query: size, default: 1000 }, total: /total } }
    response: { result: list, items: /data }
  keyset: { title: L, method: query, request: GET /p, paging: { keyset: { after: { query: after, from: /id } } }, response: { result: list } }
";

/// The fictitious system, also with statuses that are declared as refused before processing.
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::empty();
    for (name, refused) in [("acme", "[]"), ("polite", "[503]")] {
        catalog.add(name, "connector.yaml", CONNECTOR.replace("NAME", name).replace("REFUSED", refused));
        catalog.add(name, "operations.yaml", OPERATIONS);
        catalog.add(name, "forms.yaml", include_str!("forms.operations.yaml"));
    }
    catalog
}

/// A connection with the planted credentials.
pub fn spec(connector: &str, url: &str, limits: Value, values: &[(&str, &str)]) -> ConnectionSpec {
    let mut all = vec![("url", url), ("password", PASSWORD), ("apiKey", API_KEY)];
    all.extend(values);
    ConnectionSpec {
        connector: connector.into(),
        values: all.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        limits: serde_json::from_value(limits).unwrap(),
        allow_http: true,
        ..ConnectionSpec::default()
    }
}

/// The engine of the cases.
pub fn engine(system_proxy: bool) -> Engine {
    Engine::new(EngineConfig { catalog: catalog(), system_proxy, ..EngineConfig::default() })
}

/// Fails if a text discloses a planted credential or contains terminal control characters.
pub fn check_text(text: &str) -> Result<(), String> {
    check_secrets(text)?;
    match text.chars().find(|c| c.is_control() && *c != '\n') {
        Some(c) => Err(format!("the control character {c:?} came through: {text:?}")),
        None => Ok(()),
    }
}

/// Fails if a text discloses a planted credential.
pub fn check_secrets(text: &str) -> Result<(), String> {
    let leaked: Vec<&str> = TRACES.into_iter().filter(|trace| text.contains(trace)).collect();
    if leaked.is_empty() { crate::tokens::check_planted(text) } else { Err(format!("{leaked:?} leaked: {text}")) }
}

/// Fails unless each request had exactly the planted credentials.
pub fn check_signed(requests: &[Request], key: &str) -> Result<(), String> {
    let basic = format!("Basic {}", ECHO[4]);
    match requests.iter().find(|r| r.header("authorization") != [basic.as_str()] || r.header("x-api-key") != [key]) {
        Some(request) => Err(format!("not signed as it should be: {request:?}")),
        None => Ok(()),
    }
}
