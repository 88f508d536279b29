//! Fictitious connectors that together use every paging, authentication and result that definitions can declare.

use std::sync::Arc;

use opnode::sandbox::{Faults, Sandbox, SandboxOptions};
use opnode::{Catalog, Clock, Engine, EngineConfig, Session};

pub const ACME: &str = r#"
version: 1
connector: acme
title: Acme
connection:
  site: { type: string, format: origin }
  user: { type: string }
  secret: { type: string, secret: true }
base_url: "{site}/api/v1"
auth: { basic: { username: "{user}", password: "{secret}" } }
headers: { Accept: application/json }
paging: { link: { size: { query: pageSize, default: 50, max: 100 }, last: { query: page } } }
forward_only: { header: { x-paging: forward }, after: { query: afterId, from: /id }, unless: [sortBy] }
errors:
  code: /code
  message: /message
  details: { list: /errors }
  request_id: { header: x-request-id }
probe: getInfo
option_sets:
  list:
    where: { type: string }
    whereAny: { type: string }
    sortBy: { type: string }
    pick: { type: array, items: { type: string } }
"#;

pub const ACME_THINGS: &str = r#"
version: 1
records:
  Thing:
    schema:
      type: object
      properties:
        id: { type: integer }
        name: { type: string, maxLength: 20 }
        size: { type: number }
        active: { type: boolean }
        kind: { type: [string, "null"] }
        owner: { type: object, properties: { id: { type: integer }, name: { type: string } } }
        tags: { type: array, items: { type: object, properties: { value: { type: string } } } }
        _info: { type: object }
    sample:
      name: Thing
      id: 1
      size: 1.50
      active: true
      kind: big
      owner: { id: 7, name: Seven }
      tags: [{ value: red }, { value: blue }]
      _info: { lastUpdated: "2025-01-01T00:00:00Z" }
  Note:
    schema: { type: object, properties: { id: { type: string }, thingId: { type: integer }, text: { type: string } } }
    sample: { id: n1, thingId: 1, text: Hello }
operations:
  getThings:
    title: List
    method: query
    request: GET /things
    use: [list]
    options: { kind: { type: string }, active: { type: boolean } }
    response: { result: list, record: Thing }
  getThing:
    title: One
    method: query
    request: GET /things/{id}
    options: { id: { type: integer, minimum: 1 }, pick: { type: array, items: { type: string } } }
    response: { result: object, record: Thing }
  countThings:
    title: Count
    method: query
    request: GET /things/count
    options: { where: { type: string } }
    response: { result: count }
  searchThings:
    title: Search
    method: query
    request: POST /things/search
    options: { where: { type: string, in: body }, sortBy: { type: string, in: body } }
    response: { result: list, record: Thing }
  createThing:
    title: Create
    method: mutate
    request: POST /things
    items: { send: each, record: Thing, schema: { required: [name] } }
    response: { result: object, record: Thing, ok: [201] }
  replaceThing:
    title: Replace
    method: mutate
    request: PUT /things/{id}
    options: { id: { type: integer } }
    items: { send: each, record: Thing }
    response: { result: object, record: Thing }
  patchThing:
    title: Patch
    method: mutate
    request: PATCH /things/{id}
    options: { id: { type: integer } }
    items: { send: json_patch, record: Thing }
    response: { result: object, record: Thing }
  mergeThing:
    title: Merge
    method: mutate
    request: POST /things/{id}
    options: { id: { type: integer } }
    items: { send: each, record: Thing }
    response: { result: object, record: Thing }
  deleteThing:
    title: Delete
    method: delete
    request: DELETE /things/{id}
    options: { id: { type: integer } }
    response: { result: none }
  getUnwalkable:
    title: Hidden fields, no forward-only walk
    method: query
    request: GET /unwalkable
    options: { kind: { type: string } }
    required: [kind]
    forward_only: false
    response: { result: list, record: Thing }
  getNotes:
    title: Notes
    method: query
    request: GET /things/{parentId}/notes
    options: { parentId: { type: integer } }
    response: { result: list, record: Note }
  createNote:
    title: New note
    method: mutate
    request: POST /things/{parentId}/notes
    options: { parentId: { type: integer } }
    items: { send: each, schema: { type: object } }
    response: { result: object, record: Note }
  getNote:
    title: Note
    method: query
    request: GET /things/{parentId}/notes/{noteId}
    options: { parentId: { type: integer }, noteId: { type: string } }
    response: { result: object, record: Note }
"#;

/// Operations without a collection, with replies by shape.
pub const ACME_SHAPES: &str = r#"
version: 1
operations:
  getInfo: { title: Info, method: query, request: GET /info, response: { result: object } }
  ping: { title: Ping, method: query, request: GET /ping, anonymous: true, response: { result: object, record: Thing } }
  listLoose: { title: Loose, method: query, request: GET /loose, response: { result: list, record: Thing } }
  getFile: { title: File, method: query, request: GET /file, response: { result: file } }
  getText: { title: Text, method: query, request: GET /text, response: { result: text } }
  getReport:
    title: Report
    method: query
    request: GET /report
    response: { result: report, record: Thing, columns: /columns, rows: /rows }
  runNothing: { title: Nothing, method: mutate, request: POST /nothing, response: { result: none } }
  writeBulk:
    title: Bulk
    method: mutate
    request: POST /things/bulk
    items: { send: all, record: Thing }
    response: { result: list, parts: { each: /payload, ok: success, index: originalIndex, data: /data } }
  upload:
    title: Upload
    method: mutate
    request: POST /documents
    items: { send: multipart, schema: { type: object } }
    response: { result: object, record: Thing }
  wrapped:
    title: Wrapped
    method: mutate
    request: POST /wrapped
    items: { send: each, wrap: /data, schema: { type: object } }
    response: { result: object, record: Thing }
  versioned:
    title: Versioned
    method: query
    request: GET /versioned
    headers: { Content-Type: "application/json;version=3.0" }
    response: { result: object, record: Thing }
"#;

pub const ACME_SANDBOX: &str = r#"
version: 1
connection: { user: someone, secret: "pass:word" }
limits: { page_size: 7 }
page_size_default: 25
headers: { Content-Type: application/vnd.acme+json }
filter_language: { option: where, children: whereAny }
sort: { option: sortBy }
fields: { option: pick }
collections:
  things:
    path: /things
    key: id
    record: Thing
    count: 60
    vary: { name: "thing{n}", active: [true, false], kind: [big, small, tiny], /owner/id: [7, 8] }
    required: [name]
    unique: [name]
    filter: [kind, active]
    server_fields: [_info]
  unwalkable: { path: /unwalkable, key: id, record: Thing, count: 5, vary: { kind: [big, small] }, filter: [kind], hidden: [id, kind] }
  notes:
    path: /things/{thingId}/notes
    key: id
    record: Note
    count: 2
    vary: { id: "n{thingId}-{n}", text: "Note {n} of {thingId}" }
replies:
  getInfo: { body: { z: 1, a: 2 }, headers: { x-info: "yes" } }
errors:
  unauthorized: { status: 401, body: { code: Denied, message: "{message}", errors: null } }
  not_found: { status: 404, body: { code: Gone, message: "{message}", errors: null } }
  invalid: { status: 400, body: { code: Bad, message: "{message}", errors: [{ code: "{code}", message: "{message}", field: "{field}" }] } }
  conditions: { status: 400, body: { code: BadFilter, message: "{message}", errors: null } }
  rate_limited: { status: 429, headers: { Retry-After: "2" }, body: { error: Slow down } }
"#;

/// Every paging style except links, with rows in an envelope, a success flag and a bearer token, at the root of its
/// host.
pub const BOLT: &str = r#"
version: 1
connector: bolt
title: Bolt
connection:
  address: { type: string, format: uri }
  token: { type: string, secret: true }
base_url: "{address}"
auth: { bearer: { token: "{token}" } }
errors: { message: /message, success: { at: /successful, absent: ok } }
"#;

pub const BOLT_LISTS: &str = r#"
version: 1
records:
  Row: { schema: { type: object, properties: { id: { type: integer } } }, sample: { id: 1, name: Row } }
operations:
  byTotalPages:
    title: Total pages
    method: query
    request: GET /by-total-pages
    paging: { number: { page: { query: page }, size: { query: rpp, default: 10 }, end: { total_pages: /pager/totalPages }, total: /pager/totalRows } }
    response: { result: list, items: /data, record: Row }
  byNextPage:
    title: Next page
    method: query
    request: GET /by-next-page
    paging: { number: { page: { query: page, start: 0 }, size: { query: rpp, default: 10 }, end: { next_page: /meta/nextPage } } }
    response: { result: list, items: /data/rows, record: Row }
  byMore:
    title: Has more
    method: query
    request: GET /by-more
    paging: { number: { page: { query: page }, size: { query: rpp, default: 10 }, end: { has_more: { header: x-more } } } }
    response: { result: list, record: Row }
  byRows:
    title: Until empty
    method: query
    request: GET /by-rows
    paging: { number: { page: { query: page }, size: { query: rpp, default: 10 } } }
    response: { result: list, record: Row }
  byOffset:
    title: Offset
    method: query
    request: GET /by-offset
    options: { sort: { type: string } }
    paging: { offset: { offset: { query: skip }, size: { query: limit, default: 10, max: 10 }, total: /totalCount, with: { sort: _id } } }
    response: { result: list, items: /results, record: Row }
  byOffsetHeader:
    title: Offset with the total in a header
    method: query
    request: GET /by-offset-header
    paging: { offset: { offset: { query: skip }, size: { query: limit, default: 10 }, total: { header: x-total-count } } }
    response: { result: list, record: Row }
  byCursor:
    title: Cursor
    method: query
    request: GET /by-cursor
    paging: { cursor: { token: /next, send: { query: cursor }, size: { query: limit, default: 10 }, has_more: /more } }
    response: { result: list, items: /data, total: /total, record: Row }
  byHeaderCursor:
    title: Cursor in headers
    method: query
    request: GET /by-header-cursor
    paging: { cursor: { token: { header: x-after }, send: { header: x-search-after } } }
    response: { result: list, record: Row }
  byNextUrl:
    title: Next address
    method: query
    request: GET /by-next-url
    paging: { next_url: { pointer: /links/next, size: { query: limit, default: 10 } } }
    response: { result: list, items: /data, record: Row }
  byKey:
    title: Key
    method: query
    request: GET /by-key
    paging: { keyset: { after: { query: after, from: /id }, size: { query: limit, default: 10 } } }
    response: { result: list, record: Row }
  unpaged: { title: All, method: query, request: GET /unpaged, response: { result: list, items: /data, record: Row } }
"#;

pub const BOLT_SANDBOX: &str = r#"
version: 1
connection: { token: letmein }
page_size_default: 9
collections:
  c1: { path: /by-total-pages, key: id, record: Row, count: 35 }
  c2: { path: /by-next-page, key: id, record: Row, count: 35 }
  c3: { path: /by-more, key: id, record: Row, count: 35 }
  c4: { path: /by-rows, key: id, record: Row, count: 35 }
  c5: { path: /by-offset, key: id, record: Row, count: 35 }
  c6: { path: /by-offset-header, key: id, record: Row, count: 35 }
  c7: { path: /by-cursor, key: id, record: Row, count: 35 }
  c8: { path: /by-header-cursor, key: id, record: Row, count: 35 }
  c9: { path: /by-next-url, key: id, record: Row, count: 35 }
  c10: { path: /by-key, key: id, record: Row, count: 35 }
  c11: { path: /unpaged, key: id, record: Row, count: 35 }
"#;

/// Also at the root of its host, distinguished by its key.
pub const GEAR: &str = r#"
version: 1
connector: gear
title: Gear
connection:
  address: { type: string, format: uri }
  key: { type: string, secret: true }
base_url: "{address}"
auth: { api_key: { header: x-api-key, value: "{key}" } }
"#;

pub const GEAR_LISTS: &str = r#"
version: 1
operations:
  unpaged: { title: All, method: query, request: GET /unpaged, response: { result: list } }
"#;

/// A fixed address that no property changes.
pub const FIXED: &str = r#"
version: 1
connector: fixed
title: Fixed
connection: { token: { type: string, secret: true } }
base_url: https://api.example.com
auth: { bearer: { token: "{token}" } }
"#;

pub fn catalog() -> Catalog {
    let mut catalog = Catalog::empty();
    for (connector, file, text) in [
        ("acme", "connector.yaml", ACME),
        ("acme", "things.yaml", ACME_THINGS),
        ("acme", "shapes.yaml", ACME_SHAPES),
        ("acme", "sandbox.yaml", ACME_SANDBOX),
        ("bolt", "connector.yaml", BOLT),
        ("bolt", "lists.yaml", BOLT_LISTS),
        ("bolt", "sandbox.yaml", BOLT_SANDBOX),
        ("gear", "connector.yaml", GEAR),
        ("gear", "lists.yaml", GEAR_LISTS),
        (
            "gear",
            "sandbox.yaml",
            "version: 1\nconnection: { key: open }\nreplies: { unpaged: { body: [{ gear: 1 }] } }\n",
        ),
        ("fixed", "connector.yaml", FIXED),
        ("fixed", "lists.yaml", GEAR_LISTS),
        (
            "fixed",
            "sandbox.yaml",
            "version: 1\nconnection: { token: x }\nreplies: { unpaged: { body: [{ fixed: 1 }] } }\n",
        ),
    ] {
        catalog.add(connector, file, text);
    }
    catalog
}

/// The system clock, but waits take no time.
#[derive(Default)]
pub struct NoWaits(opnode::SystemClock);

#[async_trait::async_trait]
impl Clock for NoWaits {
    fn now(&self) -> std::time::Duration {
        self.0.now()
    }
    fn wall(&self) -> std::time::SystemTime {
        self.0.wall()
    }
    fn chance(&self) -> f64 {
        0.5
    }
    async fn sleep(&self, _: std::time::Duration) {}
}

pub async fn start(faults: Faults) -> (Sandbox, Engine) {
    start_with(catalog(), faults).await
}

pub async fn start_with(catalog: Catalog, faults: Faults) -> (Sandbox, Engine) {
    let clock: Option<Arc<dyn Clock>> = Some(Arc::new(NoWaits::default()));
    let engine = Engine::new(EngineConfig { catalog, clock, ..EngineConfig::default() });
    let sandbox = Sandbox::start(Arc::clone(engine.catalog()), SandboxOptions { port: 0, faults }).await.unwrap();
    (sandbox, engine)
}

pub fn connect(sandbox: &Sandbox, engine: &Engine, connector: &str) -> Session {
    engine.connect(&sandbox.connection(connector).unwrap()).unwrap()
}
