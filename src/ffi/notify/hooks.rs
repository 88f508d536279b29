//! The host's callbacks, on a separate thread: one after the other, with no lock held, and `drop` after the last.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::notice::Notice;
use super::progress::Progress;
use super::ready::ReadyEvent;
use super::signals;
use crate::ffi::boundary::process;

/// As the header declares it; its ABI defines what happens if an exception leaves it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(in crate::ffi) struct Hooks {
    pub(in crate::ffi) struct_size: u32,
    pub(in crate::ffi) flags: u32,
    pub(in crate::ffi) user_data: *mut c_void,
    pub(in crate::ffi) drop: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    pub(in crate::ffi) ready: Option<unsafe extern "C-unwind" fn(*mut c_void, u64)>,
    pub(in crate::ffi) progress: Option<unsafe extern "C-unwind" fn(*mut c_void, u64, *const Progress)>,
    pub(in crate::ffi) event: Option<unsafe extern "C-unwind" fn(*mut c_void, i32, *const c_char, usize)>,
}

// SAFETY: the header says that callbacks run on other threads; `user_data` is only passed back.
unsafe impl Send for Hooks {}

/// Hooks whose `drop` is still to be called: dropping this value calls it.
pub(in crate::ffi) struct Owed(pub(crate) Hooks);

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(drop) = self.0.drop {
            // SAFETY: the host promises that its function accepts this argument; nothing is called after it.
            returning(|| unsafe { drop(self.0.user_data) });
        }
    }
}

/// Runs a callback, which must return. If it throws, the process aborts with a message.
fn returning(callback: impl FnOnce()) {
    struct Within;
    impl Drop for Within {
        fn drop(&mut self) {
            let told = b"opnode: a callback of the host threw or unwound, which opnode.h forbids; the process aborts\n";
            let _nobody_reads = std::io::stderr().write_all(told);
            std::process::abort();
        }
    }
    // Without a handler, an exception does not unwind, and nothing is dropped.
    let _returned = catch_unwind(AssertUnwindSafe(|| {
        let within = Within;
        callback();
        std::mem::forget(within);
    }));
}

thread_local! {
    /// The process, by its number of forks, in which this thread is inside a callback.
    static WITHIN: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Whether this thread is inside a callback, where nothing may block. False in a child that a callback forked.
pub(in crate::ffi) fn is_within_callback() -> bool {
    WITHIN.get() == Some(process::forks())
}

/// Starts the thread that calls the host. It calls `drop` and ends when all senders are gone and the queue is empty.
pub(in crate::ffi) fn start(hooks: Owed, told: Arc<ReadyEvent>) -> std::io::Result<()> {
    std::thread::Builder::new().name("opnode-hooks".to_owned()).spawn(move || {
        let hooks = hooks;
        signals::never();
        WITHIN.set(Some(process::forks()));
        while let Some(notice) = told.next() {
            returning(|| tell(&hooks.0, notice));
        }
    })?;
    Ok(())
}

fn tell(hooks: &Hooks, notice: Notice) {
    // SAFETY: the host promises in the header that its functions accept these arguments.
    unsafe {
        match notice {
            Notice::Ready(tag) => {
                if let Some(ready) = hooks.ready {
                    ready(hooks.user_data, tag);
                }
            }
            Notice::Progress(tag, progress) => {
                if let Some(told) = hooks.progress {
                    told(hooks.user_data, tag, &raw const *progress);
                }
            }
            Notice::Event(kind, value) => {
                if let Some(event) = hooks.event {
                    let mut bytes = value.to_string().into_bytes();
                    let length = bytes.len();
                    bytes.push(0);
                    event(hooks.user_data, kind, bytes.as_ptr().cast(), length);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::Hooks;

    /// As `tests/ffi/signatures.c` has it for the header.
    #[test]
    fn the_layout_matches_the_header() {
        const WORD: usize = size_of::<usize>();
        let offsets = [
            offset_of!(Hooks, struct_size),
            offset_of!(Hooks, flags),
            offset_of!(Hooks, user_data),
            offset_of!(Hooks, drop),
            offset_of!(Hooks, ready),
            offset_of!(Hooks, progress),
            offset_of!(Hooks, event),
            size_of::<Hooks>(),
        ];
        assert_eq!(offsets, [0, 4, 8, 8 + WORD, 8 + 2 * WORD, 8 + 3 * WORD, 8 + 4 * WORD, 8 + 5 * WORD]);
    }
}
