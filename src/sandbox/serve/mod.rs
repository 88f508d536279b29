//! The server: sockets, choice of the connector, injected faults, and the log.

mod faults;
mod in_process;
mod index;
mod log;
mod router;
mod server;
mod socket;

pub use faults::{FaultKind, Faults};
pub use in_process::{InProcessSandbox, SandboxData};
pub use server::{Sandbox, SandboxOptions};
