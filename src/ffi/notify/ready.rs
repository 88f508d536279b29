//! What waits to be heard by the host: tags of operations that have something, how far operations are, and events. Each list has a bound of its own.

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

/// Notices of progress that wait for a callback that does not come back; beyond, the oldest are given up.
const PROGRESS_MAX: usize = 1 << 16;

/// The engine's side: what is told here is heard until this ends.
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

/// What waits, for those who ask and for the thread of the callbacks.
#[derive(Default)]
pub(in crate::ffi) struct Told {
    lists: Mutex<Lists>,
    /// Somebody who asks has something.
    come: Condvar,
    /// The thread of the callbacks has something.
    called: Condvar,
    events: Waiting,
}

/// Tells as long as it lives; then the thread of the callbacks says what is left, and ends.
pub(in crate::ffi) struct Teller(pub(crate) Arc<Told>);

impl Drop for Teller {
    fn drop(&mut self) {
        lock(&self.0.lists).over = true;
        self.0.called.notify_all();
    }
}

/// All in the order in which they were announced, each under its turn. One operation stands in each list once at most.
#[derive(Default)]
struct Lists {
    /// Tags for who asks.
    waiting: BTreeMap<u64, u64>,
    /// Tags for the callback.
    ready: BTreeMap<u64, u64>,
    progress: BTreeMap<u64, (u64, Progress)>,
    turn: u64,
    /// The turn at which events were announced.
    events: Option<u64>,
    /// Whether the last callback was of a tag.
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

/// Whether something that was announced `before` still waits.
fn waits<T>(list: &BTreeMap<u64, T>, before: Option<u64>) -> bool {
    before.is_some_and(|turn| list.contains_key(&turn))
}

impl Told {
    /// The next callback; `None` at the end of all. Tags come first: a hook for events that is slow holds them up for the call under way, not for those
    /// that wait. Tokens take turns with tags; log lines come when nothing else waits.
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

    fn told(&self) -> &Told {
        &self.teller.0
    }

    /// An operation has something. Gives the turn by which this can be withdrawn; one that was given `before` and still waits is enough.
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

    /// Something happened.
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

    /// The events that wait for a host that takes them.
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

    /// The operation is gone. Without this, a host that never asks here would leave a tag behind with each.
    pub(in crate::ffi) fn withdraw(&self, turn: u64) {
        let mut lists = lock(&self.told().lists);
        lists.waiting.remove(&turn);
        lists.ready.remove(&turn);
    }

    /// How far an operation is, in the place of what was told `before` and still waits. Gives the turn of it.
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

    /// Lets go of everybody who waits: the engine is gone.
    pub(in crate::ffi) fn close(&self) {
        lock(&self.told().lists).closed = true;
        self.told().come.notify_all();
    }

    /// Waits for tags; at most `most`. `None` when the engine was given back meanwhile.
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
