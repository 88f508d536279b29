//! The batch of the month, in two shapes: an upsert with a delete, or a create that is verified with a notification.

use std::path::Path;
use std::sync::Arc;

use opnode::batch::{Batch, BatchConfig};
use opnode::{Catalog, Clock, Engine, EngineConfig, Error, Transport};

use super::clock::MovableClock;
use super::system::ACCOUNTS;
use super::wire::Wire;

pub const NAME: &str = "nightly";

const CONNECTOR: &str = "
version: 1
connector: stock
title: Stock
connection: { site: {}, token: { secret: true } }
base_url: 'https://{site}.example.com'
auth: { bearer: '{token}' }
paging: { link: { size: { query: size, default: 5 } } }
errors: { message: /message }
probe: ping
";
const OPERATIONS: &str = "
version: 1
operations:
  ping: { title: P, method: query, request: GET /ping, response: { result: object } }
  listChanges: { title: L, method: query, request: GET /rows, options: { since: {} }, response: { result: list } }
  findRecord: { title: F, method: query, request: GET /records, options: { ref: {} }, response: { result: list } }
  createRecord: { title: C, method: mutate, request: POST /records, items: { send: each }, response: { result: object } }
  updateRecord: { title: U, method: mutate, request: 'PATCH /records/{id}', options: { id: {} }, items: { send: each }, response: { result: object } }
  setStamp: { title: S, method: mutate, request: 'PUT /stamps/{ref}', options: { ref: {} }, items: { send: each }, response: { result: object } }
  deleteRecord: { title: D, method: delete, request: 'DELETE /records/{ref}', options: { ref: {} }, items: { send: each }, response: { result: none } }
  findChange: { title: G, method: query, request: GET /changes, options: { key: {} }, response: { result: list } }
  addChange: { title: A, method: mutate, request: POST /changes, items: { send: each }, response: { result: object } }
  addEvent: { title: E, method: mutate, request: POST /events, items: { send: each }, response: { result: object } }
  addSummary: { title: Y, method: mutate, request: POST /summaries, items: { send: each }, response: { result: object } }
";

const UPSERT: &str = r#"
  - id: records
    upsert:
      find: { query: findRecord, options: { ref: "${{ item.ref }}" } }
      key: ref
      create: { mutate: createRecord }
      update: { mutate: updateRecord }
    items: ${{ steps.wanted.items }}
    map: { ref: "${{ item.ref }}", version: "${{ item.version }}", name: "${{ item.name }}", at: "${{ item.at }}" }
    verify: { query: findRecord, options: { ref: "${{ item.ref }}" }, key: ref }
    on_error: ON_ERROR
  - id: stamps
    mutate: setStamp
    items: ${{ steps.wanted.items }}
    map: { ref: "${{ item.ref }}", version: "${{ item.version }}", at: "${{ item.at }}", step: stamps }
    on_error: ON_ERROR
  - id: removed
    delete: deleteRecord
    items: ${{ steps.changed.items }}
    where: ${{ item.deleted }}
    map: { ref: "${{ item.ref }}", version: "${{ item.version }}", at: "${{ item.updated }}" }
    on_error: continue
"#;
const CREATE: &str = r#"
  - id: records
    mutate: addChange
    items: ${{ steps.wanted.items }}
    map: { ref: "${{ item.ref }}", version: "${{ item.version }}", name: "${{ item.name }}", at: "${{ item.at }}", key: "${{ item.ref }}@${{ item.version }}" }
    verify: { query: findChange, options: { key: "${{ item.key }}" }, key: key }
    on_error: ON_ERROR
  - id: stamps
    mutate: setStamp
    items: ${{ steps.wanted.items }}
    map: { ref: "${{ item.ref }}", version: "${{ item.version }}", at: "${{ item.at }}", step: stamps }
    on_error: ON_ERROR
  - id: events
    mutate: addEvent
    items: ${{ steps.wanted.items }}
    map: { ref: "${{ item.ref }}", version: "${{ item.version }}", at: "${{ item.at }}", key: "${{ item.ref }}@${{ item.version }}" }
    on_error: continue
"#;

/// What varies between months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub is_upsert: bool,
    /// Rows are the same if they have the same key and time; else if they have the same content.
    pub is_by_key: bool,
    /// Whether write steps stop at the first failure.
    pub stops: bool,
    pub concurrency: u64,
}

impl Shape {
    pub fn of(seed: u64) -> Shape {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x005e_ed0f_5ba9);
        Shape {
            is_upsert: random.bool(),
            is_by_key: random.bool(),
            stops: random.u8(..3) == 0,
            concurrency: [1, 2, 5][random.usize(..3)],
        }
    }

    pub fn bits(self) -> String {
        format!("{},{},{},{}", self.is_upsert, self.is_by_key, self.stops, self.concurrency)
    }

    pub fn parse(bits: &str) -> Shape {
        let parts: Vec<&str> = bits.split(',').collect();
        let is = |at: usize| parts[at] == "true";
        Shape { is_upsert: is(0), is_by_key: is(1), stops: is(2), concurrency: parts[3].parse().unwrap() }
    }
}

/// The batch file. `edition` is a real change, `comment` is none.
pub fn text(shape: Shape, edition: u64, comment: u64) -> String {
    let key = if shape.is_by_key { ", key: /ref" } else { "" };
    // A create cannot be repeated: an unfinished run is always resumed.
    let (resume, work, last) =
        if shape.is_upsert { ("{ within: 6h }", UPSERT, "removed") } else { ("always", CREATE, "events") };
    let filter = if shape.is_upsert { "\n        - filter: ${{ not item.deleted }}" } else { "" };
    let dedupe = if shape.is_upsert { "\n        - dedupe: { by: ref, keep: last }" } else { "" };
    let connections: String = ACCOUNTS
        .iter()
        .map(|name| format!("  {name}: {{ connector: stock, site: {name}, token: 'token of {name}' }}\n"))
        .collect();
    let work = work.replace("ON_ERROR", if shape.stops { "stop" } else { "continue" });
    format!(
        r#"# Comment {comment}
version: 1
name: {NAME}
connections:
{connections}
matrix: {{ connection: [{}] }}
concurrency: {}
run: {{ resume: {resume} }}
steps:
  - id: changed
    query: listChanges
    options: {{ since: "${{{{ watermark }}}}" }}
    watermark: {{ pointer: /updated, start: "2026-01-01T00:00:00Z", lag: 10m{key} }}
  - id: wanted
    transform:
      from: ${{{{ steps.changed.items }}}}
      do:{filter}
        - map: {{ ref: "${{{{ item.ref }}}}", version: "${{{{ item.version }}}}", name: "${{{{ item.name }}}}", at: "${{{{ item.updated }}}}", edition: {edition} }}{dedupe}
{work}
finally:
  - id: summary
    mutate: addSummary
    items: [{{ status: "${{{{ steps.{last}.status }}}}" }}]
"#,
        ACCOUNTS.join(", "),
        shape.concurrency,
    )
}

/// The batch, over a wire and a clock.
///
/// # Errors
/// Faults of the file.
pub fn load(folder: &Path, text: &str, wire: &Arc<Wire>, clock: &Arc<MovableClock>) -> Result<Arc<Batch>, Error> {
    let mut catalog = Catalog::empty();
    catalog.add("stock", "connector.yaml", CONNECTOR);
    catalog.add("stock", "operations.yaml", OPERATIONS);
    let transport = Some(Arc::clone(wire) as Arc<dyn Transport>);
    let clock = Some(Arc::clone(clock) as Arc<dyn Clock>);
    let engine = Engine::new(EngineConfig { catalog, transport, clock, ..EngineConfig::default() });
    let mut config = BatchConfig::new(Arc::new(engine));
    config.resolve = Arc::new(|_, _, connection| connection.resolve(|_, _| Ok(String::new())));
    Batch::parse(&folder.join("nightly.yaml"), text, &config).map(Arc::new)
}
