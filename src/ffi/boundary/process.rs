//! Whether this process is a fork of one in which the library was used: the threads and locks of that one are not there.
//!
//! A fork begins anew: nothing of the library that another thread may have held when the process was forked is waited for in the child.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::Budgets;
use crate::lock::lock;

/// Grows with each fork on the way from the first process that used the library to this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Whether forks are noticed: not yet, they are, or the process with this number is about to see to it.
static WATCH: AtomicI64 = AtomicI64::new(NOBODY);
const NOBODY: i64 = 0;
const DONE: i64 = -1;

/// Whether a piece of work runs that no fork may cut in two.
static BUSY: AtomicBool = AtomicBool::new(false);

/// A number that no process shares with the one that it was forked from. Asked at every call, and so without asking the system.
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
        // Not of this process: a thread that stayed behind in the parent.
        let is_free = before == NOBODY || before != own;
        if is_free && WATCH.compare_exchange(before, own, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            BUSY.store(true, Ordering::Release);
            #[cfg(unix)]
            // SAFETY: the functions stay where they are (the library is never unloaded), take no lock that is held over a call, and make nothing.
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

/// Runs something short that takes locks of the whole process, of which a fork must not take half along. It calls nothing of the host.
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

/// What the connections of this process to one account share. A forked child has its own: the parent's may be in the middle of a change.
pub(in crate::ffi) fn budgets() -> Arc<Budgets> {
    static OF: Mutex<Option<(u32, Arc<Budgets>)>> = Mutex::new(None);
    undisturbed(|| {
        let forks = FORKS.load(Ordering::Relaxed);
        let mut of = lock(&OF);
        let known = of.as_ref().filter(|(before, _)| *before == forks).map(|(_, budgets)| Arc::clone(budgets));
        known.unwrap_or_else(|| {
            let fresh: Arc<Budgets> = Arc::default();
            // The parent's is not taken apart here: its locks may be held.
            std::mem::forget(of.replace((forks, Arc::clone(&fresh))));
            fresh
        })
    })
}

thread_local! {
    static CHANCE: Cell<u32> = const { Cell::new(0) };
}

/// Gives this thread chance of its own. A forked thread's would go on as that of the parent does, and keys that tell writes apart would be alike in both.
pub(in crate::ffi) fn own_chance() {
    let forks = forks();
    if CHANCE.replace(forks) != forks {
        fastrand::seed(RandomState::new().hash_one((std::process::id(), forks, Instant::now())));
    }
}
