//! The parts of a batch that decide whether its run can be resumed. Plain data.

use std::collections::BTreeMap;

use super::state::RunState;
use super::store::ItemOrigin;

/// A batch as the store sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunOutline {
    /// The batch's name.
    pub(crate) name: String,
    /// Digests of all inputs that determine what a run does, by the name of the input.
    pub(crate) fingerprints: BTreeMap<String, String>,
    pub(crate) jobs: Vec<JobOutline>,
}

/// One job of the matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobOutline {
    pub(crate) name: String,
    pub(crate) steps: Vec<StepOutline>,
}

/// One step of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepOutline {
    pub(crate) id: String,
    /// Its key in the journal.
    pub(crate) key: String,
    /// Whether it has a watermark.
    pub(crate) is_marked: bool,
    /// Whether the end of the job's watermarks waits for it: steps for failures and closing steps come later.
    pub(crate) is_main: bool,
    /// What its items are sent to.
    pub(crate) origin: ItemOrigin,
}

impl RunOutline {
    /// Whether all jobs are done, so that a run has only to report.
    pub(crate) fn is_done(&self, state: &RunState) -> bool {
        self.jobs.iter().all(|job| state.jobs.contains(&job.name))
    }
}
