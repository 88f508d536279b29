//! The decisions of a run: a pure function of its plan and its state. No calls, no writes.

use std::collections::BTreeSet;

use crate::batch::file::{OnErrorFile, OnUnknownFile};
use crate::batch::run_plan::{RunPlan, Step};
use crate::error::{Error, ErrorKind};
use crate::item::Items;
use crate::receipt::{Outcome, OutcomeStatus};
use crate::run_store::{ItemState, StepState};

/// The steps of a job that can start: not started, and all their dependencies done. At a concurrency of 1, one after
/// the other.
pub(in crate::batch) fn ready(plan: &RunPlan, begun: &BTreeSet<usize>, ended: impl Fn(usize) -> bool) -> Vec<usize> {
    let is_ready = |number: usize, step: &Step| match plan.concurrency {
        1 => (0..number).all(&ended),
        _ => step.needs.iter().all(|needed| ended(*needed)),
    };
    let steps = plan.steps.iter().enumerate().filter(|(number, _)| !begun.contains(number));
    steps.filter(|(number, step)| is_ready(*number, step)).map(|(number, _)| number).collect()
}

/// What to do with an item that is about to be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::batch) enum Move {
    Send,
    Pass,
    /// Its outcome is unknown.
    Report,
    /// Treated as done.
    Skip,
}

pub(in crate::batch) fn decide(step: &Step, retry_failed: bool, known: &StepState, element: u64, index: u64) -> Move {
    match known.item_state(element, index) {
        ItemState::New => Move::Send,
        ItemState::Settled => Move::Pass,
        ItemState::Failed if retry_failed || step.on_error == OnErrorFile::Stop => Move::Send,
        ItemState::Failed => Move::Pass,
        // It is not sent again: its job is waited for.
        ItemState::InDoubt if known.goes_on(element, index) => Move::Send,
        ItemState::InDoubt => match step.on_unknown {
            OnUnknownFile::Retry => Move::Send,
            OnUnknownFile::Skip => Move::Skip,
            OnUnknownFile::Report if step.operation.may_be_repeated => Move::Send,
            OnUnknownFile::Report => Move::Report,
        },
    }
}

/// The outcome of an item that was in flight when a run was killed, and is not sent again.
pub(super) fn in_doubt(decided: Move, index: u64) -> Option<Outcome> {
    let (status, error) = match decided {
        Move::Send | Move::Pass => return None,
        Move::Skip => (OutcomeStatus::Ok, None),
        Move::Report => {
            let message = "the run was killed while this item was in flight: it is not known whether it took effect";
            let advice =
                "check the record before sending it again; `on_unknown: retry` in the step sends such items again";
            (OutcomeStatus::Unknown, Some(Error::new(ErrorKind::UnknownOutcome, message).advise(advice)))
        }
    };
    Some(Outcome { index, status, http_status: None, items: Items::default(), location: None, error, attempts: 0 })
}

#[cfg(test)]
mod tests {
    use super::{Move, in_doubt};
    use crate::receipt::OutcomeStatus;

    #[test]
    fn items_in_doubt_are_reported_or_done_as_the_step_says() {
        let status = |decided| in_doubt(decided, 3).map(|outcome| (outcome.index, outcome.status));
        assert_eq!(status(Move::Send), None);
        assert_eq!(status(Move::Pass), None);
        assert_eq!(status(Move::Report), Some((3, OutcomeStatus::Unknown)));
        assert_eq!(status(Move::Skip), Some((3, OutcomeStatus::Ok)));
    }
}
