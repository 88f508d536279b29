//! The sandbox: a local server that simulates connectors from their definitions and their `sandbox.yaml`. It names no
//! vendor.
//!
//! A request goes from `serve` (sockets, choice of connector, faults, log) to `answer`, which reads it, uses the
//! `records` and builds the reply. `auth` checks credentials and issues tokens, `filter` parses conditions, `http` has
//! requests and replies as values.

mod answer;
mod auth;
mod collections;
mod filter;
mod http;
mod mock_connector;
mod ready;
mod records;
mod roles;
mod routes;
mod serve;

pub use serve::{FaultKind, Faults, InProcessSandbox, Sandbox, SandboxData, SandboxOptions};
