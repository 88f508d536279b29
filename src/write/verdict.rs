//! The verdict of a write: one error for all its items. Pure.

use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::receipt::{Outcome, OutcomeCounts, Receipt};

/// The result of a write.
#[derive(Debug)]
pub struct WriteReply {
    /// The returned records of the items that took effect, in input order.
    pub items: Items,
    /// One outcome per input item.
    pub outcomes: Vec<Outcome>,
    /// The receipt.
    pub receipt: Receipt,
}

impl WriteReply {
    /// `Ok` when every item took effect; else one error for the whole write.
    ///
    /// # Errors
    /// `unknown_outcome` when the outcome of an item is unknown; `partial` when some items took effect and others did
    /// not; the kind of the first failed item when none took effect; `cancelled` when items were only skipped.
    pub fn check(&self) -> Result<()> {
        let mut first = None;
        self.outcomes
            .iter()
            .filter_map(|o| Some((o.index, o.error.as_ref()?)))
            .for_each(|(index, error)| keep_representative(&mut first, index, error));
        self.receipt.outcomes.unwrap_or_default().check(first.as_ref().map(|(index, error)| (*index, error)))
    }
}

/// Keeps the representative error: the first with an unknown outcome, else the first.
pub(super) fn keep_representative(first: &mut Option<(u64, Error)>, index: u64, error: &Error) {
    let unknown = |e: &Error| e.kind() == ErrorKind::UnknownOutcome;
    if first.as_ref().is_none_or(|(_, before)| unknown(error) && !unknown(before)) {
        *first = Some((index, error.clone()));
    }
}

impl OutcomeCounts {
    /// Like [`WriteReply::check`], for callers that do not keep the outcomes: needs the counts, and index and error of
    /// the first outcome that has an error.
    ///
    /// # Errors
    /// As [`WriteReply::check`].
    pub fn check(&self, first: Option<(u64, &Error)>) -> Result<()> {
        let all = self.ok + self.failed + self.unknown + self.skipped;
        let Some((index, error)) = first else {
            return match self.skipped {
                0 => Ok(()),
                n => Err(Error::new(
                    ErrorKind::Cancelled,
                    format!("{n} of {all} items were not sent: the call was cancelled"),
                )),
            };
        };
        let kind = match (self.unknown, self.ok) {
            (0, 0) => error.kind(),
            (0, _) => ErrorKind::Partial,
            _ => ErrorKind::UnknownOutcome,
        };
        let message = match all {
            1 => error.message.clone(),
            _ if self.unknown > 0 => {
                format!(
                    "{} of {all} items did not succeed, {} of them unknown; of these the first is item {index}: {}",
                    all - self.ok,
                    self.unknown,
                    error.message
                )
            }
            _ => format!(
                "{} of {all} items did not succeed; the first is item {index}: {}",
                all - self.ok,
                error.message
            ),
        };
        Err(Error::new(kind, message).with(|d| {
            d.advice = error.advice.clone();
            d.operation = error.operation.clone();
            d.request = error.request.clone();
            d.http_status = error.http_status;
            d.provider = error.provider.clone();
            d.attempts = error.attempts;
        }))
    }
}
