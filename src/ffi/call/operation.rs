//! An operation for C: queued batches, progress, and report. The work itself is in `work`.
//!
//! A small request is checked before its start returns, a large one on the engine's threads: the host's thread may
//! serve a user.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use serde_json::json;
use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};
use crate::ffi::boundary::Buffer;
use crate::ffi::host::{Cancellable, Host};
use crate::ffi::notify::{Progress, wait};
use crate::json_text::{put_object, text_of};
use crate::lock::lock;
use crate::{Cancel, Items, Outcome, OutcomeStatus, Receipt};

/// Maximum number of queued batches, and of queued chunks of input.
const WAITING_MAX: usize = 2;

pub(in crate::ffi) const DONE: i32 = 1;
const FAILED: i32 = 2;
const CANCELLED: i32 = 3;

/// The result of `opnode_op_next`.
pub(in crate::ffi) enum Next {
    Batch(Arc<Buffer>),
    Done,
    Again,
    Failed(Error),
}

/// An operation.
pub(crate) struct Op {
    pub(crate) number: u64,
    pub(crate) host: Arc<Host>,
    tag: u64,
    cancel: Cancel,
    state: Mutex<OpState>,
    /// Notifies the host of batches and of the end.
    come: Condvar,
    /// Notifies the work of room for a batch, and of input.
    room: Notify,
}

/// The settings of its request.
#[derive(Clone, Copy)]
pub(in crate::ffi) struct Facts {
    /// Its items are given by `opnode_op_write`.
    pub(super) streams: bool,
    /// Its batches contain outcomes.
    pub(in crate::ffi) writes: bool,
    /// Maximum result of a call that drains, in bytes.
    pub(in crate::ffi) run_bytes: usize,
}

#[derive(Default)]
struct OpState {
    /// Known after the request has been read.
    facts: Option<Facts>,
    operation: String,
    batches: VecDeque<Arc<Buffer>>,
    end: Option<Result<()>>,
    /// Whether the host waits for a notification.
    armed: bool,
    /// The turn of its last notification.
    announced: Option<u64>,
    progress: Progress,
    /// The turn of its last progress notification.
    progress_turn: Option<u64>,
    receipt: Option<Receipt>,
    ranges: Ranges,
    input: VecDeque<Items>,
    input_ended: bool,
    told: Option<Instant>,
}

/// Indexes of items by outcome.
#[derive(Default)]
struct Ranges {
    applied: Vec<(u64, u64)>,
    failed: Vec<(u64, u64)>,
    unknown: Vec<(u64, u64)>,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

impl Op {
    pub(in crate::ffi) fn new(host: &Arc<Host>, tag: u64) -> Result<Arc<Op>> {
        host.check_open()?;
        Ok(Arc::new(Op {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            host: Arc::clone(host),
            tag,
            cancel: Cancel::default(),
            state: Mutex::new(OpState { progress: Progress::new(), ..OpState::default() }),
            come: Condvar::new(),
            room: Notify::new(),
        }))
    }

    /// The settings of its request, for an operation that was started checked.
    pub(crate) fn facts(&self) -> Option<Facts> {
        self.state().facts
    }

    fn state(&self) -> MutexGuard<'_, OpState> {
        lock(&self.state)
    }

    pub(super) fn cancel_token(&self) -> &Cancel {
        &self.cancel
    }

    /// Queues a batch, and waits for room before. After a cancel it does not wait: remaining batches are kept.
    pub(crate) async fn push(&self, batch: Buffer) {
        let batch = Arc::new(batch);
        loop {
            let room = self.room.notified();
            {
                let mut state = self.state();
                if state.batches.len() < WAITING_MAX || self.cancel.is_cancelled() {
                    state.batches.push_back(batch);
                    self.announce(state);
                    return;
                }
            }
            tokio::select! {
                () = room => {}
                () = self.cancel.cancelled() => {}
            }
        }
    }

    pub(in crate::ffi) fn end(&self, ended: Result<()>) {
        let mut state = self.state();
        state.progress.state = match &ended {
            Ok(()) => DONE,
            Err(e) if e.kind() == ErrorKind::Cancelled => CANCELLED,
            Err(_) if self.cancel.is_cancelled() => CANCELLED,
            Err(_) => FAILED,
        };
        state.end = Some(ended);
        self.tell_progress(&mut state);
        self.announce(state);
    }

    fn tell_progress(&self, state: &mut OpState) {
        if self.tag != 0 {
            state.progress_turn = self.host.ready.progress(self.tag, state.progress_turn, state.progress);
        }
    }

    fn announce(&self, mut state: MutexGuard<'_, OpState>) {
        // A call that drains by itself has no tag.
        if std::mem::take(&mut state.armed) && self.tag != 0 {
            state.announced = self.host.ready.announce(self.tag, state.announced);
        }
        drop(state);
        // Readers and writers wait here.
        self.come.notify_all();
    }

    /// Withdraws a notification that the host has not fetched.
    pub(in crate::ffi) fn withdraw(&self) {
        if let Some(turn) = self.state().announced.take() {
            self.host.ready.withdraw(turn);
        }
    }

    /// The next batch, or the end.
    pub(crate) fn next(&self, until: Option<Instant>) -> Next {
        let mut state = self.state();
        loop {
            if let Some(batch) = state.batches.pop_front() {
                drop(state);
                self.room.notify_one();
                return Next::Batch(batch);
            }
            match &state.end {
                Some(Ok(())) => return Next::Done,
                Some(Err(error)) => return Next::Failed(error.clone()),
                None => {}
            }
            match wait(&self.come, state, until) {
                (again, true) => state = again,
                (mut again, false) => {
                    again.armed = true;
                    return Next::Again;
                }
            }
        }
    }

    /// Takes items from the host; `false` if the queue stayed full.
    pub(crate) fn write(&self, items: Items, bytes: usize, last: bool, until: Option<Instant>) -> Result<bool> {
        let mut state = self.state();
        loop {
            if state.facts.is_some_and(|facts| !facts.streams) {
                let error = Error::new(ErrorKind::Usage, "this operation does not take streamed items");
                return Err(error.advise("start a write with \"stream\": true"));
            }
            if let Some(ended) = &state.end {
                let over = || Error::new(ErrorKind::Usage, "the operation has ended");
                return Err(ended.as_ref().err().cloned().unwrap_or_else(over));
            }
            if state.input_ended {
                return Err(Error::new(ErrorKind::Usage, "the last items were already given"));
            }
            // Before the request has been read, it may turn out that it takes no items.
            if state.facts.is_some() && (items.is_empty() || state.input.len() < WAITING_MAX) {
                state.progress.items_in += items.len() as i64;
                state.progress.bytes_out += bytes as i64;
                if !items.is_empty() {
                    state.input.push_back(items);
                }
                state.input_ended = last;
                drop(state);
                self.room.notify_one();
                return Ok(true);
            }
            match wait(&self.come, state, until) {
                (again, true) => state = again,
                (_, false) => return Ok(false),
            }
        }
    }

    /// The next items from the host; `None` after the last.
    pub(crate) async fn input(&self) -> Result<Option<Items>> {
        loop {
            let come = self.room.notified();
            {
                let mut state = self.state();
                if let Some(items) = state.input.pop_front() {
                    drop(state);
                    // The host may wait for room in the queue.
                    self.come.notify_all();
                    return Ok(Some(items));
                }
                if state.input_ended {
                    return Ok(None);
                }
            }
            tokio::select! {
                () = come => {}
                () = self.cancel.cancelled() => return Err(Error::cancelled()),
            }
        }
    }

    /// Records progress, and notifies the host at intervals.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress), receipt: Option<Receipt>) {
        let mut state = self.state();
        change(&mut state.progress);
        let due = state.told.is_none_or(|told| told.elapsed().as_millis() >= 200);
        state.receipt = receipt;
        if due {
            state.told = Some(Instant::now());
            self.tell_progress(&mut state);
        }
    }

    /// Takes the settings of its request.
    pub(in crate::ffi) fn learn(&self, operation: &str, facts: Facts) {
        let mut state = self.state();
        operation.clone_into(&mut state.operation);
        state.facts = Some(facts);
        drop(state);
        // The host may be about to give items.
        self.come.notify_all();
    }

    /// Takes the operation of a template.
    pub(crate) fn name(&self, operation: &str) {
        operation.clone_into(&mut self.state().operation);
    }

    /// Records an item's outcome.
    pub(crate) fn note(&self, outcome: &Outcome) {
        let mut state = self.state();
        state.progress.items_out += 1;
        let ranges = match outcome.status {
            OutcomeStatus::Ok => &mut state.ranges.applied,
            OutcomeStatus::Failed => &mut state.ranges.failed,
            OutcomeStatus::Unknown => &mut state.ranges.unknown,
            OutcomeStatus::Skipped => return,
        };
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == outcome.index => *last = outcome.index,
            _ => ranges.push((outcome.index, outcome.index)),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.state().progress
    }

    /// The report so far, as JSON text: kept values in the receipt keep their digits.
    pub(crate) fn report(&self) -> String {
        let state = self.state();
        let word = match state.progress.state {
            DONE => "done",
            FAILED => "failed",
            CANCELLED => "cancelled",
            _ => "running",
        };
        let receipt = serde_json::to_string(&state.receipt).unwrap_or_else(|_| "null".to_owned());
        let mut report = vec![("state", text_of(word)), ("operation", text_of(&state.operation)), ("receipt", receipt)];
        if let Some(Err(error)) = &state.end {
            report.push(("error", error.to_json().to_string()));
        }
        if state.progress.items_in > 0 {
            let ranges = &state.ranges;
            let not_sent = gaps(ranges, state.progress.items_in as u64);
            let named = [
                ("applied", &ranges.applied),
                ("failed", &ranges.failed),
                ("unknown", &ranges.unknown),
                ("notSent", &not_sent),
            ];
            report.extend(named.map(|(name, ranges)| (name, json!(ranges).to_string())));
        }
        let mut out = String::new();
        put_object(&mut out, report, |out, value| out.push_str(&value));
        out
    }
}

impl Cancellable for Op {
    fn cancel(&self) {
        self.cancel.cancel();
        self.room.notify_one();
    }
}

/// Indexes below `count` that are in none of the ranges.
fn gaps(ranges: &Ranges, count: u64) -> Vec<(u64, u64)> {
    let mut all: Vec<(u64, u64)> =
        [&ranges.applied, &ranges.failed, &ranges.unknown].into_iter().flatten().copied().collect();
    all.sort_unstable();
    let mut gaps = Vec::new();
    let mut next = 0;
    for (first, last) in all {
        if first > next {
            gaps.push((next, first - 1));
        }
        next = last + 1;
    }
    if next < count {
        gaps.push((next, count - 1));
    }
    gaps
}
