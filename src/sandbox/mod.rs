//! The sandbox: a server on this machine that plays the connectors from their own definitions and their `sandbox.yaml`. Knows no vendor.
//!
//! A request goes from `serve` (sockets; whose it is; faults; log) to `answer`, which reads it, looks into the `records` and finds the words of the reply.
//! `auth` compares its credentials and hands out tokens; `filter` reads conditions; `http` has requests and replies as values.

mod answer;
mod auth;
mod filter;
mod http;
mod mock_connector;
mod ready;
mod records;
mod serve;

pub use serve::{FaultKind, Faults, Sandbox, SandboxOptions};
