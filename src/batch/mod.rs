//! Batch files: steps over any connector, with their state on disk; interrupted runs resume.

mod check;
mod effects;
mod event;
mod file;
#[cfg(all(feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) mod fuzzing;
mod load;
mod local;
mod plan;
mod run;
mod run_plan;
mod step;

pub use crate::run_store::{RunInfo, RunStatus, RunSummary, runs};
pub use event::{Event, Report, StepCounts, StepName, StepReport, StepStatus};
#[cfg(feature = "schemas")]
pub(crate) use file::BatchFile;
pub use load::{BatchConfig, Env, Resolve};
pub use plan::{BatchPlan, StepPlan};
pub use run::{Run, RunOptions};
pub use run_plan::Batch;
