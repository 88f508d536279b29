//! The events of a run, and its report. Plain data.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::receipt::{OutcomeStatus, Usage};
use crate::run_store::Reason;
use crate::send::JobState;

/// An event of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run starts: each of its jobs begins anew or resumes.
    Begun {
        /// The jobs, in the order of the matrix.
        jobs: Vec<JobBegun>,
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
    /// A step brings its rows into a table of a database.
    Loading {
        /// The step.
        step: StepName,
        /// The table.
        table: String,
        /// The number of rows so far.
        rows: u64,
        /// The number of all its rows.
        total: u64,
    },
    /// A step waits for a job of the system, whose state was asked for.
    Waiting {
        /// The step.
        step: StepName,
        /// The state of the job.
        state: JobState,
    },
    /// The system of a connection does not answer, or accepts no more requests for now: the step waits.
    Outage {
        /// The step.
        step: StepName,
        /// The connection.
        connection: String,
        /// What was seen.
        error: Error,
        /// Milliseconds until it is tried again.
        next_ms: u64,
        /// Milliseconds until the step gives up.
        left_ms: u64,
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

/// How a job begins.
#[derive(Clone, Debug)]
pub struct JobBegun {
    /// The connection of the matrix; `main` without one.
    pub job: String,
    /// The id of its run.
    pub run: String,
    /// When that run started: UTC, such as `2026-01-31T08:00:00Z`.
    pub started: String,
    /// Whether it resumes an earlier run.
    pub is_resumed: bool,
    /// Whether it is left as it is: it was finished in an earlier run, or only items of other jobs are sent.
    pub is_left: bool,
    /// Whether nothing of it is left to do.
    pub is_finished: bool,
    /// Number of steps that an earlier run has done, and of all.
    pub steps_done: (u64, u64),
    /// An earlier run with something left to do, which was archived because this one begins anew.
    pub archived: Option<Archived>,
}

/// A run that was archived with something left to do.
#[derive(Clone, Debug)]
pub struct Archived {
    /// Why it was not resumed.
    pub reason: Reason,
    /// Its id.
    pub run: String,
    /// When it started: UTC, such as `2026-01-31T08:00:00Z`.
    pub started: String,
    /// Number of its steps that were done.
    pub steps_done: u64,
    /// Whether it had ended, so that only items of it are left.
    pub has_ended: bool,
    /// Items that failed or are in doubt; they are kept until they are settled.
    pub left: u64,
    /// Its folder.
    pub folder: String,
}

/// A step of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepName {
    /// The connection of the matrix; `main` without one.
    pub job: String,
    /// The step's id.
    pub step: String,
}

/// A step's id as it is shown: a part of an upsert is `ID.create`.
pub(crate) fn shown_id(id: &str) -> String {
    id.replace("__", ".")
}

impl std::fmt::Display for StepName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let step = shown_id(&self.step);
        if self.job == super::row_source::MAIN { f.write_str(&step) } else { write!(f, "{}/{step}", self.job) }
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

impl StepStatus {
    /// Its name in expressions and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StepStatus::Done => "done",
            StepStatus::Partial => "partial",
            StepStatus::Skipped => "skipped",
            StepStatus::Failed => "failed",
            StepStatus::Stopped => "stopped",
            StepStatus::NotStarted => "not_started",
        }
    }
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
    /// It did not start: a step that it depends on failed, or the run was stopped before.
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
    /// For an upsert: how many items were created, changed, the same and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<std::collections::BTreeMap<String, u64>>,
    /// For a step that did not start: the step that it needs and that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// The paths of the files with its rows; of a path that depends on the row, the path as it is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub saved: Vec<String>,
    /// The files of paths that depend on the row, if this process has written them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<PartitionReport>,
    /// The path of the file with the failed items, one JSON object per line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// The files of a path that depends on the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionReport {
    /// The path as it is written.
    pub path: String,
    /// The number of files.
    pub files: u64,
    /// The number of rows of the first hundred files, by path.
    pub rows: BTreeMap<String, u64>,
}

/// The report of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The run's id; of a matrix, that of its first job.
    pub run: String,
    /// The batch's name.
    pub name: String,
    /// When the run started: UTC, such as `2026-01-31T08:00:00Z`.
    pub started: String,
    /// When this report was created, in the same form.
    pub ended: String,
    /// How long this process worked on it, in milliseconds.
    pub elapsed_ms: u64,
    /// The exit code of the command line: 0, that of the most severe error, or 128 and the number of the signal that
    /// stopped the run.
    pub exit_code: u8,
    /// Whether a job of it resumed an earlier run.
    pub resumed: bool,
    /// Whether all steps are done; else the run resumes when it is started again. Items that failed or are in doubt may
    /// be left.
    pub finished: bool,
    /// The jobs, in the order of the matrix.
    pub jobs: Vec<JobReport>,
    /// The steps, in the order of the file, job by job.
    pub steps: Vec<StepReport>,
    /// Why the run as a whole failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// The report of a job.
#[derive(Clone, Debug, Serialize)]
pub struct JobReport {
    /// The connection of the matrix; `main` without one.
    pub job: String,
    /// The id of its run.
    pub run: String,
    /// When that run started: UTC, such as `2026-01-31T08:00:00Z`.
    pub started: String,
    /// Whether it resumed an earlier run.
    pub resumed: bool,
    /// Whether all its steps are done.
    pub finished: bool,
}

impl Report {
    /// The part of one job, with its own exit code. `signal` is the exit code for a signal, or 0.
    pub(crate) fn of_job(&self, name: &str, signal: u8) -> Report {
        let mut report = self.clone();
        report.jobs.retain(|job| job.job == name);
        report.steps.retain(|step| step.name.job == name);
        if let Some(job) = report.jobs.first() {
            (report.run, report.started) = (job.run.clone(), job.started.clone());
            (report.resumed, report.finished) = (job.resumed, job.finished);
        }
        // What stopped the run did not stop a job that was finished before.
        report.error = report.error.filter(|_| !report.finished);
        report.set_exit_code(signal);
        report
    }

    /// Its end, or that of a job, could not be recorded or delivered.
    pub(crate) fn unfinish(&mut self, job: Option<&str>, error: Error) {
        self.finished = false;
        let own = self.jobs.iter_mut().filter(|own| job.is_none_or(|job| own.job == job));
        own.for_each(|own| own.finished = false);
        self.error = Some(error);
    }

    pub(crate) fn is_job_finished(&self, name: &str) -> bool {
        self.jobs.iter().any(|job| job.job == name && job.finished)
    }

    /// The kind of the most severe error of a job.
    pub(crate) fn kind_of(&self, name: &str) -> Option<String> {
        self.of_job(name, 0).check().err().map(|error| error.kind().to_string())
    }

    /// Sets the exit code. `signal` is that of a signal, or 0.
    pub(crate) fn set_exit_code(&mut self, signal: u8) {
        self.exit_code = match self.check() {
            Ok(()) => 0,
            Err(error) if error.kind() == ErrorKind::Cancelled && signal > 0 => signal,
            Err(error) => error.kind().exit_code(),
        };
    }

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
