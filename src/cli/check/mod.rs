//! The command `check`: faults of definitions, connections and batch files.

mod connections;
mod files;
mod migrate;
pub(crate) mod run;

#[cfg(feature = "studio")]
pub(crate) use files::{batch_config, check_text};
pub(crate) use files::{batch_files, classify};
