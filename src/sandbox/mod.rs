//! The sandbox: a server on this machine that plays the connectors from their own definitions and their `sandbox.yaml`. Knows no vendor.
//!
//! A request goes from `server` (sockets) over `router` (whose it is, faults, log) to `play` (what it asks of one connector), which uses
//! `route`, `guard`, `options` and `input` to read it, `table` and `collection` for the records, and `paging`, `envelope`, `parts` and
//! `refusal` for the words of the answer. Tokens are had at the `authorization server`, which keeps them in `tokens`.

mod auth_server;
mod call;
mod collection;
mod compare;
mod envelope;
mod faults;
mod fields;
mod filter;
mod guard;
mod index;
mod input;
mod log;
mod matching;
mod mock_connector;
mod options;
mod paging;
mod parts;
mod play;
mod ready;
mod refusal;
mod reply;
mod route;
mod router;
mod server;
mod socket;
mod table;
mod terms;
mod tokens;
mod tree;

pub use faults::{FaultKind, Faults};
pub use server::{Sandbox, SandboxOptions};
