//! What the store must know of a batch to tell whether a run goes on. Plain data.

use std::collections::BTreeMap;

use super::state::RunState;

/// A batch as the store sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunOutline {
    /// The batch's name.
    pub(crate) name: String,
    /// Digests of all that decides what a run does, by what they are of.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StepOutline {
    /// Its key in the journal.
    pub(crate) key: String,
    /// Whether it keeps a watermark.
    pub(crate) is_marked: bool,
}

impl RunOutline {
    /// Whether a run has nothing left to do but to report.
    pub(crate) fn is_done(&self, state: &RunState) -> bool {
        self.jobs.iter().all(|job| state.jobs.contains(&job.name))
    }
}
