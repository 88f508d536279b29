//! The stored state of a run: facts in a journal, rows by step, watermarks between runs.
//!
//! A run uses it only through the traits of `store.rs`. `folder/` is the store on a local disk; a run uses it directly
//! only to open it. `state.rs` rebuilds the state of a run from its facts, for any store.

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
pub(crate) use state::{ItemState, RunState, StepState};
pub(crate) use store::{Before, FailureWriter, RowReader, RowWriter, RunStore, SharedRows, StepPlace};
pub(crate) use watermark::{Mark, Watermarks, larger as larger_mark};
