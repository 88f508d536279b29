//! The server: sockets, whose request it is, faults that are asked for, and the log.

mod faults;
mod index;
mod log;
mod router;
mod server;
mod socket;

pub use faults::{FaultKind, Faults};
pub use server::{Sandbox, SandboxOptions};
