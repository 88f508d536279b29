//! The state of a run, rebuilt from its facts. Pure: the same facts give the same state, in the run that records them
//! and in the one that reads them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::addition::Addition;
use super::extent::{Extent, Marks, Sum};
use super::fact::{AddedRows, Fact, JOURNAL_VERSION, LoadedFile};
use crate::call::Resume;
use crate::receipt::{OutcomeCounts, OutcomeStatus, Usage};
use crate::row_file::RowPosition;
use crate::send::JobHandle;

/// The state of a run.
#[derive(Debug, Default)]
pub(crate) struct RunState {
    pub(crate) run: String,
    /// The version of its journal.
    pub(crate) version: u32,
    /// The digest of the watermarks file at the start of the run or of its last retry of failed items.
    pub(crate) watermarks: Option<Sum>,
    pub(crate) steps: BTreeMap<String, StepState>,
    pub(crate) jobs: BTreeSet<String>,
    pub(crate) ended: bool,
    /// The failed items of an ended run are being retried.
    pub(crate) again: bool,
    /// When its last fact with a time was recorded: Unix time in seconds.
    pub(super) last_seen: u64,
    /// When it first stopped before its end, or ended with items left.
    pub(super) interrupted: Option<u64>,
}

/// The state of one step of one job.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepState {
    pub(crate) started: bool,
    /// Number of finished elements of a `for`, which is also the index of the current one.
    pub(crate) element: u64,
    /// Where the current walk resumes.
    pub(crate) walk: Option<Resume>,
    /// The rows in the spool.
    pub(crate) marks: Marks,
    /// Returned records, before `where` is applied.
    pub(crate) items: u64,
    /// The largest value that the watermark has seen.
    pub(crate) mark: Option<super::watermark::Mark>,
    /// The rows that were passed on at or after the watermark.
    pub(crate) seen: Extent,
    /// The position in the files that it loads, and the files.
    pub(crate) loaded: Option<(u64, RowPosition)>,
    pub(crate) files: Vec<LoadedFile>,
    /// Values that the operation keeps, as JSON text.
    pub(crate) kept: BTreeMap<String, String>,
    pub(crate) tally: Usage,
    /// The end of a list was not seen, or announced items are missing.
    pub(crate) incomplete: bool,
    pub(crate) ok: u64,
    /// The items of the first element that succeeded, in the order of their rows: the first of neighbours, and their number.
    pub(crate) written: Vec<(u64, u64)>,
    /// Items whose last outcome is a failure, by element and index. For a `for` that reads, the elements (index 0).
    pub(crate) failed: BTreeSet<(u64, u64)>,
    pub(crate) unknown: BTreeSet<(u64, u64)>,
    /// Items that a person has settled.
    pub(crate) settled: BTreeMap<(u64, u64), Settlement>,
    /// Items that a person has replaced, as JSON text.
    pub(crate) edited: BTreeMap<(u64, u64), String>,
    /// Elements of a `for` that reads that had failed and were read later, in this order.
    pub(crate) recovered: Vec<u64>,
    open: HashMap<u64, OpenWrite>,
    /// Accepted jobs whose end is not recorded, by element and first item, each with its number of items.
    jobs: BTreeMap<(u64, u64), (u64, JobHandle)>,
    pub(crate) items_in: u64,
    /// Rows of the earlier steps that it was done with, by their ids.
    pub(crate) inputs: BTreeMap<String, u64>,
    pub(crate) receipt: serde_json::Value,
    pub(crate) done: bool,
    pub(crate) skipped: bool,
    pub(crate) saved: bool,
    /// What was added to the ends of files, by their paths.
    pub(crate) additions: BTreeMap<String, Addition>,
    /// How often it has begun anew.
    pub(crate) resets: u64,
}

/// How a person settled an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settlement {
    /// What it was before.
    pub(crate) status: OutcomeStatus,
    /// Unix time in seconds; 0 if it was not recorded.
    pub(crate) at: u64,
    pub(crate) note: Option<String>,
}

/// Items of a write in progress.
#[derive(Clone, Debug, Default)]
struct OpenWrite {
    /// All items below have outcomes.
    next: u64,
    /// Items above `next` that have outcomes.
    beyond: BTreeSet<u64>,
    /// Items that may have been sent and have no outcome.
    intended: BTreeSet<u64>,
}

/// The known state of an item of a write before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemState {
    /// It was never sent.
    New,
    /// It was sent, and its outcome was not recorded.
    InDoubt,
    /// It failed; it may be sent again.
    Failed,
    /// It has a final outcome.
    Settled,
}

impl RunState {
    /// The state of a run that begins now.
    pub(crate) fn begun(run: String, watermarks: Option<Sum>, now: u64) -> RunState {
        let mut state = RunState::default();
        state.apply(&Fact::Journal { version: JOURNAL_VERSION, run, watermarks });
        state.apply(&Fact::Begun { at: now });
        state
    }

    pub(crate) fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Journal { version, run, watermarks } => {
                run.clone_into(&mut self.run);
                self.version = *version;
                self.watermarks = *watermarks;
            }
            Fact::Job { job } => {
                self.jobs.insert(job.clone());
            }
            Fact::Again { watermarks } => {
                self.watermarks = *watermarks;
                self.ended = false;
                self.again = true;
                self.jobs.clear();
                for step in self.steps.values_mut().filter(|s| !s.failed.is_empty()) {
                    step.saved = false;
                }
            }
            Fact::Ended { at, .. } => {
                self.ended = true;
                self.again = false;
                self.stopped(*at);
            }
            Fact::Begun { at } => {
                if self.last_seen > 0 {
                    self.stopped(self.last_seen);
                }
                self.last_seen = *at;
            }
            Fact::Time { at } => self.last_seen = *at,
            Fact::Paused { at } => self.stopped(*at),
            Fact::Reset { step } => {
                let before = self.steps.remove(step).unwrap_or_default();
                let (mut additions, resets) = (before.additions, before.resets + 1);
                additions.values_mut().for_each(|addition| addition.is_outdated = true);
                self.steps.insert(step.clone(), StepState { additions, resets, ..StepState::default() });
            }
            Fact::Started { step }
            | Fact::Read { step, .. }
            | Fact::Loaded { step, .. }
            | Fact::Intended { step, .. }
            | Fact::Accepted { step, .. }
            | Fact::Outcome { step, .. }
            | Fact::Element { step, .. }
            | Fact::Settled { step, .. }
            | Fact::Released { step, .. }
            | Fact::Edited { step, .. }
            | Fact::Reopened { step, .. }
            | Fact::Done { step, .. }
            | Fact::Adding { step, .. }
            | Fact::Saved { step } => self.steps.entry(step.clone()).or_default().apply(fact),
        }
    }

    fn stopped(&mut self, at: u64) {
        self.last_seen = at;
        self.interrupted.get_or_insert(at);
    }

    /// Whether every step is done and no item is left; also if it has ended in an earlier build, whose items this one
    /// cannot send.
    pub(crate) fn is_over(&self) -> bool {
        self.ended && (!self.has_left() || self.is_of_earlier_build())
    }

    /// Whether an earlier build wrote its journal.
    pub(crate) fn is_of_earlier_build(&self) -> bool {
        self.version < JOURNAL_VERSION
    }

    /// Whether items failed or are in doubt, and nobody has settled them.
    pub(crate) fn has_left(&self) -> bool {
        self.steps.values().any(|step| step.left() > 0)
    }

    /// Seconds since it was first interrupted, or since it was last seen if it was not.
    pub(crate) fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.interrupted.unwrap_or(self.last_seen))
    }

    /// The state of a step; the default for a step that has not started.
    pub(crate) fn step(&self, key: &str) -> StepState {
        self.steps.get(key).cloned().unwrap_or_default()
    }
}

impl StepState {
    pub(crate) fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Started { .. } => self.started = true,
            Fact::Read { element, walk, extent, items, mark, seen, kept, tally, incomplete, .. } => {
                self.seen = seen.unwrap_or_default();
                self.kept.clone_from(kept);
                // Rows of the walk, or of a later one, are recorded; a cursor contains its job.
                if walk.is_some() || self.element < *element {
                    self.jobs.retain(|(own, _), _| own > element);
                }
                self.element = *element;
                self.incomplete = *incomplete;
                self.walk.clone_from(walk);
                self.marks.note(*extent);
                (self.items, self.tally) = (*items, *tally);
                self.mark.clone_from(mark);
            }
            Fact::Loaded { file, position, files, extent, items, elapsed_ms, .. } => {
                self.loaded = Some((*file, position.clone()));
                if !files.is_empty() {
                    self.files.clone_from(files);
                }
                self.marks.note(*extent);
                self.items = *items;
                self.tally.elapsed_ms = *elapsed_ms;
            }
            Fact::Intended { element, first, count, .. } => {
                self.open.entry(*element).or_default().intended.extend(*first..first.saturating_add(*count));
            }
            Fact::Accepted { element, first, count, job, .. } => {
                self.jobs.insert((*element, *first), (*count, job.clone()));
            }
            Fact::Outcome { element, index, status, extent, tally, .. } => {
                self.settle(*element, *index, *status);
                self.marks.note(*extent);
                self.tally = *tally;
            }
            Fact::Element { element, .. } => {
                self.element = element + 1;
                self.open.remove(element);
                self.jobs.retain(|(own, _), _| own != element);
            }
            Fact::Done { skipped, items_in, extent, tally, receipt, inputs, .. } => {
                self.inputs.clone_from(inputs);
                self.done = true;
                self.skipped = *skipped;
                self.marks.note(*extent);
                (self.items_in, self.tally) = (*items_in, *tally);
                self.receipt.clone_from(receipt);
                self.open.clear();
                self.jobs.clear();
            }
            Fact::Adding { files, .. } => self.adding(files),
            Fact::Saved { .. } => self.saved(),
            Fact::Reopened { by_element, .. } => {
                (self.done, self.saved) = (false, false);
                if !by_element {
                    self.open.entry(0).or_default().next = self.items_in;
                }
            }
            Fact::Settled { element, index, at, note, .. } => self.settled((*element, *index), *at, note.clone()),
            Fact::Released { element, index, .. } => self.released((*element, *index)),
            Fact::Edited { element, index, item, .. } => drop(self.edited.insert((*element, *index), item.clone())),
            Fact::Journal { .. }
            | Fact::Job { .. }
            | Fact::Again { .. }
            | Fact::Ended { .. }
            | Fact::Begun { .. }
            | Fact::Time { .. }
            | Fact::Paused { .. }
            | Fact::Reset { .. } => {}
        }
    }

    fn adding(&mut self, files: &[AddedRows]) {
        let begun = |rows: &AddedRows| Addition { rows: rows.clone(), is_whole: false, is_outdated: false };
        self.additions.extend(files.iter().map(|rows| (rows.path.clone(), begun(rows))));
    }

    fn saved(&mut self) {
        self.saved = true;
        self.additions.values_mut().for_each(|addition| addition.is_whole = true);
    }

    fn settle(&mut self, element: u64, index: u64, status: OutcomeStatus) {
        let open = self.open.entry(element).or_default();
        open.intended.remove(&index);
        if index >= open.next {
            open.beyond.insert(index);
        }
        while open.beyond.remove(&open.next) {
            open.next += 1;
        }
        let key = (element, index);
        let had_failed = self.failed.remove(&key);
        self.unknown.remove(&key);
        match status {
            OutcomeStatus::Ok => {
                self.ok += 1;
                if element == 0 {
                    match self.written.last_mut() {
                        Some((first, count)) if *first + *count == index => *count += 1,
                        _ => self.written.push((index, 1)),
                    }
                }
                self.recovered.extend(Some(element).filter(|_| had_failed));
            }
            OutcomeStatus::Failed => {
                self.failed.insert(key);
            }
            OutcomeStatus::Unknown => {
                self.unknown.insert(key);
            }
            OutcomeStatus::Skipped => {}
        }
    }

    /// An item that needs no attention any more.
    fn settled(&mut self, key: (u64, u64), at: u64, note: Option<String>) {
        let status = if self.failed.contains(&key) { OutcomeStatus::Failed } else { OutcomeStatus::Unknown };
        if let Some(open) = self.open.get_mut(&key.0) {
            open.intended.remove(&key.1);
        }
        self.failed.remove(&key);
        self.unknown.remove(&key);
        self.settled.insert(key, Settlement { status, at, note });
    }

    /// An item that may be sent again, although it may have taken effect.
    fn released(&mut self, key: (u64, u64)) {
        let was_open = self.open.get_mut(&key.0).is_some_and(|open| open.intended.remove(&key.1));
        if self.unknown.remove(&key) || was_open {
            self.failed.insert(key);
        }
    }

    /// Elements of a `for` that reads whose rows were not read, also if a person has settled them.
    pub(crate) fn elements_left_out(&self) -> impl Iterator<Item = u64> {
        self.failed.iter().chain(self.settled.keys()).map(|(element, _)| *element)
    }

    /// Items that failed or whose outcome is unknown, and that nobody has settled.
    pub(crate) fn left(&self) -> usize {
        self.failed.len() + self.unknown.len() + self.in_doubt()
    }

    /// The known state of an item before it is sent.
    pub(crate) fn item_state(&self, element: u64, index: u64) -> ItemState {
        let key = (element, index);
        let open = self.open.get(&element);
        if open.is_some_and(|o| o.intended.contains(&index)) {
            ItemState::InDoubt
        } else if self.failed.contains(&key) {
            ItemState::Failed
        } else if self.done
            || self.settled.contains_key(&key)
            || element < self.element
            || open.is_some_and(|o| index < o.next || o.beyond.contains(&index))
        {
            ItemState::Settled
        } else {
            ItemState::New
        }
    }

    /// The job that computes the list of an element.
    pub(crate) fn job_of_walk(&self, element: u64) -> Option<&JobHandle> {
        self.jobs.get(&(element, 0)).map(|(_, job)| job)
    }

    /// The jobs that a resumed run continues to wait for, by their first item.
    pub(crate) fn jobs_of(&self, element: u64) -> BTreeMap<u64, JobHandle> {
        let own = self.jobs.range((element, 0)..=(element, u64::MAX));
        own.filter(|((_, first), (count, _))| self.is_awaited(element, *first, *count))
            .map(|((_, first), (_, job))| (*first, job.clone()))
            .collect()
    }

    /// Whether the job of these items is waited for: the outcomes of all are unknown, and they form one request again.
    fn is_awaited(&self, element: u64, first: u64, count: u64) -> bool {
        let in_doubt = |index| self.item_state(element, index) == ItemState::InDoubt;
        (first..first + count).all(in_doubt)
    }

    /// The number of items of the awaited job that begins at an item.
    pub(crate) fn job_at(&self, element: u64, first: u64) -> Option<u64> {
        let (count, _) = self.jobs.get(&(element, first))?;
        self.is_awaited(element, first, *count).then_some(*count)
    }

    /// Whether the outcome of an item is unknown, and the run continues to wait for its job.
    pub(crate) fn goes_on(&self, element: u64, index: u64) -> bool {
        let last = self.jobs.range(..=(element, index)).next_back();
        self.item_state(element, index) == ItemState::InDoubt
            && last.is_some_and(|((own, first), (count, _))| {
                *own == element && index < first + count && self.is_awaited(element, *first, *count)
            })
    }

    /// The extent of the rows in the spool.
    pub(crate) fn extent(&self) -> Extent {
        self.marks.last()
    }

    /// Number of items in doubt: their outcome is unknown.
    pub(crate) fn in_doubt(&self) -> usize {
        self.open.values().map(|o| o.intended.len()).sum()
    }

    /// The items in doubt, by element and index.
    pub(crate) fn items_in_doubt(&self) -> BTreeSet<(u64, u64)> {
        self.open.iter().flat_map(|(element, open)| open.intended.iter().map(|index| (*element, *index))).collect()
    }

    /// Items that failed or whose outcome is unknown, and that nobody has settled, by element and index.
    pub(crate) fn items_left(&self) -> BTreeMap<(u64, u64), OutcomeStatus> {
        let failed = self.failed.iter().map(|key| (*key, OutcomeStatus::Failed));
        let unknown = self.unknown.iter().copied().chain(self.items_in_doubt());
        failed.chain(unknown.map(|key| (key, OutcomeStatus::Unknown))).collect()
    }

    /// Of them, those for whose jobs the run goes on waiting.
    pub(crate) fn awaited(&self) -> usize {
        let own = |(element, open): (&u64, &OpenWrite)| {
            let element = *element;
            open.intended.iter().filter(|index| self.goes_on(element, **index)).count()
        };
        self.open.iter().map(own).sum()
    }

    /// Whether an item may have been sent already.
    pub(crate) fn has_sent(&self) -> bool {
        self.done || self.element > 0 || !self.open.is_empty()
    }

    /// Items by outcome.
    pub(crate) fn counts(&self) -> OutcomeCounts {
        OutcomeCounts { ok: self.ok, failed: self.failed.len() as u64, unknown: self.unknown.len() as u64, skipped: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{ItemState, RunState};
    use crate::receipt::{OutcomeStatus, Usage};
    use crate::run_store::extent::Extent;
    use crate::run_store::fact::Fact;

    fn applied(facts: impl IntoIterator<Item = Fact>) -> RunState {
        let mut state = RunState::default();
        facts.into_iter().for_each(|fact| state.apply(&fact));
        state
    }

    fn outcome(index: u64, status: OutcomeStatus) -> Fact {
        let (extent, tally) = (Extent::default(), Usage::default());
        Fact::Outcome { step: "main/s".into(), element: 0, index, status, extent, tally }
    }

    #[test]
    fn a_released_item_counts_as_failed_and_a_settled_one_is_not_left() {
        let step = || "main/s".to_owned();
        let intended = Fact::Intended { step: step(), element: 0, first: 0, count: 3 };
        let release = |index| Fact::Released { step: step(), element: 0, index };
        let settle = Fact::Settled { step: step(), element: 0, index: 1, at: 7, note: Some("gone".into()) };
        // Item 0 is unknown, 1 failed, 2 is in doubt, 3 was never sent.
        let begun = [intended, outcome(0, OutcomeStatus::Unknown), outcome(1, OutcomeStatus::Failed)];
        let state = applied(begun.into_iter().chain([release(0), release(2), release(3), settle])).step("main/s");
        let states: Vec<ItemState> = (0..4).map(|index| state.item_state(0, index)).collect();
        assert_eq!(states, [ItemState::Failed, ItemState::Settled, ItemState::Failed, ItemState::New]);
        assert_eq!((state.left(), state.in_doubt()), (2, 0));
        let settled = &state.settled[&(0, 1)];
        assert_eq!((settled.status, settled.at, settled.note.as_deref()), (OutcomeStatus::Failed, 7, Some("gone")));
    }

    #[test]
    fn a_settled_fact_of_an_earlier_build_has_neither_time_nor_note() {
        let fact: Fact = serde_json::from_str(r#"{"fact":"settled","step":"main/s","element":0,"index":4}"#).unwrap();
        assert_eq!(applied([fact]).step("main/s").settled[&(0, 4)].at, 0);
    }
}
