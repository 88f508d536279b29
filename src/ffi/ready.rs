//! What waits to be heard by the host: tags of operations that have something, and callbacks.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, mpsc};
use std::time::Instant;

use super::hooks::Notice;
use super::host::wait;
use super::progress::Progress;
use super::wake::Wake;
use crate::lock::lock;

/// Tags of operations that have something, and who hears of it.
pub(crate) struct Ready {
    tags: Mutex<Tags>,
    come: Condvar,
    wake: Option<Wake>,
    notices: Option<mpsc::Sender<Notice>>,
    pub(crate) hears: Hears,
}

/// Which callbacks the host has.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hears {
    pub(crate) ready: bool,
    pub(crate) progress: bool,
    pub(crate) event: bool,
}

/// Tags in the order in which they were announced, each under its turn.
#[derive(Default)]
struct Tags {
    waiting: BTreeMap<u64, u64>,
    turn: u64,
    /// The turn at which events were announced.
    events: Option<u64>,
    closed: bool,
}

impl Tags {
    fn has(&self, turn: Option<u64>) -> bool {
        turn.is_some_and(|turn| self.waiting.contains_key(&turn))
    }

    fn put(&mut self, tag: u64) -> u64 {
        self.turn += 1;
        self.waiting.insert(self.turn, tag);
        self.turn
    }
}

impl Ready {
    pub(crate) fn new(wake: Option<Wake>, notices: Option<mpsc::Sender<Notice>>, hears: Hears) -> Ready {
        Ready { tags: Mutex::default(), come: Condvar::new(), wake, notices, hears }
    }

    /// An operation has something. Gives the turn by which this can be withdrawn; one that was given `before` and still waits is enough.
    pub(crate) fn announce(&self, tag: u64, before: Option<u64>) -> Option<u64> {
        if self.hears.ready {
            self.notice(Notice::Ready(tag));
            return None;
        }
        let mut tags = lock(&self.tags);
        if tags.has(before) {
            return before;
        }
        let turn = tags.put(tag);
        self.tell(tags);
        Some(turn)
    }

    /// Events wait.
    pub(crate) fn announce_events(&self) {
        let mut tags = lock(&self.tags);
        if !tags.has(tags.events) {
            tags.events = Some(tags.put(0));
            self.tell(tags);
        }
    }

    fn tell(&self, tags: MutexGuard<'_, Tags>) {
        drop(tags);
        self.come.notify_one();
        if let Some(wake) = &self.wake {
            wake.ring();
        }
    }

    /// The operation is gone. Without this, a host that never asks here would leave a tag behind with each.
    pub(crate) fn withdraw(&self, turn: u64) {
        lock(&self.tags).waiting.remove(&turn);
    }

    pub(crate) fn progress(&self, tag: u64, progress: Progress) {
        if self.hears.progress {
            self.notice(Notice::Progress(tag, Box::new(progress)));
        }
    }

    pub(crate) fn notice(&self, notice: Notice) {
        if let Some(notices) = &self.notices {
            // The thread lives as long as this sender.
            let _gone = notices.send(notice);
        }
    }

    /// Lets go of everybody who waits: the engine is gone.
    pub(crate) fn close(&self) {
        lock(&self.tags).closed = true;
        self.come.notify_all();
    }

    /// Waits for tags; at most `most`. `None` when the engine was given back meanwhile.
    pub(crate) fn wait(&self, until: Option<Instant>, most: usize) -> Option<Vec<u64>> {
        let mut tags = lock(&self.tags);
        loop {
            if tags.closed {
                return None;
            }
            let mut found = Vec::new();
            while found.len() < most
                && let Some((_, tag)) = tags.waiting.pop_first()
            {
                found.push(tag);
            }
            if !found.is_empty() {
                return Some(found);
            }
            match wait(&self.come, tags, until) {
                (again, true) => tags = again,
                (_, false) => return Some(Vec::new()),
            }
        }
    }
}
