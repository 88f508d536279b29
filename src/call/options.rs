//! Options of a call that are not options of the operation, and the hooks of a running call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::resume::Resume;
use crate::definition::{Operation, ResultShape};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::part_file::FileTarget;
use crate::send::{Cancel, Gate, JobHandle};

/// Options of a call beyond operation, options and items.
///
/// ```
/// use std::time::Duration;
///
/// use opnode::CallOptions;
///
/// let with = CallOptions {
///     items_max: Some(500),
///     timeout: Some(Duration::from_secs(60)),
///     ..CallOptions::default()
/// };
/// let cancel = with.cancel.clone(); // for a button, a signal or another task
/// # drop(cancel);
/// ```
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// For a query: stop after this many items. Pages are not larger than that, unless an option
    /// sets their size; 0 sends nothing.
    pub items_max: Option<u64>,
    /// Page by key, if the operation supports it: no record is missed while others are added or deleted, but pages are
    /// fetched one by one.
    pub forward_only: bool,
    /// For a query: an end that contradicts the server's announcements is an error, and so is a list without a visible
    /// end.
    pub strict: bool,
    /// Refuse unknown fields of the operation's items or record, instead of noting them.
    pub known_fields: bool,
    /// Use the usual number of attempts, without waiting for a system that may be restarting.
    pub impatient: bool,
    /// Maximum number of attempts of each request, instead of that of the connection.
    pub attempts: Option<u32>,
    /// End the call after this time, waits and retries included; default: no limit.
    pub timeout: Option<Duration>,
    /// Cancels the call.
    pub cancel: Cancel,
    /// For a write: send no further item after the first failure.
    pub stop_on_error: bool,
    /// For a query: resume an earlier walk of the same operation and options.
    pub resume: Option<Resume>,
    /// For an operation that returns files: write them to disk, where their size is not limited, instead of into their
    /// items. An item then has `path` instead of `data`. A file appears when it is complete, or not at all.
    pub files: Option<FileTarget>,
    /// Called before items of a write are sent, and when the system accepts a job.
    pub gate: Option<Arc<dyn Gate>>,
    /// For a write: jobs that the system accepted in an earlier run, by the index of their first item. They are waited
    /// for, and their items are not sent again.
    pub jobs: BTreeMap<u64, JobHandle>,
    /// A cancelled call leaves a job running, because another process goes on waiting for it.
    pub keep_jobs: bool,
    /// For a write: the index of its first item, if the items are a part of a longer list; outcomes, gate and keys
    /// count from it.
    pub first: u64,
    /// For a write: the name of this call, from which idempotency keys are derived; a repeated call with the same name
    /// repeats the keys.
    pub key: Option<String>,
}

impl CallOptions {
    /// Refuses a place for files that the operation does not return.
    pub(crate) fn check_files(&self, operation: &Operation) -> Result<()> {
        if self.files.is_none() || operation.response.result == ResultShape::File {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Usage, format!("{} returns no file, so `files` has no effect", operation.id))
            .with(|d| d.operation = Some(operation.id.clone())))
    }

    /// Unknown fields: notes of the call, or its error.
    pub(crate) fn judge_unknown(
        &self,
        operation: &Operation,
        kind: ErrorKind,
        unknown: Vec<Fault>,
    ) -> Result<Vec<String>> {
        if unknown.is_empty() || !self.known_fields {
            return Ok(unknown.into_iter().map(|fault| fault.message).collect());
        }
        Err(operation.refuse_fields(kind, unknown))
    }
}
