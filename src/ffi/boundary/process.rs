//! Detects whether this process is a fork of one that used the library: the threads and locks of that one do not exist
//! here.
//!
//! A fork starts fresh: the child does not wait for anything that another thread may have held at the fork.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::Budgets;
use crate::lock::lock;

/// Incremented with each fork since the first process that used the library.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Whether forks are detected: not yet, yes, or the process with this number is installing the handler.
static WATCH: AtomicI64 = AtomicI64::new(NOBODY);
const NOBODY: i64 = 0;
const DONE: i64 = -1;

/// Whether code runs that a fork must not interrupt.
static BUSY: AtomicBool = AtomicBool::new(false);

/// A number that differs from that of the process it was forked from. Needed at every call, so without a system call.
pub(in crate::ffi) fn forks() -> u32 {
    if WATCH.load(Ordering::Acquire) != DONE {
        watch();
    }
    FORKS.load(Ordering::Relaxed)
}

#[cold]
fn watch() {
    let own = i64::from(std::process::id());
    loop {
        let before = WATCH.load(Ordering::Acquire);
        if before == DONE {
            return;
        }
        // Not of this process: a thread that exists only in the parent.
        let is_free = before == NOBODY || before != own;
        if is_free && WATCH.compare_exchange(before, own, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            BUSY.store(true, Ordering::Release);
            #[cfg(unix)]
            // SAFETY: the functions stay at their address (the library is never unloaded), take no lock that is held
            // over a call, and allocate nothing.
            let _no_memory =
                unsafe { libc::pthread_atfork(Some(before_a_fork), Some(in_the_parent), Some(in_the_child)) };
            WATCH.store(DONE, Ordering::Release);
            BUSY.store(false, Ordering::Release);
            return;
        }
        std::thread::yield_now();
    }
}

fn begin() {
    while BUSY.compare_exchange_weak(false, true, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        std::thread::yield_now();
    }
}

#[cfg(unix)]
unsafe extern "C" fn before_a_fork() {
    begin();
}

#[cfg(unix)]
unsafe extern "C" fn in_the_parent() {
    BUSY.store(false, Ordering::Release);
}

#[cfg(unix)]
unsafe extern "C" fn in_the_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    BUSY.store(false, Ordering::Release);
}

/// Runs short code that takes process-wide locks, which a fork must not interrupt. It calls no code of the host.
pub(in crate::ffi) fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            BUSY.store(false, Ordering::Release);
        }
    }
    let _watched = forks();
    begin();
    let _end = End;
    work()
}

/// Budgets that the connections of this process to one account share. A forked child has its own: the parent's may be
/// in an inconsistent state.
pub(in crate::ffi) fn budgets() -> Arc<Budgets> {
    static OF: Mutex<Option<(u32, Arc<Budgets>)>> = Mutex::new(None);
    undisturbed(|| {
        let forks = FORKS.load(Ordering::Relaxed);
        let mut of = lock(&OF);
        let known = of.as_ref().filter(|(before, _)| *before == forks).map(|(_, budgets)| Arc::clone(budgets));
        known.unwrap_or_else(|| {
            let fresh: Arc<Budgets> = Arc::default();
            // The parent's value is not dropped here: its locks may be held.
            std::mem::forget(of.replace((forks, Arc::clone(&fresh))));
            fresh
        })
    })
}

thread_local! {
    static CHANCE: Cell<u32> = const { Cell::new(0) };
}

/// Seeds this thread's random numbers. A forked thread would repeat those of the parent, and idempotency keys would be
/// equal in both.
pub(in crate::ffi) fn own_chance() {
    let forks = forks();
    if CHANCE.replace(forks) != forks {
        fastrand::seed(RandomState::new().hash_one((std::process::id(), forks, Instant::now())));
    }
}
