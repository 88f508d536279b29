//! The events of a run, and its report. Plain data.

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::receipt::{OutcomeStatus, Usage};
use crate::send::JobState;

/// An event of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run starts or resumes.
    Begun {
        /// Its id.
        run: String,
        /// Whether it resumes an earlier run.
        resumed: bool,
        /// When it started: UTC, such as `2026-01-31T08:00:00Z`.
        started: String,
    },
    /// A message for the user.
    Note {
        /// One line.
        message: String,
    },
    /// A step has started.
    StepBegun {
        /// The step.
        step: StepName,
    },
    /// A step has made progress.
    Progress {
        /// The step.
        step: StepName,
        /// Its progress.
        counts: StepCounts,
        /// The number of items that the server announced, if it did.
        total: Option<u64>,
    },
    /// A step waits for a job of the system, whose state was asked for.
    Waiting {
        /// The step.
        step: StepName,
        /// The state of the job.
        state: JobState,
    },
    /// An item of a write, or an element of a `for`, has failed.
    ItemFailed {
        /// The step.
        step: StepName,
        /// The index of the item, or of the element of the `for`, from 0.
        index: u64,
        /// `failed` or `unknown`.
        status: OutcomeStatus,
        /// Why.
        error: Error,
    },
    /// A step's file was saved.
    Saved {
        /// The step.
        step: StepName,
        /// The path of the file.
        path: String,
    },
    /// A step has ended.
    StepEnded(StepReport),
}

/// A step of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepName {
    /// The connection of the matrix; `main` without one.
    pub job: String,
    /// The step's id.
    pub step: String,
}

impl std::fmt::Display for StepName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.job == super::load::MAIN { f.write_str(&self.step) } else { write!(f, "{}/{}", self.job, self.step) }
    }
}

/// The progress of a step. Times in milliseconds; includes earlier parts of a resumed run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StepCounts {
    /// Items given to a write, or records read by a query.
    pub items_in: u64,
    /// Rows of the step's result.
    pub items_out: u64,
    /// Items, or elements of a `for`, that failed.
    pub failed: u64,
    /// Items with an unknown outcome.
    pub unknown: u64,
    /// Its usage.
    #[serde(flatten)]
    pub usage: Usage,
}

/// The final state of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// All was done.
    Done,
    /// It ended, and some items failed.
    Partial,
    /// `when` was false.
    Skipped,
    /// An error stopped it before its end.
    Failed,
    /// The run was stopped before the end of the step.
    Stopped,
    /// It did not start.
    NotStarted,
}

/// The report of a step.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// The step.
    #[serde(flatten)]
    pub name: StepName,
    /// OperationId.
    pub operation: String,
    /// Its final state.
    pub status: StepStatus,
    /// Whether an earlier run had already done it.
    pub earlier: bool,
    /// For a query step that is done: whether the ends of its lists were seen and no announced page or item is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// Its progress.
    #[serde(flatten)]
    pub counts: StepCounts,
    /// The path of the file with its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved: Option<String>,
    /// The path of the file with the failed items, one JSON object per line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// The report of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The run's id.
    pub run: String,
    /// The batch's name.
    pub name: String,
    /// When the run started: UTC, such as `2026-01-31T08:00:00Z`.
    pub started: String,
    /// When this report was created, in the same form.
    pub ended: String,
    /// Whether it resumed an earlier run.
    pub resumed: bool,
    /// Whether nothing is left to do; an unfinished run resumes when it is started again.
    pub finished: bool,
    /// The steps, in the order of the file, job by job.
    pub steps: Vec<StepReport>,
    /// Why the run as a whole failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

impl Report {
    /// `Ok` if everything was done; else the most severe error.
    ///
    /// # Errors
    /// `internal`, `state`, `cancelled` and `unknown_outcome` take precedence over errors of single steps, and these
    /// over `partial`.
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
