//! The calls of a write step: items that an outage has kept from being sent are sent after it.

use std::collections::BTreeMap;

use super::call::{check_part, give, open};
use super::context::Task;
use super::outage::{OutagesPast, is_outage};
use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use crate::receipt::{Outcome, OutcomeStatus, Usage};
use crate::send::Cancel;
use crate::write::Writes;

/// The write of a step, or of one of its elements.
pub(super) struct Sending<'t> {
    task: &'t Task<'t>,
    stop: Cancel,
    element: u64,
    options: Options,
    writes: Writes,
    /// The part that is being sent: the index of its first item, and its items.
    part: (u64, Option<Vec<String>>),
    /// Items that are sent again after an outage, with their refusals; `None` for those that were not sent yet.
    held: BTreeMap<u64, Option<Outcome>>,
    /// Whether an item that was given has an outcome since.
    is_answered: bool,
    outage: Option<Error>,
    /// The outages since the last success.
    outages: OutagesPast,
    /// Usage of earlier calls.
    spent: Usage,
    /// Why the rest cannot be sent.
    lost: Option<Error>,
}

impl<'t> Sending<'t> {
    /// Opens a write; nothing is sent yet.
    ///
    /// # Errors
    /// Faults of the options.
    pub(super) fn open(task: &'t Task<'t>, stop: &Cancel, element: u64, options: Options) -> Result<Sending<'t>> {
        let writes = open(task, stop, element, &options)?;
        Ok(Sending {
            task,
            stop: stop.clone(),
            element,
            options,
            writes,
            part: (0, None),
            held: BTreeMap::new(),
            is_answered: true,
            outage: None,
            outages: OutagesPast::default(),
            spent: Usage::default(),
            lost: None,
        })
    }

    /// Gives a part, or the only request of a write without items.
    ///
    /// # Errors
    /// Faults of the items, and why the run or the step must stop.
    pub(super) fn give(&mut self, first: u64, items: Option<Vec<String>>) -> Result<()> {
        give(self.task, &self.stop, &mut self.writes, first, items.as_deref())?;
        self.part = (first, items);
        Ok(())
    }

    /// Checks a part without giving it.
    ///
    /// # Errors
    /// Faults of the items.
    pub(super) fn check(&self, first: u64, part: &[String]) -> Result<()> {
        check_part(&self.writes, first, part)
    }

    /// An item of the current part.
    pub(super) fn item(&self, index: u64) -> Option<&str> {
        let (first, items) = &self.part;
        let at = usize::try_from(index.checked_sub(*first)?).ok()?;
        items.as_ref()?.get(at).map(String::as_str)
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// The usage of all its calls.
    pub(super) fn usage(&mut self) -> Usage {
        self.spent + self.writes.receipt().usage()
    }

    pub(super) fn notes(&mut self) -> Vec<String> {
        self.writes.receipt().notes.clone()
    }

    /// Why the rest of the part was not sent, if an outage was too long or the run stops.
    pub(super) fn take_lost(&mut self) -> Option<Error> {
        self.lost.take()
    }

    /// The next outcome of the current part; `None` at its end.
    pub(super) async fn next(&mut self) -> Option<Outcome> {
        loop {
            while let Some(outcome) = self.writes.next().await {
                self.is_answered = true;
                if let Some(outcome) = self.hold(outcome) {
                    return Some(outcome);
                }
            }
            if self.held.is_empty() {
                return None;
            }
            if !self.is_answered {
                self.lost
                    .get_or_insert_with(|| Error::new(ErrorKind::Internal, "items that were given have no outcome"));
            }
            if self.lost.is_some() {
                // What was refused has failed. What was not sent has no outcome.
                let refused = std::iter::from_fn(|| self.held.pop_first()).find_map(|(_, refusal)| refusal);
                return refused;
            }
            if let Err(error) = self.go_on().await {
                self.lost = Some(error);
            }
        }
    }

    /// Keeps an item that an outage has kept from being sent. What may have taken effect is not sent again.
    fn hold(&mut self, outcome: Outcome) -> Option<Outcome> {
        let error = outcome.error.as_ref().filter(|error| is_outage(error) && self.task.waits());
        if let Some(error) = error.filter(|_| self.outage.is_none()) {
            self.outage = Some(error.clone());
            // The items that were not sent yet are not used up.
            self.writes.stop();
        }
        let is_unsent = outcome.status == OutcomeStatus::Skipped && self.outage.is_some();
        let is_refused = outcome.status == OutcomeStatus::Failed && error.is_some();
        if is_refused {
            self.held.insert(outcome.index, Some(outcome));
            return None;
        }
        if is_unsent {
            self.held.entry(outcome.index).or_default();
            return None;
        }
        self.held.remove(&outcome.index);
        Some(outcome)
    }

    /// Waits for the end of the outage, and gives the items again: first one request, so that a system that is still
    /// down uses up no more, and then the rest.
    async fn go_on(&mut self) -> Result<()> {
        let is_trial = self.outage.is_some();
        match self.outage.take() {
            Some(outage) => {
                self.task.wait_out(outage, &mut self.outages).await?;
            }
            None => self.outages = OutagesPast::default(),
        }
        self.is_answered = false;
        self.spent = self.usage();
        self.writes = open(self.task, &self.stop, self.element, &self.options)?;
        let first_ones = self.task.step.operation.items_of_first_request();
        let held: Vec<u64> = self.held.keys().copied().take(if is_trial { first_ones } else { usize::MAX }).collect();
        // Neighbours are one part: requests of several items have the boundaries of before.
        for run in held.chunk_by(|a, b| a + 1 == *b) {
            let Some(first) = run.first().copied() else { continue };
            let items: Option<Vec<String>> =
                self.part.1.is_some().then(|| run.iter().filter_map(|i| self.item(*i)).map(str::to_owned).collect());
            give(self.task, &self.stop, &mut self.writes, first, items.as_deref())?;
        }
        Ok(())
    }
}
