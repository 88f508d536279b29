//! The sandbox: a server on this machine that plays the connectors from their own definitions and their `sandbox.yaml`. Knows no vendor.
//!
//! A request goes from `server` (sockets) over `stage` (whose it is, faults, log) to `play` (what it asks of one connector), which uses
//! `route`, `guard`, `options` and `input` to read it, `shelf` and `collection` for the records, and `paging`, `envelope`, `parts` and
//! `refusal` for the words of the answer. Tokens are had at the `desk`, which keeps them in `tokens`.

mod call;
mod collection;
mod compare;
mod desk;
mod envelope;
mod faults;
mod fields;
mod filter;
mod guard;
mod index;
mod input;
mod log;
mod matching;
mod options;
mod paging;
mod parts;
mod play;
mod player;
mod ready;
mod refusal;
mod reply;
mod route;
mod server;
mod shelf;
mod socket;
mod stage;
mod terms;
mod tokens;
mod tree;

pub use faults::{FaultKind, Faults};
pub use server::{Sandbox, SandboxOptions};
