//! What a caller may say beyond operation, options and items, and what it gives to a call that runs.

use std::sync::Arc;
use std::time::Duration;

use super::resume::Resume;
use crate::definition::Operation;
use crate::error::{ErrorKind, Fault, Result};
use crate::send::{Cancel, Gate};

/// What a caller may say beyond operation, options and items.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// Stop after so many items.
    pub items_max: Option<u64>,
    /// Walk by key instead of by page, where the operation can: nothing is missed while records come and go, but pages come one by one.
    pub forward_only: bool,
    /// Of a query: an end that contradicts what the server has announced is an error, and so is one when no reply has what should tell of it.
    pub strict: bool,
    /// Refuse fields that the operation's items or record do not have, instead of noting them.
    pub known_fields: bool,
    /// Give up after the usual number of attempts, without waiting for a system that may be about to come back.
    pub impatient: bool,
    /// End the call after this time.
    pub timeout: Option<Duration>,
    /// Cancels the call.
    pub cancel: Cancel,
    /// Of a write: send no further item after the first that did not succeed.
    pub stop_on_error: bool,
    /// Of a query: go on where an earlier walk of the same operation and options was.
    pub resume: Option<Resume>,
    /// Of a write: told of items before they are sent.
    pub gate: Option<Arc<dyn Gate>>,
    /// Of a write: the index of its first item, when the items are a part of a longer list; outcomes, gate and keys count from it.
    pub first: u64,
    /// Of a write: the name of this call, from which idempotency keys are made; a repeated call of the same name repeats the keys.
    pub key: Option<String>,
}

impl CallOptions {
    /// Fields that are not known: notes of the call, or its error.
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
