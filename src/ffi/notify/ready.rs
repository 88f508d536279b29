//! The notification queue for the host: tags of ready operations, progress, and events. Each list is bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::events::Waiting;
use super::notice::Notice;
use super::progress::Progress;
use super::wait::wait;
use super::wake::Wake;
use crate::lock::lock;

/// Maximum number of queued progress notices for a callback that does not return; beyond, the oldest are dropped.
const PROGRESS_MAX: usize = 1 << 16;

/// The engine's side: notifications are delivered until this is dropped.
pub(in crate::ffi) struct Ready {
    teller: Teller,
    wake: Option<Wake>,
    pub(in crate::ffi) hears: Hears,
}

/// Which callbacks the host has.
#[derive(Clone, Copy, Default)]
pub(in crate::ffi) struct Hears {
    pub(in crate::ffi) ready: bool,
    pub(in crate::ffi) progress: bool,
    pub(in crate::ffi) event: bool,
}

/// The queue, for polling callers and for the callback thread.
#[derive(Default)]
pub(in crate::ffi) struct ReadyEvent {
    lists: Mutex<Lists>,
    /// Signals polling callers.
    come: Condvar,
    /// Signals the callback thread.
    called: Condvar,
    events: Waiting,
}

/// The sender; after the last is dropped, the callback thread empties the queue and ends.
pub(in crate::ffi) struct Teller(pub(crate) Arc<ReadyEvent>);

impl Drop for Teller {
    fn drop(&mut self) {
        lock(&self.0.lists).over = true;
        self.0.called.notify_all();
    }
}

/// All in the order of their announcement, by turn. Each operation is at most once in each list.
#[derive(Default)]
struct Lists {
    /// Tags for polling callers.
    waiting: BTreeMap<u64, u64>,
    /// Tags for the callback.
    ready: BTreeMap<u64, u64>,
    progress: BTreeMap<u64, (u64, Progress)>,
    turn: u64,
    /// The turn of the announcement of events.
    events: Option<u64>,
    /// Whether the last callback was for a tag.
    was_ready: bool,
    closed: bool,
    over: bool,
}

impl Lists {
    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}

/// Whether the announcement of the turn `before` is still queued.
fn waits<T>(list: &BTreeMap<u64, T>, before: Option<u64>) -> bool {
    before.is_some_and(|turn| list.contains_key(&turn))
}

impl ReadyEvent {
    /// The next callback; `None` at the end. Tags come first: a slow event hook delays them only by its current call.
    /// Tokens alternate with tags; log lines come when nothing else is queued.
    pub(in crate::ffi) fn next(&self) -> Option<Notice> {
        let mut lists = lock(&self.lists);
        loop {
            if let Some(notice) = self.pick(&mut lists) {
                return Some(notice);
            }
            if lists.over {
                return None;
            }
            lists = self.called.wait(lists).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn pick(&self, lists: &mut Lists) -> Option<Notice> {
        let was_ready = std::mem::take(&mut lists.was_ready);
        if was_ready && let Some(event) = self.events.next_credential() {
            return Some(event.into());
        }
        if let Some((_, tag)) = lists.ready.pop_first() {
            lists.was_ready = true;
            return Some(Notice::Ready(tag));
        }
        if let Some(event) = self.events.next_credential() {
            return Some(event.into());
        }
        if let Some((_, (tag, progress))) = lists.progress.pop_first() {
            return Some(Notice::Progress(tag, Box::new(progress)));
        }
        self.events.next_log().map(Notice::from)
    }
}

impl Ready {
    pub(in crate::ffi) fn new(teller: Teller, wake: Option<Wake>, hears: Hears) -> Ready {
        Ready { teller, wake, hears }
    }

    fn told(&self) -> &ReadyEvent {
        &self.teller.0
    }

    /// An operation is ready. Returns the turn by which this can be withdrawn; an announcement of the turn `before`
    /// that is still queued is enough.
    pub(in crate::ffi) fn announce(&self, tag: u64, before: Option<u64>) -> Option<u64> {
        let mut lists = lock(&self.told().lists);
        if waits(&lists.ready, before) || waits(&lists.waiting, before) {
            return before;
        }
        let turn = lists.next_turn();
        if self.hears.ready {
            lists.ready.insert(turn, tag);
            self.told().called.notify_one();
        } else {
            lists.waiting.insert(turn, tag);
            self.tell(lists);
        }
        Some(turn)
    }

    /// An event.
    pub(in crate::ffi) fn event(&self, kind: i32, event: Value) {
        self.told().events.push(kind, event);
        let mut lists = lock(&self.told().lists);
        if self.hears.event {
            self.told().called.notify_one();
        } else if !waits(&lists.waiting, lists.events) {
            let turn = lists.next_turn();
            lists.waiting.insert(turn, 0);
            lists.events = Some(turn);
            self.tell(lists);
        }
    }

    /// The queued events, for a host that polls.
    pub(in crate::ffi) fn events(&self) -> Vec<Value> {
        if self.hears.event { Vec::new() } else { self.told().events.take() }
    }

    fn tell(&self, lists: MutexGuard<'_, Lists>) {
        drop(lists);
        self.told().come.notify_one();
        if let Some(wake) = &self.wake {
            wake.ring();
        }
    }

    /// The operation is gone. Without this, a host that never polls here would leave a tag for each.
    pub(in crate::ffi) fn withdraw(&self, turn: u64) {
        let mut lists = lock(&self.told().lists);
        lists.waiting.remove(&turn);
        lists.ready.remove(&turn);
    }

    /// The progress of an operation, replacing the one of the turn `before` if that is still queued. Returns its turn.
    pub(in crate::ffi) fn progress(&self, tag: u64, before: Option<u64>, progress: Progress) -> Option<u64> {
        if !self.hears.progress {
            return None;
        }
        let mut lists = lock(&self.told().lists);
        let turn = before.filter(|turn| lists.progress.contains_key(turn)).unwrap_or_else(|| lists.next_turn());
        lists.progress.insert(turn, (tag, progress));
        if lists.progress.len() > PROGRESS_MAX {
            lists.progress.pop_first();
        }
        self.told().called.notify_one();
        Some(turn)
    }

    /// Wakes all waiting callers: the engine is gone.
    pub(in crate::ffi) fn close(&self) {
        lock(&self.told().lists).closed = true;
        self.told().come.notify_all();
    }

    /// Waits for tags; at most `most`. `None` if the engine was freed.
    pub(in crate::ffi) fn wait(&self, until: Option<Instant>, most: usize) -> Option<Vec<u64>> {
        let mut lists = lock(&self.told().lists);
        loop {
            if lists.closed {
                return None;
            }
            let mut found = Vec::new();
            while found.len() < most
                && let Some((_, tag)) = lists.waiting.pop_first()
            {
                found.push(tag);
            }
            if !found.is_empty() {
                return Some(found);
            }
            match wait(&self.told().come, lists, until) {
                (again, true) => lists = again,
                (_, false) => return Some(Vec::new()),
            }
        }
    }
}
