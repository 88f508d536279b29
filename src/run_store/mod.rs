//! The stored state of a run: facts in a journal, rows by step, watermarks between runs.
//!
//! A run uses it only through the traits of `store.rs`. `folder/` is the store on a local disk; a run uses it directly
//! only to open it. `state.rs` rebuilds the state of a run from its facts, for any store.

mod addition;
mod extent;
mod fact;
mod folder;
mod outline;
mod policy;
mod seen;
mod state;
mod store;
mod time;
mod watermark;

pub(crate) use addition::Addition;
pub(crate) use extent::{Extent, Marks, Measure, Sum};
pub(crate) use fact::{AddedRows, Fact, LoadedFile};
#[cfg(all(feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) use folder::recover;
pub(crate) use folder::{
    ArchivedRun, FolderView, INFO_VERSION, ItemsLedger, KILLED, LockedFolder, NewRun, Opened, RunKey, StoredRun,
    check_free, clock_time, file_name, is_part, known_steps, load_watermarks, moment, now, refuse_unfinished, run_id,
    seconds, stored_runs,
};
pub use folder::{LeftItem, RunInfo, RunStatus, RunSummary, left_items, runs};
pub(crate) use outline::{JobOutline, RunOutline, StepOutline};
pub(crate) use policy::{Asked, JobStart, starts};
pub use policy::{Reason, ResumePolicy};
pub(crate) use seen::{SeenRow, SeenRows};
pub(crate) use state::{ItemState, RunState, StepState};
pub(crate) use store::{
    Before, FailedItem, FailureWriter, ItemContent, ItemOrigin, RowIndex, RowReader, RowStore, RowWriter, RunStore,
    SharedRows, StepPlace,
};
pub(crate) use time::is_time;
pub(crate) use watermark::{Mark, Watermarks, larger as larger_mark};
