//! The lines of a run's log, from its events. Pure.

use serde::Serialize;

use super::event::{Event, JobBegun, Report, StepName, StepReport};
use crate::error::Error;
use crate::receipt::OutcomeStatus;

/// A line of the log.
#[derive(Serialize)]
struct LogRecord<'e> {
    at: &'e str,
    #[serde(flatten)]
    content: LogContent<'e>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum LogContent<'e> {
    Begun {
        run: &'e str,
        job: &'e str,
        started: &'e str,
        resumed: bool,
        steps_done: u64,
        steps: u64,
        opnode: &'static str,
    },
    Note {
        message: &'e str,
    },
    StepBegun {
        #[serde(flatten)]
        step: &'e StepName,
    },
    Waiting {
        #[serde(flatten)]
        step: &'e StepName,
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<&'e str>,
    },
    Outage {
        #[serde(flatten)]
        step: &'e StepName,
        connection: &'e str,
        next_ms: u64,
        left_ms: u64,
        error: &'e Error,
    },
    ItemFailed {
        #[serde(flatten)]
        step: &'e StepName,
        index: u64,
        status: OutcomeStatus,
        error: &'e Error,
    },
    Saved {
        #[serde(flatten)]
        step: &'e StepName,
        path: &'e str,
    },
    StepEnded(&'e StepReport),
    Ended {
        exit_code: u8,
        elapsed_ms: u64,
        finished: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Error>,
    },
}

/// The line of an event, and whether it is kept when the log is full. `None` for events that are not logged.
pub(super) fn line(event: &Event, at: &str) -> Option<(String, bool)> {
    let content = match event {
        // Each job has a log of its own.
        Event::Begun { .. } | Event::Progress { .. } | Event::Loading { .. } => return None,
        Event::StepEnded(report) if report.earlier => return None,
        Event::Note { message } => LogContent::Note { message },
        Event::StepBegun { step } => LogContent::StepBegun { step },
        Event::Waiting { step, state } => LogContent::Waiting { step, progress: state.progress.as_deref() },
        Event::Outage { step, connection, error, next_ms, left_ms } => {
            LogContent::Outage { step, connection, next_ms: *next_ms, left_ms: *left_ms, error }
        }
        Event::ItemFailed { step, index, status, error } => {
            LogContent::ItemFailed { step, index: *index, status: *status, error }
        }
        Event::Saved { step, path } => LogContent::Saved { step, path },
        Event::StepEnded(report) => LogContent::StepEnded(report),
    };
    let is_kept = matches!(event, Event::Outage { .. } | Event::StepBegun { .. } | Event::StepEnded(_));
    Some((text(at, content), is_kept))
}

/// The line of the start of a job.
pub(super) fn begun(job: &JobBegun, at: &str) -> String {
    let (steps_done, steps) = job.steps_done;
    let content = LogContent::Begun {
        run: &job.run,
        job: &job.job,
        started: &job.started,
        resumed: job.is_resumed,
        steps_done,
        steps,
        opnode: env!("CARGO_PKG_VERSION"),
    };
    text(at, content)
}

/// The line of the end of a job, from its report.
pub(super) fn ended(report: &Report, at: &str) -> String {
    let error = report.check().err();
    let (exit_code, elapsed_ms, finished) = (report.exit_code, report.elapsed_ms, report.finished);
    text(at, LogContent::Ended { exit_code, elapsed_ms, finished, error })
}

fn text(at: &str, content: LogContent<'_>) -> String {
    serde_json::to_string(&LogRecord { at, content }).unwrap_or_default()
}
