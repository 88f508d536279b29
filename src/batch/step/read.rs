//! Query steps: walks write the step's rows, checkpoint after checkpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use super::context::Task;
use super::item_source::{Elements, shaped};
use super::marking::{Marking, MarkingPlace};
use super::outage::{OutagesPast, is_outage};
use super::prime::{Primed, prime};
use crate::batch::event::{Event, StepCounts};
use crate::batch::file::OnErrorFile;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::item::Items;
use crate::page::Page;
use crate::receipt::{OutcomeStatus, Receipt, Usage};
use crate::run_store::{Before, Fact, FailedItem, FailureWriter, Mark, Measure, RowWriter, StepState};
use crate::walk::Walk;

/// Maximum time and bytes between checkpoints: rows that are read again after a kill.
const CHECKPOINT: (Duration, u64) = (Duration::from_millis(250), 8 << 20);

/// A running query step.
struct StepReading<'t, 'r> {
    task: &'t Task<'r>,
    rows: Box<dyn RowWriter>,
    failures: Box<dyn FailureWriter>,
    state: StepState,
    /// Usage of finished walks.
    spent: Usage,
    /// The watermark that is a value of the rows.
    marking: Option<Marking>,
    /// The watermark that is a value that the operation keeps.
    kept_mark: Option<Mark>,
    /// Values that the operation keeps, as JSON text.
    kept: BTreeMap<String, String>,
    pending: Pending,
    /// The fact to record if the current walk breaks off: its last complete page.
    page: Option<Fact>,
    /// Pages of the current walk that an earlier run has read.
    pages: u64,
    began: Duration,
    told: Duration,
}

/// Rows since the last checkpoint.
struct Pending {
    since: Duration,
    bytes: u64,
}

/// Reads until nothing is left. Rows read before an error are kept.
///
/// # Errors
/// Those of the walks; `state` when the disk fails.
pub(in crate::batch) async fn run(task: &Task<'_>) -> Result<()> {
    let state = task.state();
    let marking = Marking::begin(task, &state)?;
    let kept_mark = state.mark.clone().filter(|_| marking.is_none());
    let now = task.context.effects.clock().now();
    let mut reading = StepReading {
        rows: task.context.store.writer(&task.place, state.extent(), true)?,
        failures: task.context.store.failures(&task.place, task.origin()),
        spent: state.tally,
        marking,
        kept_mark,
        kept: state.kept.clone(),
        pending: Pending { since: now, bytes: state.extent().bytes },
        page: None,
        pages: 0,
        began: now,
        told: now,
        state,
        task,
    };
    reading.page = Some(reading.read_at(reading.state.walk.clone(), reading.spent));
    let ended = reading.all().await;
    if ended.is_err() {
        // Rows before an error are valid, as at any other checkpoint.
        let before = reading.unsaved();
        let facts = reading.page.take().map(|page| reading.at_this_cost(page)).into_iter().collect();
        let kept = task.context.ledger.commit(facts, before).await;
        return ended.and(kept);
    }
    let note = reading.marking.as_ref().map(Marking::check).transpose()?.flatten();
    if let Some(note) = note {
        task.note(note).await;
    }
    let done = reading.done();
    reading.checkpoint(vec![done]).await
}

impl StepReading<'_, '_> {
    async fn all(&mut self) -> Result<()> {
        let task = self.task;
        let again = task.context.retries(task.step, &self.state);
        let first = if again { 0 } else { self.state.element };
        let elements: Box<dyn Iterator<Item = Result<(u64, Option<String>)>> + Send> = match &task.step.each {
            None => Box::new(std::iter::once(Ok((0, None)))),
            Some(source) => {
                Box::new(Elements::open(source, &task.scope)?.map(|e| e.map(|(number, item)| (number, Some(item)))))
            }
        };
        let mut failed = self.state.failed.clone();
        failed.retain(|item| task.context.sends_again(task.step, *item));
        let wanted = move |number: u64| if again { failed.contains(&(number, 0)) } else { number >= first };
        let elements = elements.filter(|e| e.as_ref().map_or(true, |(number, _)| wanted(*number)));
        let resume = self.state.walk.take().filter(|_| !again);
        let stop = task.context.ledger.stop.clone();
        let walks = stream::iter(elements.take_while(|_| !stop.is_cancelled())).map(|element| {
            let resume = resume.clone();
            async move {
                let (number, item) = element?;
                Ok::<_, Error>(prime(task, number, item, resume.filter(|_| number == first)).await)
            }
        });
        let mut walks = std::pin::pin!(walks.buffered(task.step.parallel));
        while let Some(primed) = walks.next().await {
            self.element(primed?).await?;
        }
        task.context.check_stop()
    }

    /// One element's walk, from its first page to its end.
    async fn element(&mut self, primed: Primed) -> Result<()> {
        let Primed { element, item, scope, pages, mut begun } = primed;
        self.pages = pages;
        let before = (self.rows.measure().clone(), self.state.items, self.kept.clone());
        let marked = self.marking.as_ref().map(Marking::place);
        let (mut past, mut is_down) = (OutagesPast::default(), false);
        let outcome = loop {
            let outcome = match begun {
                Ok((walk, first)) => self.walk(element, &scope, walk, first).await,
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if is_outage(&error) && self.task.waits() => {
                    if let Err(over) = self.task.wait_out(error, &mut past).await {
                        is_down = true;
                        break Err(over);
                    }
                    begun = self.begin_again(element, item.as_deref(), &before, marked.as_ref()).await;
                }
                other => break other,
            }
        };
        let Err(error) = outcome else {
            self.state.element = self.state.element.max(element + 1);
            self.page = Some(self.read(None));
            let settled = if self.state.failed.remove(&(element, 0)) {
                Some(self.outcome(element, OutcomeStatus::Ok))
            } else {
                None
            };
            return self.checkpoint_if_due(settled).await;
        };
        // Refused credentials are refused for every element.
        let fatal = matches!(
            error.kind(),
            ErrorKind::State | ErrorKind::Cancelled | ErrorKind::Internal | ErrorKind::Unauthenticated
        );
        // An outage is not the fault of an element: the others would fail too, each after its own wait.
        if fatal || is_down || self.task.step.each.is_none() || self.task.step.on_error == OnErrorFile::Stop {
            return Err(match item {
                Some(_) => error.with(|d| d.message = format!("element {element}: {}", d.message)),
                None => error,
            });
        }
        // An element counts as a whole or not at all, so that it can be read again.
        let (place, items, kept) = before;
        (self.state.items, self.kept) = (items, kept);
        if let (Some(marking), Some(marked)) = (&mut self.marking, marked) {
            marking.rewind(marked)?;
        }
        self.state.element = self.state.element.max(element + 1);
        // No fact records its rows yet.
        self.rows.rewind(place)?;
        let failed = FailedItem {
            element,
            index: 0,
            status: OutcomeStatus::Failed,
            item: item.as_deref(),
            options: None,
            error: &error,
            at: self.task.now(),
        };
        let mut safe = self.failures.push(&failed)?;
        safe.extend(self.unsaved());
        let facts = vec![self.read(None), self.outcome(element, OutcomeStatus::Failed)];
        self.task.context.ledger.commit(facts, safe).await?;
        self.page = Some(self.read(None));
        self.state.failed.insert((element, 0));
        let step = self.task.name();
        self.task.context.tell(Event::ItemFailed { step, index: element, status: OutcomeStatus::Failed, error }).await;
        Ok(())
    }

    /// Starts a walk again that an outage has broken off: after its last page if that is possible, else from its
    /// beginning.
    async fn begin_again(
        &mut self,
        element: u64,
        item: Option<&str>,
        (place, items, kept): &(Measure, u64, BTreeMap<String, String>),
        marked: Option<&MarkingPlace>,
    ) -> Result<(Walk, Option<Result<Page>>)> {
        let resume = match &self.page {
            Some(Fact::Read { walk: Some(walk), extent, element: own, .. })
                if *own == element && *extent == self.rows.measure().extent() =>
            {
                Some(walk.clone())
            }
            _ => None,
        };
        if resume.is_none() {
            (self.state.items, self.kept) = (*items, kept.clone());
            if let (Some(marking), Some(marked)) = (&mut self.marking, marked) {
                marking.rewind(marked.clone())?;
            }
            self.rows.rewind(place.clone())?;
        }
        let primed = prime(self.task, element, item.map(str::to_owned), resume).await;
        self.pages = primed.pages;
        primed.begun
    }

    async fn walk(&mut self, element: u64, scope: &Scope, mut walk: Walk, first: Option<Result<Page>>) -> Result<()> {
        let mut seen = walk.receipt().items.saturating_sub(first.iter().flatten().map(|p| p.items.len() as u64).sum());
        let mut next = first;
        while let Some(page) = next.take() {
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    self.cost(walk.receipt());
                    return Err(error);
                }
            };
            self.rows(&page.items, scope, seen)?;
            seen += page.items.len() as u64;
            self.state.items += page.items.len() as u64;
            self.rows.flush()?;
            self.marking.as_mut().map_or(Ok(()), Marking::flush)?;
            self.kept.extend(walk.receipt().kept.texts());
            let resume = walk.resume().cloned();
            if walk.receipt().stop.is_none() {
                // Without a cursor to resume from, the previous checkpoint remains the last.
                if let Some(resume) = resume.filter(|_| element >= self.state.element && !self.is_whole_or_nothing()) {
                    self.state.element = element;
                    let now = self.cost_now(walk.receipt());
                    let fact = self.read_at(Some(resume), now);
                    self.page = Some(fact.clone());
                    if self.is_due() {
                        self.checkpoint(vec![fact]).await?;
                    }
                }
                self.tell(walk.receipt()).await;
                self.task.check_stop()?;
            }
            next = walk.next().await;
        }
        let receipt = walk.receipt().clone();
        self.mark_kept(&receipt)?;
        self.cost(&receipt);
        self.state.incomplete |= !receipt.complete;
        if let Some(name) = self.kept_mark().filter(|name| receipt.kept.get(name).is_none()) {
            self.task.note(format!("no reply had the kept value `{name}`, so the watermark stays as it is")).await;
        }
        for note in receipt.notes {
            self.task.note(note).await;
        }
        Ok(())
    }

    /// Adds a page's rows; `seen` is the number of earlier items of the walk.
    fn rows(&mut self, items: &Items, scope: &Scope, seen: u64) -> Result<()> {
        let has_shape = self.task.step.keep.is_some() || self.task.step.map.is_some();
        if !has_shape && self.marking.is_none() {
            self.rows.add(items);
            return Ok(());
        }
        for (number, item) in (seen..).zip(items.iter()) {
            if let Some(marking) = &mut self.marking
                && !marking.is_new(item)?
            {
                continue;
            }
            if !has_shape {
                self.rows.push(item.as_str());
            } else if let Some(row) = shaped(self.task.step, scope, item.as_str(), number)? {
                self.rows.push(&row);
            }
        }
        Ok(())
    }

    /// The kept value that is the watermark.
    fn kept_mark(&self) -> Option<&'_ str> {
        self.task.step.watermark.as_ref()?.kept.as_deref()
    }

    /// Sets a watermark that is a kept value. The last one counts, because such a value has no order.
    fn mark_kept(&mut self, receipt: &Receipt) -> Result<()> {
        let kept = self.kept_mark().and_then(|name| Some((name, receipt.kept.get(name)?)));
        let Some((name, json)) = kept else { return Ok(()) };
        let wrong = || {
            let message = format!("the kept value `{name}` is the watermark, but neither a text nor a number");
            Error::new(ErrorKind::BadResponse, message)
        };
        self.kept_mark = Some(Mark::parse(json).ok_or_else(wrong)?);
        Ok(())
    }

    /// Files that must be synced before a fact about the rows.
    fn unsaved(&mut self) -> Before {
        let marking = self.marking.as_mut().map(Marking::unsaved).unwrap_or_default();
        self.rows.unsaved().into_iter().chain(marking).collect()
    }

    /// Whether rows of an element that fails later are removed: a cursor within it cannot be resumed then.
    fn is_whole_or_nothing(&self) -> bool {
        self.task.step.each.is_some() && self.task.step.on_error == OnErrorFile::Continue
    }

    /// A fact about the rows that are safe on disk, with the usage since the last one.
    fn at_this_cost(&self, fact: Fact) -> Fact {
        match fact {
            Fact::Read { step, element, walk, extent, items, mark, seen, kept, incomplete, .. } => {
                let tally = Usage { elapsed_ms: self.elapsed(), ..self.spent };
                Fact::Read { step, element, walk, extent, items, mark, seen, kept, tally, incomplete }
            }
            other => other,
        }
    }

    fn cost(&mut self, receipt: &Receipt) {
        self.spent = self.cost_now(receipt);
    }

    /// The step's usage, including the current walk.
    fn cost_now(&self, receipt: &Receipt) -> Usage {
        // Pages of a resumed walk count from its start; those of an earlier run are already in the sum.
        let pages = receipt.pages.saturating_sub(self.pages);
        let sum = self.spent + Usage { pages, ..receipt.usage() };
        Usage { elapsed_ms: self.elapsed(), ..sum }
    }

    fn now(&self) -> Duration {
        self.task.context.effects.clock().now()
    }

    fn elapsed(&self) -> u64 {
        self.state.tally.elapsed_ms + self.now().saturating_sub(self.began).as_millis() as u64
    }

    fn read(&self, walk: Option<crate::call::Resume>) -> Fact {
        self.read_at(walk, Usage { elapsed_ms: self.elapsed(), ..self.spent })
    }

    fn read_at(&self, walk: Option<crate::call::Resume>, tally: Usage) -> Fact {
        Fact::Read {
            step: self.task.key.clone(),
            element: self.state.element,
            walk,
            extent: self.rows.measure().extent(),
            items: self.state.items,
            mark: self.marking.as_ref().map(|marking| marking.mark.clone()).or_else(|| self.kept_mark.clone()),
            seen: self.marking.as_ref().map(Marking::extent),
            kept: self.kept.clone(),
            tally,
            incomplete: self.state.incomplete,
        }
    }

    fn outcome(&self, element: u64, status: OutcomeStatus) -> Fact {
        let (extent, tally) = (self.rows.measure().extent(), self.spent);
        Fact::Outcome { step: self.task.key.clone(), element, index: 0, status, extent, tally }
    }

    fn done(&mut self) -> Fact {
        let tally = Usage { elapsed_ms: self.elapsed(), ..self.spent };
        let receipt = serde_json::json!({
            "requests": tally.requests, "retries": tally.retries, "pages": tally.pages, "items": self.state.items, "failed": self.state.failed.len(),
            "complete": !self.state.incomplete,
        });
        Fact::Done {
            step: self.task.key.clone(),
            skipped: false,
            items_in: self.state.items,
            extent: self.rows.measure().extent(),
            tally,
            receipt,
            inputs: self.task.context.inputs_of(self.task.step),
        }
    }

    fn is_due(&self) -> bool {
        self.now().saturating_sub(self.pending.since) >= CHECKPOINT.0
            || self.rows.measure().bytes().saturating_sub(self.pending.bytes) >= CHECKPOINT.1
    }

    async fn checkpoint_if_due(&mut self, settled: Option<Fact>) -> Result<()> {
        if settled.is_none() && !self.is_due() {
            return Ok(());
        }
        let facts = std::iter::once(self.read(None)).chain(settled).collect();
        self.checkpoint(facts).await
    }

    /// Rows first, then the facts about them.
    async fn checkpoint(&mut self, mut facts: Vec<Fact>) -> Result<()> {
        if let Some(Fact::Done { .. }) = facts.last() {
            facts.insert(0, self.read(None));
        }
        let before = self.unsaved();
        self.task.context.ledger.commit(facts, before).await?;
        self.pending = Pending { since: self.now(), bytes: self.rows.measure().bytes() };
        Ok(())
    }

    async fn tell(&mut self, receipt: &Receipt) {
        if self.now().saturating_sub(self.told) < Duration::from_millis(100) {
            return;
        }
        self.told = self.now();
        let tally = self.cost_now(receipt);
        let counts = StepCounts {
            items_in: self.state.items,
            items_out: self.rows.measure().rows(),
            failed: self.state.failed.len() as u64,
            usage: tally,
            ..StepCounts::default()
        };
        self.task.progress(counts, receipt.advertised_total).await;
    }
}
