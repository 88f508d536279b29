//! The run folder: the store of a run on the disk of this machine.

pub(crate) mod disk;
mod failures;
pub(crate) mod held;
pub(crate) mod info;
mod journal;
pub(crate) mod kept;
mod rows;
mod run_folder;
mod runs;
mod spool;
mod tail;

pub(crate) use held::check as check_free;
pub use info::RunInfo;
pub(crate) use info::{VERSION as INFO_VERSION, now, run_id};
#[cfg(all(feature = "ffi", any(test, feature = "fuzzing")))]
pub(crate) use journal::recover;
pub(crate) use kept::load as load_watermarks;
pub(crate) use run_folder::{Beginning, Folder, Opened};
pub use runs::{RunStatus, RunSummary, runs};
