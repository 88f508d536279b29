//! The commands for batch files: `run`, `runs` and `init`.

mod beginning;
pub(crate) mod init;
mod plan;
mod progress;
pub(crate) mod run;
pub(crate) mod runs;
mod sandbox_connections;

pub(super) use sandbox_connections::sandbox_connections;
