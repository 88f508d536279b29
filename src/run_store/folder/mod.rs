//! The run folder: the store of a run on the disk of this machine.

mod archive;
pub(crate) mod disk;
mod failures;
pub(crate) mod held;
mod index;
pub(crate) mod info;
mod items;
mod journal;
pub(crate) mod kept;
mod locked;
pub(crate) mod log;
mod recall;
mod record;
mod rows;
mod run_folder;
mod runs;
mod spool;
mod step_files;
mod tail;
mod view;

pub(crate) use archive::{ArchivedRun, file_name};
pub(crate) use held::check as check_free;
pub use info::RunInfo;
pub(crate) use info::RunKey;
pub(crate) use info::{VERSION as INFO_VERSION, moment, now, run_id, seconds, time_text as clock_time};
pub(crate) use items::ItemsLedger;
pub use items::{LeftItem, left_items};
pub(crate) use items::{is_part, known_steps};
#[cfg(all(feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) use journal::recover;
pub(crate) use kept::load as load_watermarks;
pub(crate) use locked::{KILLED, LockedFolder, NewRun, Opened, refuse_unfinished};
pub(crate) use record::{StoredRun, stored_runs};
pub use runs::{RunStatus, RunSummary, runs};
pub(crate) use view::FolderView;
