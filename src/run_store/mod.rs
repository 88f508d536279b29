//! What a run keeps: facts in a journal, rows by step, watermarks from run to run.
//!
//! A run reaches all of it through the traits of `store.rs`; `folder/` is the store on this machine's disk, and the only part that a run names is how it
//! is opened. `state.rs` rebuilds what a run has done from its facts, for any store.

mod extent;
mod fact;
mod folder;
mod outline;
mod state;
mod store;
mod watermark;

pub(crate) use extent::Extent;
pub(crate) use fact::Fact;
#[cfg(all(feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) use folder::recover;
pub(crate) use folder::{Beginning, Folder, INFO_VERSION, Opened, check_free, load_watermarks, now, run_id};
pub use folder::{RunInfo, RunStatus, RunSummary, runs};
pub(crate) use outline::{JobOutline, RunOutline, StepOutline};
pub(crate) use state::{RunState, Standing, StepState};
pub(crate) use store::{Before, FailureWriter, RowReader, RowWriter, RunStore, SharedRows, StepPlace};
pub(crate) use watermark::{Mark, Watermarks, larger as larger_mark};
