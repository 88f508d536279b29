//! Batch files: steps over any connector that keep what they did on disk and go on where they stopped.

mod check;
mod disk;
mod expr;
mod folder;
mod journal;
mod load;
mod model;
mod names;
mod run_values;
mod save;
mod scope;
mod spool;
mod state;

pub use folder::RunInfo;
pub use load::{BatchConfig, Env, Resolve};
pub use model::Batch;
