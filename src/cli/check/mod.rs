//! The command `check`: faults of definitions, connections and batch files.

mod connections;
mod files;
mod migrate;
pub(crate) mod run;

pub(crate) use files::{batch_files, classify};
