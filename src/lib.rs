//! opnode calls operations of external systems: the host gives a connection, an OperationId, options and, for writes,
//! items; opnode makes the HTTP calls and returns an array of items.
//!
//! Paging, authentication, retries, limits and the rate limit are handled inside. Operations are data: built-in YAML
//! files, which a host can extend or override through the [`Catalog`].
//!
//! # Terms
//!
//! A **connector** is one external system. An **operation** is one thing that it can do, keyed by its OperationId; it
//! belongs to one of the three [methods](Method) Query, Mutate and Delete. A **connection** is a set of property values
//! and secrets for one connector. **Options** are the operation's parameters. **Items** go in (for writes) and come
//! back, always as an array. A **receipt** is the summary of a call, and an **outcome** the result for one input item.
//!
//! # A first query
//!
//! The [sandbox] is a mock server on this machine that simulates connectors, so the example needs no account.
//! `examples/definitions` has a made-up help desk; [`Engine::default`] has the built-in connectors only.
//!
//! ```
//! use std::path::Path;
//!
//! use opnode::sandbox::{Sandbox, SandboxOptions};
//! use opnode::{CallOptions, Catalog, Engine, EngineConfig, StopReason};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> opnode::Result<()> {
//! let mut catalog = Catalog::builtin();
//! catalog.add_folder(Path::new("examples/definitions"))?;
//! let engine = Engine::new(EngineConfig::new(catalog));
//! let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
//!
//! let session = engine.connect(&sandbox.connection("acme-desk")?)?;
//! let mut walk = session.query("getTickets", &json!({"conditions": "closed=false"}), &CallOptions::default())?;
//! while let Some(page) = walk.next().await {
//!     for item in page?.items.iter() {
//!         println!("{}", item.as_str()); // {"id":1,"summary":"Ticket 1","priority":"low","closed":false}
//!     }
//! }
//! let receipt = walk.receipt();
//! assert_eq!((receipt.items, receipt.pages), (13, 2));
//! assert!(receipt.complete && receipt.stop == Some(StopReason::NoNext));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Walk`] fetches ahead, delivers pages in order, always ends, and says why ([`StopReason`]). [`Walk::collect`]
//! reads all pages into one array. Dropping a walk stops it.
//!
//! A real system differs in the connection only:
//!
//! ```no_run
//! use opnode::{ConnectionSpec, Engine};
//!
//! # fn example(engine: &Engine, password: String) -> opnode::Result<()> {
//! let spec = ConnectionSpec {
//!     connector: "acme-desk".into(),
//!     values: [("siteUrl", "https://desk.example.com".to_owned()), ("username", "robot".into()), ("password", password)]
//!         .map(|(name, value)| (name.to_owned(), value))
//!         .into(),
//!     ..ConnectionSpec::default()
//! };
//! let session = engine.connect(&spec)?;
//! # Ok(())
//! # }
//! ```
//!
//! The names are those of the catalogue: [`Catalog::connector_names`], [`definition::Connector::properties`],
//! [`Catalog::operations`]. Connections can also be read from a file, with secrets from variables, files or the system
//! keyring: [`connections`].
//!
//! # A write and its outcomes
//!
//! [`Session::mutate`] and [`Session::delete`] take [`Items`] and return one [`Outcome`] per item, in input order. A
//! failed item is an outcome and not an error; [`WriteReply::check`] makes one error of them all.
//!
//! ```
//! # use opnode::sandbox::{Sandbox, SandboxOptions};
//! # use opnode::{Catalog, Engine, EngineConfig};
//! use opnode::{CallOptions, ErrorKind, Items, Options, OutcomeStatus};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> opnode::Result<()> {
//! # let mut catalog = Catalog::empty();
//! # catalog.add_folder("examples/definitions".as_ref())?;
//! # let engine = Engine::new(EngineConfig::new(catalog));
//! # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
//! # let session = engine.connect(&sandbox.connection("acme-desk")?)?;
//! // The help desk has a ticket with the second summary already.
//! let items = Items::from_array(r#"[{"summary": "Printer is offline"}, {"summary": "Ticket 1"}]"#)?;
//! let writes = session.mutate("createTicket", Options::default(), Some(items), &CallOptions::default())?;
//! let reply = writes.collect().await;
//!
//! let statuses: Vec<OutcomeStatus> = reply.outcomes.iter().map(|outcome| outcome.status).collect();
//! assert_eq!(statuses, [OutcomeStatus::Ok, OutcomeStatus::Failed]);
//! assert_eq!(reply.outcomes[1].error.as_ref().map(|error| error.kind()), Some(ErrorKind::Conflict));
//! assert_eq!(reply.items.len(), 1); // the created record, as the system returned it
//! assert_eq!(reply.check().unwrap_err().kind(), ErrorKind::Partial);
//! # Ok(())
//! # }
//! ```
//!
//! A write is never repeated while its outcome is unknown: such an item is reported as
//! [`Unknown`](OutcomeStatus::Unknown), and the user decides. [`CallOptions::key`] names a call whose idempotency keys
//! stay the same when it is repeated.
//!
//! # A call as a value
//!
//! A [`Request`] is a call as plain data: it can be stored, compared and read from JSON. [`Session::call`] starts it,
//! [`Session::plan`] returns the HTTP requests that it would send, with credentials masked.
//!
//! # Errors
//!
//! There is one [`Error`]. Its [`ErrorKind`] says who must act; its [fields](error::Details) say what failed, where,
//! and what to do. Faults that are known before the first request are returned by the function that starts the call.
//!
//! | Who acts | Kinds |
//! |---|---|
//! | the program that calls | `usage`, `unknown_operation`, `invalid_options`, `invalid_items`, `cancelled` |
//! | the author of the definitions | `definition`, `unsupported`, `bad_response`, `no_progress` |
//! | the owner of the connection | `connection`, `unauthenticated`, `forbidden`, `origin` |
//! | the owner of the data | `not_found`, `conflict`, `rejected`, `partial`, `unknown_outcome` |
//! | the operator | `limit`, `rate_limited`, `unavailable`, `network`, `timeout`, `state` |
//! | the authors of opnode | `internal` |
//!
//! ```
//! # use opnode::sandbox::{Sandbox, SandboxOptions};
//! # use opnode::{Catalog, Engine, EngineConfig};
//! use opnode::{CallOptions, ErrorKind, Options};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> opnode::Result<()> {
//! # let mut catalog = Catalog::empty();
//! # catalog.add_folder("examples/definitions".as_ref())?;
//! # let engine = Engine::new(EngineConfig::new(catalog));
//! # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
//! # let session = engine.connect(&sandbox.connection("acme-desk")?)?;
//! let with = CallOptions::default();
//! // Known before the first request.
//! let error = session.query("getTicket", &json!({"id": "one"}), &with).err().unwrap();
//! assert_eq!(error.kind(), ErrorKind::InvalidOptions);
//! assert_eq!(error.place.as_ref().and_then(|place| place.field.as_deref()), Some("/id"));
//! assert_eq!(error.attempts, 0);
//!
//! // The system's answer.
//! let error = session.query("getTicket", &json!({"id": 404}), &with)?.collect().await.unwrap_err();
//! assert_eq!((error.kind(), error.http_status), (ErrorKind::NotFound, Some(404)));
//! assert_eq!(error.provider.code.as_deref(), Some("NotFound"));
//! # Ok(())
//! # }
//! ```
//!
//! # Limits and units
//!
//! A connection has [`Limits`] with defaults: 8 requests in flight, 3 attempts per request, 120 s per request, 10000
//! pages per walk, 64 MiB per reply. A call has its own: [`CallOptions::items_max`] and [`CallOptions::timeout`].
//!
//! Names give the unit. A field that ends in `_s` is in seconds, one in `_ms` in milliseconds; sizes are in bytes and
//! those of replies are decompressed; other times are [`Duration`](std::time::Duration)s. Pages count from 1, items
//! from 0, lines and columns of files from 1. Fields are named by JSON Pointers (RFC 6901).
//!
//! All connections of a process to one account share rate, requests in flight and retries: [`Budgets`].
//!
//! # Cancelling
//!
//! ```
//! # use opnode::sandbox::{Sandbox, SandboxOptions};
//! # use opnode::{Catalog, Engine, EngineConfig};
//! use std::time::Duration;
//!
//! use opnode::{CallOptions, ErrorKind, Options};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> opnode::Result<()> {
//! # let mut catalog = Catalog::empty();
//! # catalog.add_folder("examples/definitions".as_ref())?;
//! # let engine = Engine::new(EngineConfig::new(catalog));
//! # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
//! # let session = engine.connect(&sandbox.connection("acme-desk")?)?;
//! let with = CallOptions { timeout: Some(Duration::from_secs(30)), ..CallOptions::default() };
//! let mut walk = session.query("getTickets", Options::default(), &with)?;
//! assert_eq!(walk.next().await.unwrap()?.number, 1);
//!
//! with.cancel.clone().cancel(); // from any thread or task
//! assert_eq!(walk.next().await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
//! assert!(walk.next().await.is_none());
//! # Ok(())
//! # }
//! ```
//!
//! A cancelled write sends no further item: an item in flight may be `unknown`, the rest is `skipped`. A cancelled
//! walk can be resumed, in another process too: [`Walk::resume`], [`Resume`].
//!
//! # Batches
//!
//! A [`Batch`](batch::Batch) is a file with steps over any connector: queries, writes, filters, saved tables. Its state
//! is on disk: a run that was interrupted resumes, and sends no item again whose outcome is known. See [`batch`] for an
//! example.
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `cli` | yes | the command line; includes `batch`, `sandbox`, `schemas` and `write` |
//! | `ffi` | yes | the C interface of `include/opnode.h` |
//! | `tls-ring` | yes | https |
//! | `batch` | with `cli` | [`batch`]: batch files and their runs |
//! | `sandbox` | with `cli` | [`sandbox`]: the mock server |
//! | `schemas` | with `cli` | [`formats::generate_schema`]: JSON Schemas of the file formats |
//! | `write` | with `cli` | [`formats::to_yaml`]: definition files as YAML text |
//! | `keyring` | no | secrets and tokens in the system keyring |
//! | `otel` | no | OpenTelemetry: export by the command line, `traceparent` on requests, metrics |
//! | `xlsx` | no | rows of Excel sheets |
//! | `wipe` | no | [`Wiping`] as the allocator of the whole program |
//! | `full` | no | all but `wipe` |
//!
//! A program that embeds the library needs `default-features = false, features = ["tls-ring"]`, and more as it uses it.
//!
//! # What the library never does
//!
//! It never prints, reads the environment (except for the proxies, if requested, and for `SSL_CERT_FILE` and
//! `SSL_CERT_DIR`, which name the system's authorities), installs anything global, or sends a credential to another
//! origin than the connection's own. It runs inside the caller's tokio runtime.
//!
//! # Where to read on
//!
//! - [`Session`]: the calls; [`CallOptions`] and [`Request`]: how to call; [`Receipt`] and [`Outcome`]: the results.
//! - [`Catalog`]: own definitions; [`describe`]: definitions as JSON, for forms and listings.
//! - [`TokenStore`], [`Clock`], [`Transport`], [`Gate`]: traits that a host can implement.
//! - [`telemetry`]: the spans that it opens. `docs/telemetry.md`: OpenTelemetry.
//! - `docs/embedding.md`: the C interface. `docs/batch.md`: batch files. `docs/reliability.md`: every fault, and what
//!   opnode does about it. `docs/performance.md`: time and memory.

#![cfg_attr(not(test), warn(clippy::too_many_lines))]
#![warn(missing_docs, clippy::missing_errors_doc, clippy::missing_panics_doc)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authoring;
pub mod connection;
pub mod connections;
pub mod definition;
pub mod error;

mod auth;
mod body;
pub mod call;
mod claim;
mod clock;
pub mod describe;
mod digits;
#[cfg(feature = "cli")]
mod draft;
mod durable;
mod engine;
#[cfg(feature = "cli")]
mod exchanges;
#[cfg(feature = "batch")]
mod expression;
mod fault;
pub mod formats;
#[cfg(feature = "cli")]
mod import;
mod item;
mod job;
mod json_error;
mod json_pointer;
mod json_text;
mod lock;
mod options;
#[cfg(feature = "batch")]
mod output;
mod page;
mod paging;
mod part_file;
mod private_file;
#[cfg(feature = "batch")]
mod real_path;
mod receipt;
mod reply;
mod request;
mod retry;
#[cfg(feature = "batch")]
mod row_file;
#[cfg(feature = "batch")]
mod row_work;
#[cfg(feature = "batch")]
mod run_store;
mod secret;
mod send;
#[cfg(feature = "batch")]
mod sink;
mod step_tag;
#[cfg(feature = "batch")]
#[cfg_attr(
    not(any(feature = "adbc", feature = "postgres", feature = "sqlite")),
    expect(dead_code, reason = "only databases need it")
)]
mod table;
#[cfg(feature = "batch")]
mod table_file;
pub mod telemetry;
mod text_file;
mod transport;
mod walk;
mod wipe;
mod write;

#[cfg(feature = "batch")]
pub mod batch;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "ffi")]
mod ffi;
#[cfg(all(feature = "batch", feature = "ffi", any(test, feature = "fuzzing")))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "sandbox")]
pub mod sandbox;

#[cfg(feature = "keyring")]
pub use auth::KeyringStore;
pub use auth::{DevicePoll, DevicePrompt};
pub use auth::{EarlierTokens, FileStore, MemoryStore, TokenOwner, TokenSlot, TokenStore, Tokens, wait_for_renewals};
pub use call::{CallOptions, Request, Resume};
pub use clock::{Clock, SystemClock};
pub use connection::{ConnectionSpec, Limits};
pub use definition::{Catalog, Method};
pub use engine::{Engine, EngineConfig, Running, Session};
pub use error::{Error, ErrorKind, Result};
pub use item::{Item, Items};
pub use options::Options;
pub use page::Page;
pub use part_file::FileTarget;
pub use receipt::{Kept, Outcome, OutcomeCounts, OutcomeStatus, Receipt, StopReason, Usage};
pub use reply::{Body, Response};
pub use request::{Cursor, PlannedRequest};
pub use secret::{Redactor, Secret};
pub use send::{Budgets, Cancel, Gate, JobHandle, JobState};
#[cfg(feature = "batch")]
pub use sink::{Sink, Stdout};
pub use transport::{ExchangeLimits, Failure, FailureKind, HttpOptions, HttpTransport, Transport};
pub use walk::{Reply, Walk};
pub use wipe::Wiping;
pub use write::{WriteReply, Writes, check_items};

#[cfg(feature = "wipe")]
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;
