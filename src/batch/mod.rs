//! Batch files: steps over any connector that keep what they did on disk and go on where they stopped.

mod budget;
mod call;
mod check;
mod context;
mod disk;
mod element;
mod event;
mod expr;
mod extent;
mod failures;
mod file;
mod filters;
mod folder;
#[cfg(all(feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) mod fuzzing;
mod held;
mod info;
mod item_source;
mod journal;
mod kept;
mod lexer;
mod literal;
mod load;
mod model;
mod names;
mod plan;
mod read;
mod record;
mod row_fields;
mod rows;
mod run;
mod run_values;
mod runs;
mod save;
mod scope;
mod send;
mod spool;
mod state;
mod tail;
mod targets;
mod watermark;

pub use event::{Event, Report, StepCounts, StepName, StepReport, StepStatus};
#[cfg(feature = "schemas")]
pub(crate) use file::BatchFile;
pub use info::RunInfo;
pub use load::{BatchConfig, Env, Resolve};
pub use model::Batch;
pub use plan::{BatchPlan, StepPlan};
pub use run::{Run, RunOptions};
pub use runs::{RunStatus, RunSummary, runs};
