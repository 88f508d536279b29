//! The command `check`: faults of definitions, connections and batch files.

mod connections;
mod files;
pub(crate) mod run;
