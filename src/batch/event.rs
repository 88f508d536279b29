//! What a run tells while it goes on, and what it did in the end. Plain data.

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::receipt::{OutcomeStatus, Usage};

/// Something that happened in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run begins, or goes on.
    Begun {
        /// Its id.
        run: String,
        /// Whether an earlier run goes on.
        resumed: bool,
        /// When it began.
        started: String,
    },
    /// Something that a person should know.
    Note {
        /// One line.
        message: String,
    },
    /// A step has begun.
    StepBegun {
        /// Which.
        step: StepName,
    },
    /// A step has come further.
    Progress {
        /// Which.
        step: StepName,
        /// How far.
        counts: StepCounts,
        /// How many items the server announced, where it did.
        total: Option<u64>,
    },
    /// An item of a write, or an element of a `for`, did not succeed.
    ItemFailed {
        /// The step.
        step: StepName,
        /// Which item, or which element of the `for`, from 0.
        index: u64,
        /// `failed` or `unknown`.
        status: OutcomeStatus,
        /// Why.
        error: Error,
    },
    /// A step's file is in its place.
    Saved {
        /// The step.
        step: StepName,
        /// The file.
        path: String,
    },
    /// A step has ended.
    StepEnded(StepReport),
}

/// A step of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepName {
    /// The connection of the matrix; `main` without one.
    #[serde(rename = "leg")]
    pub job: String,
    /// The step's id.
    pub step: String,
}

impl std::fmt::Display for StepName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.job == super::load::MAIN { f.write_str(&self.step) } else { write!(f, "{}/{}", self.job, self.step) }
    }
}

/// What a step has done. Times in milliseconds; earlier parts of a resumed run count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StepCounts {
    /// Items that were given to a write, or records that a query brought.
    pub items_in: u64,
    /// Rows that the step gives.
    pub items_out: u64,
    /// Items, or elements of a `for`, that failed.
    pub failed: u64,
    /// Items of which nobody knows whether they took effect.
    pub unknown: u64,
    /// What it has cost.
    #[serde(flatten)]
    pub usage: Usage,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// All was done.
    Done,
    /// It came to its end, and some items did not succeed.
    Partial,
    /// `when` was false.
    Skipped,
    /// It stopped before its end.
    Failed,
    /// It was not begun.
    NotBegun,
}

/// What a step did.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// Which.
    #[serde(flatten)]
    pub name: StepName,
    /// OperationId.
    pub operation: String,
    /// How it ended.
    pub status: StepStatus,
    /// Whether an earlier run had done it already.
    pub earlier: bool,
    /// Of a step that reads and was done: whether the end of its lists was seen and nothing announced is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// What it did.
    #[serde(flatten)]
    pub counts: StepCounts,
    /// The file with its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved: Option<String>,
    /// The file with the items that did not succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<String>,
    /// Why it did not succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// What a run did.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The run's id.
    pub run: String,
    /// The batch's name.
    pub name: String,
    /// When the run began.
    pub started: String,
    /// When this report was made.
    pub ended: String,
    /// Whether an earlier run went on.
    pub resumed: bool,
    /// Whether nothing is left to do: a run that is not finished goes on when it is started again.
    pub finished: bool,
    /// The steps, in the order of the file, job by job.
    pub steps: Vec<StepReport>,
    /// Why the run as a whole failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

impl Report {
    /// `Ok` when everything was done; else the worst of what went wrong.
    ///
    /// # Errors
    /// `internal`, `state`, `cancelled` and `unknown_outcome` before those of single steps, and those before `partial`.
    pub fn check(&self) -> Result<()> {
        let rank = |kind: ErrorKind| match kind {
            ErrorKind::Internal => 0,
            ErrorKind::State => 1,
            ErrorKind::Cancelled => 2,
            ErrorKind::UnknownOutcome => 3,
            ErrorKind::Partial => i32::MAX,
            other => 3 + other.number(),
        };
        let worst =
            self.error.iter().chain(self.steps.iter().filter_map(|s| s.error.as_ref())).min_by_key(|e| rank(e.kind()));
        worst.map_or(Ok(()), |e| Err(e.clone()))
    }
}
