//! The guard of every exported function: forks, panics and errors.

use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::buffer::HostFailure;
use super::places::OutPlace;
use super::stop::Stop;
use super::{handle, process, status};
use crate::error::{Error, ErrorKind};
use crate::ffi::notify::is_within_callback;

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call of a function without an error parameter.
pub(in crate::ffi) fn quiet(call: impl FnOnce() -> Result<i32, Stop>) -> i32 {
    run(call).unwrap_or_else(|(status, _)| status)
}

/// Runs a call: catches panics, and stores the error for the host.
pub(in crate::ffi) fn guarded(owner: u64, err: OutPlace<*mut c_void>, call: impl FnOnce() -> Result<i32, Stop>) -> i32 {
    run(call).unwrap_or_else(|(status, error)| {
        if err.needed().is_ok() {
            let _told = err.put(handle::insert(owner, Arc::new(HostFailure::new(&error))));
        }
        status
    })
}

fn run(call: impl FnOnce() -> Result<i32, Stop>) -> Result<i32, (i32, Error)> {
    process::own_chance();
    let outer = WITHIN.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(call));
    WITHIN.set(outer);
    let inside = || Error::new(ErrorKind::Internal, "internal error of opnode; please report it with the call");
    ended.unwrap_or_else(|_| Err(Stop::Error(inside()))).map_err(|stop| match stop {
        Stop::Error(error) => (status::of(error.kind()), error),
        Stop::Status(status) => (status, misuse(status)),
    })
}

/// The message of a status that has no error of the library.
fn misuse(status: i32) -> Error {
    let usage = |message: &str| Error::new(ErrorKind::Usage, message);
    match status {
        status::HANDLE => usage("the handle is stale, freed or of another kind"),
        status::ABI => usage("the library and the host use different versions of the interface"),
        status::FORKED => usage("the handle is from before a fork: its engine exists only in the parent process")
            .advise("create an engine in the child; handles of the parent need no freeing there"),
        _ => usage("NULL where a pointer is needed, or a call that waits from within a callback"),
    }
}

/// Refuses to block inside a callback: the waiting thread would wait for itself.
pub(in crate::ffi) fn may_wait(timeout_ms: i64) -> Result<(), Stop> {
    if timeout_ms != 0 && is_within_callback() { Err(Stop::Status(status::MISUSE)) } else { Ok(()) }
}

/// Keeps panic messages of this library's threads and calls off the host's stderr: they are returned as errors. In a
/// shared library, the hook is this library's own.
pub(in crate::ffi) fn quiet_panics() {
    static SET: AtomicBool = AtomicBool::new(false);
    process::undisturbed(|| {
        if SET.swap(true, Ordering::Relaxed) {
            return;
        }
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let own = || std::thread::current().name().is_some_and(|name| name.starts_with("opnode"));
            if WITHIN.get() || own() {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                tracing::error!(%place, "internal error of opnode: {}", info.payload_as_str().unwrap_or("a panic"));
            } else {
                before(info);
            }
        }));
    });
}
