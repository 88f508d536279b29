//! Write steps: items to outcomes. Every item is recorded before it is sent, and its outcome after.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use super::call::{options, refused_item};
use super::context::Task;
use super::decide::{Move, decide, in_doubt};
use super::element::{SentElement, send_element};
use super::item_source::{Elements, Inputs};
use super::sending::Sending;
use super::verify::{self, FoundRecord};
use crate::batch::event::{Event, StepCounts};
use crate::batch::file::OnErrorFile;
use crate::batch::run_plan::CALL;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::options::Options;
use crate::receipt::{Outcome, OutcomeStatus, Usage};
use crate::run_store::{Fact, FailedItem, FailureWriter, ItemState, RowWriter, StepState};
use crate::send::Cancel;

/// A running write step.
struct Writing<'t, 'r> {
    task: &'t Task<'r>,
    rows: Box<dyn RowWriter>,
    failures: Box<dyn FailureWriter>,
    /// Its state when this part of the run started.
    state: StepState,
    tally: Usage,
    items_in: u64,
    bad: (u64, u64),
    began: Duration,
    told: Duration,
    /// The first failed item, with its number.
    first: Option<(u64, Error)>,
    /// Items that were not sent because an error ended the write.
    unsent: u64,
    /// No more items of this step are sent.
    stop: Cancel,
    /// The options of the current call.
    options: Option<Options>,
    /// Only these items are sent, by element and index: their records were not found.
    again: Option<BTreeSet<(u64, u64)>>,
}

/// Writes until nothing is left.
///
/// # Errors
/// That of the first item, if the step stops at it; `state` when the disk fails.
pub(in crate::batch) async fn run(task: &Task<'_>) -> Result<()> {
    let state = task.state();
    let now = task.context.effects.clock().now();
    let counts = state.counts();
    let mut writing = Writing {
        // Rows without an outcome belong to items that were in flight.
        rows: task.context.store.writer(&task.place, state.extent(), state.in_doubt() > 0)?,
        failures: task.context.store.failures(&task.place, task.origin()),
        tally: state.tally,
        items_in: 0,
        bad: (counts.failed, counts.unknown),
        began: now,
        told: now,
        first: None,
        unsent: 0,
        stop: Cancel::default(),
        options: None,
        again: None,
        state,
        task,
    };
    let mut ended = writing.all().await;
    if ended.is_ok() {
        ended = writing.verify().await;
    }
    let kept = task.context.ledger.commit(Vec::new(), writing.rows.unsaved()).await;
    ended.and(kept)?;
    let done = writing.done();
    task.context.ledger.commit(vec![done], Vec::new()).await
}

impl Writing<'_, '_> {
    async fn all(&mut self) -> Result<()> {
        match &self.task.step.each {
            Some(_) => self.elements().await,
            None => self.items().await,
        }
    }

    /// Looks for the records of items with an unknown outcome. What is not there is sent again, once.
    async fn verify(&mut self) -> Result<()> {
        let task = self.task;
        let Some(verify) = &task.step.verify else { return Ok(()) };
        for round in 0..2 {
            let unknown = task.state().unknown;
            if unknown.is_empty() {
                return Ok(());
            }
            task.context.ledger.commit(Vec::new(), self.rows.unsaved()).await?;
            let mut items = task.context.store.failed_items(&task.place)?;
            items.retain(|key, _| unknown.contains(key));
            let found = verify::look(&task.look_up(verify), &items).await?;
            let again = verify::not_done(&found);
            for line in verify::told(unknown.len(), &found, round == 0) {
                task.note(line).await;
            }
            for (key, found) in found {
                self.verified(key, found, items.get(&key).and_then(|content| content.item.as_deref())).await?;
            }
            if again.is_empty() || round > 0 {
                return Ok(());
            }
            task.context.ledger.commit(Vec::new(), self.rows.unsaved()).await?;
            self.state = task.state();
            (self.state.tally, self.began) = (self.tally, self.now());
            self.again = Some(again);
            self.first = None;
            self.all().await?;
        }
        Ok(())
    }

    /// Records what was found out about an item.
    async fn verified(&mut self, (element, index): (u64, u64), found: FoundRecord, item: Option<&str>) -> Result<()> {
        let (status, items, error) = match found {
            FoundRecord::Done(record) => (OutcomeStatus::Ok, record.map(Items::one).unwrap_or_default(), None),
            FoundRecord::NotDone => (OutcomeStatus::Failed, Items::default(), Some(verify::not_there())),
            FoundRecord::Undecided(_) => return Ok(()),
        };
        self.bad.1 = self.bad.1.saturating_sub(1);
        let outcome = Outcome { index, status, http_status: None, items, location: None, error, attempts: 0 };
        self.record(element, &outcome, item, false).await
    }

    /// One call after the other over the items; the connection decides how many requests are in flight.
    async fn items(&mut self) -> Result<()> {
        let task = self.task;
        let options = options(task.step, &task.scope)?;
        let mut writes = Sending::open(task, &self.stop, 0, options)?;
        self.options = Some(writes.options().clone());
        let Some(source) = &task.step.items else {
            self.items_in = 1;
            if self.decide(0, 0) == Move::Send {
                self.part(&mut writes, 0, None).await?;
            } else {
                self.settle(0, 0, None).await?;
            }
            return self.verdict();
        };
        if task.step.on_error == OnErrorFile::Stop && !self.state.has_sent() {
            self.check_all(&writes)?;
        }
        let mut inputs = Inputs::open(source, task.step, &task.scope)?.edited(&self.state, 0);
        let mut call: Vec<String> = Vec::new();
        let (mut first, mut bytes) = (0, 0);
        let (count_max, bytes_max) = self.call_size();
        // The items of a job that is waited for are one request again: a call of their own.
        let mut job_ends = None;
        loop {
            let input = inputs.next_input()?;
            let decided =
                input.as_ref().map(|(index, made)| if made.is_ok() { self.decide(0, *index) } else { Move::Pass });
            let job = input.as_ref().and_then(|(index, _)| self.state.job_at(0, *index)).filter(|count| *count > 1);
            let ends = job.is_some() || (job_ends.is_some() && job_ends == input.as_ref().map(|(index, _)| *index));
            let full = call.len() >= count_max || bytes >= bytes_max || ends;
            if !call.is_empty() && (full || decided != Some(Move::Send)) {
                self.part(&mut writes, first, Some(std::mem::take(&mut call))).await?;
                bytes = 0;
                if self.is_stopped() || self.unsent > 0 {
                    break;
                }
            }
            let Some((index, made)) = input else { break };
            if let Some(count) = job {
                job_ends = Some(index + count);
            }
            self.items_in = index + 1;
            let item = match made {
                Ok(item) => item,
                Err((element, error)) if task.step.on_error == OnErrorFile::Continue => {
                    self.unmade(index, &element, error).await?;
                    continue;
                }
                Err((_, error)) => return Err(error),
            };
            if decided == Some(Move::Send) {
                if call.is_empty() {
                    first = index;
                }
                bytes += item.len();
                call.push(item);
            } else {
                self.settle(0, index, Some(&item)).await?;
            }
        }
        self.verdict()
    }

    /// Maximum number of items of one call, and of their bytes.
    fn call_size(&self) -> (usize, usize) {
        let operation = &self.task.step.operation;
        (operation.items_per_call(), if operation.items_per_request == Some(1) { CALL.1 } else { usize::MAX })
    }

    /// Invalid items are reported before the first one is sent.
    fn check_all(&self, writes: &Sending<'_>) -> Result<()> {
        let Some(source) = &self.task.step.items else { return Ok(()) };
        let mut inputs = Inputs::open(source, self.task.step, &self.task.scope)?.edited(&self.state, 0);
        loop {
            let mut part = Vec::new();
            let mut first = 0;
            while part.len() < CALL.0 {
                let Some((index, item)) = inputs.next().transpose()? else { break };
                if part.is_empty() {
                    first = index;
                }
                part.push(item);
            }
            if part.is_empty() {
                return Ok(());
            }
            self.task.context.check_stop()?;
            writes.check(first, &part)?;
        }
    }

    fn decide(&self, element: u64, index: u64) -> Move {
        if let Some(again) = &self.again {
            return if again.contains(&(element, index)) { Move::Send } else { Move::Pass };
        }
        let again = self.task.context.sends_again(self.task.step, (element, index));
        decide(self.task.step, again, &self.state, element, index)
    }

    /// The outcome of an item that could not be built from its element, if it has none yet.
    async fn unmade(&mut self, index: u64, element: &str, error: Error) -> Result<()> {
        match self.decide(0, index) {
            Move::Send => self.record(0, &refused_item(index, error), Some(element), false).await,
            Move::Pass | Move::Report | Move::Skip => self.settle(0, index, Some(element)).await,
        }
    }

    /// Gives an unsent item its outcome, if it has none.
    async fn settle(&mut self, element: u64, index: u64, item: Option<&str>) -> Result<()> {
        match in_doubt(self.decide(element, index), index) {
            Some(outcome) => self.record(element, &outcome, item, false).await,
            None => Ok(()),
        }
    }

    /// Sends a part; its outcomes are recorded as they arrive.
    async fn part(&mut self, writes: &mut Sending<'_>, first: u64, items: Option<Vec<String>>) -> Result<()> {
        if let Err(error) = writes.give(first, items.clone()) {
            return self.refused(writes, first, items, error).await;
        }
        for note in writes.notes() {
            self.task.note(note).await;
        }
        while let Some(outcome) = writes.next().await {
            let sum = self.state.tally + writes.usage();
            self.tally = Usage { pages: 0, elapsed_ms: self.elapsed(), ..sum };
            self.record(0, &outcome, writes.item(outcome.index), true).await?;
        }
        writes.take_lost().map_or(Ok(()), Err)
    }

    /// A part that was refused before sending. With `continue`, the items at fault are found, and the others are sent.
    async fn refused(
        &mut self,
        writes: &mut Sending<'_>,
        first: u64,
        items: Option<Vec<String>>,
        error: Error,
    ) -> Result<()> {
        let mut items = items.unwrap_or_default();
        if error.kind() != ErrorKind::InvalidItems || self.task.step.on_error == OnErrorFile::Stop {
            return Err(error);
        }
        if items.len() < 2 {
            let outcome = refused_item(first, error);
            return self.record(0, &outcome, items.first().map(String::as_str), true).await;
        }
        let half = items.len() / 2;
        let rest = items.split_off(half);
        Box::pin(self.part(writes, first, Some(items))).await?;
        Box::pin(self.part(writes, first + half as u64, Some(rest))).await
    }

    /// Records rows, then their outcome. `stops` if a failure ends a step that stops at failures.
    async fn record(&mut self, element: u64, outcome: &Outcome, item: Option<&str>, stops: bool) -> Result<()> {
        let is_gone = outcome.error.as_ref().is_some_and(|e| e.kind() == ErrorKind::NotFound)
            && self.task.step.method == Method::Delete;
        // In flight when the run was killed, sent again and not found: it was done then, as after an attempt of the
        // same call.
        let done = (is_gone && self.state.item_state(element, outcome.index) == ItemState::InDoubt)
            .then(|| already_gone(outcome));
        let outcome = done.as_ref().unwrap_or(outcome);
        let index = if self.task.step.each.is_some() { element } else { outcome.index };
        if outcome.status == OutcomeStatus::Skipped {
            if let Some(error) = outcome.error.as_ref().filter(|e| e.kind() == ErrorKind::State) {
                return Err(error.clone());
            }
            self.unsent += 1;
            return Ok(());
        }
        outcome.items.iter().for_each(|row| self.rows.push(row.as_str()));
        self.rows.flush()?;
        let mut before = self.rows.unsaved();
        if let Some(error) = &outcome.error {
            let failed = FailedItem {
                element,
                index: outcome.index,
                status: outcome.status,
                item,
                options: self.options.as_ref(),
                error,
                at: self.task.now(),
            };
            before.extend(self.failures.push(&failed)?);
            self.first.get_or_insert_with(|| (index, error.clone()));
            let again = self.state.item_state(element, outcome.index) == ItemState::Failed;
            match outcome.status {
                OutcomeStatus::Unknown => self.bad.1 += 1,
                _ if again => {}
                _ => self.bad.0 += 1,
            }
            let event =
                Event::ItemFailed { step: self.task.name(), index, status: outcome.status, error: error.clone() };
            self.task.context.tell(event).await;
            if stops && self.task.step.on_error == OnErrorFile::Stop {
                self.stop.cancel();
            }
        }
        let fact = Fact::Outcome {
            step: self.task.key.clone(),
            element,
            index: outcome.index,
            status: outcome.status,
            extent: self.rows.measure().extent(),
            tally: self.tally,
        };
        self.task.context.ledger.note(vec![fact], before);
        self.tell().await;
        Ok(())
    }

    /// Each element of a `for` is a separate call; several run at once, their outcomes are in order.
    async fn elements(&mut self) -> Result<()> {
        let task = self.task;
        let Some(source) = &task.step.each else { return Ok(()) };
        let again = task.context.retries(task.step, &self.state) || self.again.is_some();
        let first = if again { 0 } else { self.state.element };
        let over = Arc::new(AtomicBool::new(false));
        let failed: BTreeSet<u64> = self.state.failed.iter().map(|(element, _)| *element).collect();
        let only = Arc::new(self.again.clone());
        let elements = Elements::open(source, &task.scope)?.filter(|e| {
            e.as_ref().map_or(true, |(number, _)| if again { failed.contains(number) } else { *number >= first })
        });
        let known = Arc::new(self.state.clone());
        let stop = self.stop.clone();
        let calls = {
            let (over, stop, only) = (Arc::clone(&over), stop.clone(), Arc::clone(&only));
            stream::iter(elements.take_while(move |_| !over.load(Ordering::Relaxed))).map(move |element| {
                let (known, stop, only) = (Arc::clone(&known), stop.clone(), Arc::clone(&only));
                async move {
                    let (number, item) = element?;
                    let sent = send_element(task, (&known, (*only).as_ref()), &stop, number, &item).await;
                    Ok::<_, Error>((number, item, sent))
                }
            })
        };
        let mut calls = std::pin::pin!(calls.buffered(task.step.parallel));
        let mut lost = None;
        while let Some(call) = calls.next().await {
            let (number, item, sent) = call?;
            self.items_in = number + 1;
            if let Err(error) = self.record_element(number, &item, sent).await {
                // Elements in flight still get their outcomes, as far as the disk accepts them.
                over.store(true, Ordering::Relaxed);
                stop.cancel();
                lost.get_or_insert(error);
            }
            if self.is_stopped() {
                over.store(true, Ordering::Relaxed);
            }
        }
        match lost {
            Some(error) => Err(error),
            None => self.verdict(),
        }
    }

    async fn record_element(&mut self, number: u64, item: &str, sent: SentElement) -> Result<()> {
        let SentElement { outcomes, usage, complete, lost, options } = sent;
        self.options = options;
        self.tally = Usage { pages: 0, elapsed_ms: self.elapsed(), ..self.tally + usage };
        for (outcome, own) in &outcomes {
            let stops = outcome.attempts > 0 || outcome.status == OutcomeStatus::Failed;
            self.record(number, outcome, Some(own.as_deref().unwrap_or(item)), stops).await?;
        }
        if let Some(error) = lost {
            return Err(error);
        }
        // Earlier elements are complete too, because outcomes are in order.
        if complete && !self.state.done {
            self.task
                .context
                .ledger
                .note(vec![Fact::Element { step: self.task.key.clone(), element: number }], Vec::new());
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_cancelled() || self.task.context.ledger.stop.is_cancelled()
    }

    /// The result of the step when nothing more is sent.
    fn verdict(&mut self) -> Result<()> {
        match self.first.take() {
            Some((index, error)) if self.stop.is_cancelled() => Err(error.with(|d| {
                d.message = format!("item {index}: {}", d.message);
                let rest = match d.kind == ErrorKind::UnknownOutcome {
                    true => "the step stopped; run it again to send the remaining items",
                    false => "the step stopped; run it again to continue with this item, or set `on_error: continue` in the step",
                };
                d.advice = Some(d.advice.take().map_or_else(|| rest.into(), |own| own.and(rest)));
            })),
            // If they counted as done they would never be sent.
            Some((_, error)) if self.unsent > 0 && self.task.context.check_stop().is_ok() => Err(error.with(|d| {
                d.message = format!("{}; {} items were not sent", d.message, self.unsent);
                let rest = "the step stopped; run it again to send the remaining items";
                d.advice = Some(d.advice.take().map_or_else(|| rest.into(), |own| own.and(rest)));
            })),
            first => {
                self.first = first;
                self.task.context.check_stop()
            }
        }
    }

    fn now(&self) -> Duration {
        self.task.context.effects.clock().now()
    }

    fn elapsed(&self) -> u64 {
        self.state.tally.elapsed_ms + self.now().saturating_sub(self.began).as_millis() as u64
    }

    fn done(&self) -> Fact {
        let counts = self.task.state().counts();
        let tally = Usage { elapsed_ms: self.elapsed(), ..self.tally };
        // Items of elements are counted by outcome.
        let known = counts.ok + counts.failed + counts.unknown;
        let items_in = if self.task.step.each.is_some() { known } else { self.items_in.max(self.state.items_in) };
        let receipt = serde_json::json!({
            "requests": tally.requests, "retries": tally.retries, "items": self.rows.measure().rows(), "items_in": items_in,
            "ok": counts.ok, "failed": counts.failed, "unknown": counts.unknown,
        });
        let extent = self.rows.measure().extent();
        let inputs = self.task.context.inputs_of(self.task.step);
        Fact::Done { step: self.task.key.clone(), skipped: false, items_in, extent, tally, receipt, inputs }
    }

    async fn tell(&mut self) {
        if self.now().saturating_sub(self.told).as_millis() < 100 {
            return;
        }
        self.told = self.now();
        let counts = StepCounts {
            items_in: self.items_in,
            items_out: self.rows.measure().rows(),
            failed: self.bad.0,
            unknown: self.bad.1,
            usage: self.tally,
        };
        self.task.progress(counts, None).await;
    }
}

fn already_gone(outcome: &Outcome) -> Outcome {
    let Outcome { index, http_status, attempts, .. } = *outcome;
    Outcome {
        index,
        status: OutcomeStatus::Ok,
        http_status,
        items: Items::default(),
        location: None,
        error: None,
        attempts,
    }
}
