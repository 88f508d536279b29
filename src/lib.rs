//! opnode calls operations of external systems: the host gives a connection, an OperationId, options and, for writes,
//! items; opnode makes the HTTP calls and returns an array of items.
//!
//! # The words
//!
//! A **connector** is one outside system. An **operation** is one thing that it can do, keyed by its OperationId; it belongs to one of the three
//! **methods** Query, Mutate and Delete. A **connection** is a set of property values and secrets for one connector. **Options** are the
//! operation's parameters. **Items** go in (for writes) and come back, always as an array. A **receipt** tells what a call did, and an **outcome** what
//! happened to one input item.
//!
//! Operations are data: built-in YAML files, which a host may extend or override through the [`Catalog`].
//!
//! # A first query
//!
//! ```no_run
//! use opnode::{CallOptions, ConnectionSpec, Engine};
//! use serde_json::json;
//!
//! # async fn example() -> opnode::Result<()> {
//! // Names are those of the catalogue: `Catalog::connector_names`, `Connector::properties`, `Catalog::operations`.
//! let engine = Engine::default();
//! let spec = ConnectionSpec {
//!     connector: "acme-desk".into(),
//!     values: [("siteUrl", "https://desk.example.com"), ("username", "robot"), ("password", "privatekey")]
//!         .map(|(name, value)| (name.to_owned(), value.to_owned()))
//!         .into(),
//!     ..ConnectionSpec::default()
//! };
//! let session = engine.connect(&spec)?;
//! let mut walk = session.query("getTickets", &json!({"conditions": "closed=false"}), &CallOptions::default())?;
//! while let Some(page) = walk.next().await {
//!     for item in page?.items.iter() {
//!         println!("{}", item.as_str());
//!     }
//! }
//! println!("{:?}", walk.receipt().stop);
//! # Ok(())
//! # }
//! ```
//!
//! Paging, authentication, retries, limits and the rate limit are handled inside. A walk fetches ahead, delivers in
//! order, always ends, and says why ([`StopReason`]).
//!
//! # Writes
//!
//! [`Session::mutate`] and [`Session::delete`] take [`Items`] and return one [`Outcome`] per item. A write is never
//! repeated while its outcome is unknown: such an item is reported as `unknown`, and the user decides.
//!
//! # Errors
//!
//! There is one [`Error`]. Its [`ErrorKind`] says who must act; its fields say what failed, where, and what to do.
//! Faults that are known before the first request are reported before it.
//!
//! # What the library never does
//!
//! It never prints, reads the environment (except for the proxies, if requested, and for `SSL_CERT_FILE` and
//! `SSL_CERT_DIR`, which name the system's authorities), installs anything global, or sends a credential to another
//! origin than the connection's own. It runs inside the caller's tokio runtime.

#![cfg_attr(not(test), warn(clippy::too_many_lines))]
#![warn(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authoring;
pub mod connection;
pub mod connections;
pub mod definition;
pub mod error;

mod auth;
mod body;
pub mod call;
#[cfg(feature = "batch")]
mod claim;
mod clock;
pub mod describe;
mod digits;
mod durable;
mod engine;
#[cfg(feature = "batch")]
mod expression;
mod fault;
pub mod formats;
mod item;
mod json_error;
mod json_pointer;
mod json_text;
mod lock;
mod options;
#[cfg(feature = "batch")]
mod output;
mod page;
mod paging;
mod private_file;
mod receipt;
mod reply;
mod request;
mod retry;
#[cfg(feature = "batch")]
mod run_store;
mod secret;
mod send;
#[cfg(feature = "batch")]
mod sink;
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
pub use receipt::{Outcome, OutcomeCounts, OutcomeStatus, Receipt, StopReason, Usage};
pub use reply::{Body, Response};
pub use request::{Cursor, PlannedRequest};
pub use secret::{Redactor, Secret};
pub use send::{Budgets, Cancel, Gate};
#[cfg(feature = "batch")]
pub use sink::{Sink, Stdout};
pub use transport::{ExchangeLimits, Failure, FailureKind, HttpOptions, HttpTransport, Transport};
pub use walk::{Reply, Walk};
pub use wipe::Wiping;
pub use write::{WriteReply, Writes, check_items};

#[cfg(feature = "wipe")]
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;
