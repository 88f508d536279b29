//! One element of a write step with `for`: its options, items and calls.

use std::collections::BTreeSet;

use super::call::{options, refused_item};
use super::context::Task;
use super::decide::{Move, decide, in_doubt};
use super::item_source::Inputs;
use super::sending::Sending;
use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use crate::receipt::{Outcome, OutcomeStatus, Usage};
use crate::run_store::StepState;
use crate::send::Cancel;

/// The result of an element's call.
pub(super) struct SentElement {
    /// The outcomes, each with its item.
    pub(super) outcomes: Vec<(Outcome, Option<String>)>,
    pub(super) usage: Usage,
    /// Whether every item has its outcome.
    pub(super) complete: bool,
    /// Why nothing more can be sent; not the fault of an item.
    pub(super) lost: Option<Error>,
    pub(super) options: Option<Options>,
}

/// Sends the remaining items of an element.
pub(super) async fn send_element(
    task: &Task<'_>,
    (known, only): (&StepState, Option<&BTreeSet<(u64, u64)>>),
    stop: &Cancel,
    element: u64,
    item: &str,
) -> SentElement {
    let mut sent =
        SentElement { outcomes: Vec::new(), usage: Usage::default(), complete: false, lost: None, options: None };
    let prepared = prepare(task, known, element, item);
    let (options, items) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            sent.outcomes.push((refused_item(0, error), None));
            sent.complete = true;
            return sent;
        }
    };
    let mut writes = match Sending::open(task, stop, element, options) {
        Ok(writes) => writes,
        Err(error) => {
            sent.outcomes.push((refused_item(0, error), None));
            sent.complete = true;
            return sent;
        }
    };
    sent.options = Some(writes.options().clone());
    let count = items.as_ref().map_or(1, Vec::len);
    let own = |index: usize| items.as_ref().and_then(|items| items.get(index)).cloned();
    let decide = |index: usize| match only {
        Some(only) if only.contains(&(element, index as u64)) => Move::Send,
        Some(_) => Move::Pass,
        None => {
            let again = task.context.sends_again(task.step, (element, index as u64));
            decide(task.step, again, known, element, index as u64)
        }
    };
    let mut index = 0;
    while index < count && sent.lost.is_none() {
        match decide(index) {
            Move::Send => {
                let end = (index..count).find(|i| decide(*i) != Move::Send).unwrap_or(count);
                let part = items.as_ref().and_then(|items| items.get(index..end)).map(<[String]>::to_vec);
                match writes.give(index as u64, part) {
                    Ok(()) => {
                        while let Some(outcome) = writes.next().await {
                            let own = own(outcome.index as usize);
                            sent.outcomes.push((outcome, own));
                        }
                        sent.lost = writes.take_lost();
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::State) => {
                        sent.lost = Some(error)
                    }
                    Err(error) => {
                        sent.outcomes.extend((index..end).map(|i| (refused_item(i as u64, error.clone()), own(i))))
                    }
                }
                index = end;
            }
            other => {
                sent.outcomes.extend(in_doubt(other, index as u64).map(|outcome| (outcome, own(index))));
                index += 1;
            }
        }
    }
    sent.usage = writes.usage();
    sent.complete = sent.lost.is_none() && sent.outcomes.iter().all(|(o, _)| o.status != OutcomeStatus::Skipped);
    sent
}

/// Options and items of an element.
fn prepare(task: &Task<'_>, known: &StepState, element: u64, item: &str) -> Result<(Options, Option<Vec<String>>)> {
    let scope = task.scope.with_item(item, element);
    let options = options(task.step, &scope)?;
    let items = match &task.step.items {
        None => None,
        Some(source) => {
            let inputs = Inputs::open(source, task.step, &scope)?.edited(known, element);
            Some(inputs.map(|item| item.map(|(_, item)| item)).collect::<Result<Vec<String>>>()?)
        }
    };
    Ok((options, items))
}
