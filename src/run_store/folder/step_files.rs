//! The paths of a step's files in the folder of a run. Pure.

use std::path::{Path, PathBuf};

use super::archive::{FAILED, SPOOL, file_name};
use crate::run_store::store::StepPlace;

/// The file of a step's rows.
pub(super) fn rows_file(root: &Path, place: &StepPlace) -> PathBuf {
    root.join(SPOOL).join(file_name(&place.job)).join(format!("{}.ndjson", place.step))
}

/// The file of a step's failures.
pub(super) fn failures_file(root: &Path, place: &StepPlace) -> PathBuf {
    root.join(FAILED).join(file_name(&place.job)).join(format!("{}.ndjson", place.step))
}
