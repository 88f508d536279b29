//! The commands for batch files: `run`, `runs` and `init`.

mod beginning;
pub(crate) mod given;
pub(crate) mod init;
mod junit;
mod plan;
mod progress;
pub(crate) mod run;
mod run_status;
pub(crate) mod runs;
pub(crate) mod sandbox_connections;
mod show;
mod timeline;

pub(crate) use beginning::age_text;
pub(super) use sandbox_connections::sandbox_connections;
