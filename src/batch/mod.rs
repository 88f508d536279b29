//! Batch files: steps over any connector, with their state on disk; interrupted runs resume.

mod bad_items;
mod call;
mod check;
mod check_context;
mod check_expressions;
mod check_options;
mod context;
mod decide;
mod effects;
mod element;
mod event;
mod file;
#[cfg(all(feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) mod fuzzing;
mod item_source;
mod literal;
mod load;
mod local;
mod names;
mod plan;
mod read;
mod row_fields;
mod run;
mod run_plan;
mod run_values;
mod save;
mod send;
mod targets;

pub use crate::run_store::info::RunInfo;
pub use crate::run_store::runs::{RunStatus, RunSummary, runs};
pub use event::{Event, Report, StepCounts, StepName, StepReport, StepStatus};
#[cfg(feature = "schemas")]
pub(crate) use file::BatchFile;
pub use load::{BatchConfig, Env, Resolve};
pub use plan::{BatchPlan, StepPlan};
pub use run::{Run, RunOptions};
pub use run_plan::Batch;
