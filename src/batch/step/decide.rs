//! The decisions of a run: a pure function of its plan and its state. No calls, no writes.

use crate::batch::file::{OnErrorFile, OnUnknownFile};
use crate::batch::run_plan::{Phase, RunPlan, Step};
use crate::error::{Error, ErrorKind};
use crate::item::Items;
use crate::receipt::{Outcome, OutcomeStatus};
use crate::run_store::{ItemState, KILLED, StepState};

/// What a step of a job can do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::batch) enum Ready {
    Start,
    /// A step that it needs, by its number, did not succeed.
    Blocked(usize),
    Wait,
}

/// How a step has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::batch) enum StepEnd {
    /// Later steps can use its results.
    Usable,
    Failed,
}

/// Whether a step can start: the steps whose results it uses are done, and those that it awaits have ended. At a
/// concurrency of 1, one step after the other. The rule does not depend on the concurrency.
pub(in crate::batch) fn ready(plan: &RunPlan, number: usize, ended: impl Fn(usize) -> Option<StepEnd>) -> Ready {
    let Some(step) = plan.steps.get(number) else { return Ready::Wait };
    let is_closing = step.phase != Phase::Main;
    if let Some(failed) = step.needs.iter().find(|needed| ended(**needed) == Some(StepEnd::Failed))
        && !is_closing
    {
        return Ready::Blocked(*failed);
    }
    let is_one_by_one = plan.concurrency == 1 || is_closing;
    let mut awaited: Box<dyn Iterator<Item = usize>> = match is_one_by_one {
        true => Box::new(0..number),
        false => Box::new(step.needs.iter().chain(&step.awaits).copied()),
    };
    if awaited.all(|needed| ended(needed).is_some()) { Ready::Start } else { Ready::Wait }
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
            let advice =
                "check the record before sending it again; `on_unknown: retry` in the step sends such items again";
            (OutcomeStatus::Unknown, Some(Error::new(ErrorKind::UnknownOutcome, KILLED).advise(advice)))
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
