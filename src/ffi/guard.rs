//! What stands between every exported function and the library: forks, panics, errors and pointers.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Once};

use super::buffer::Failure;
use super::handle;
use super::hooks::{Hooks, Owed, is_within_callback};
use super::progress::Progress;
use super::status;
use crate::error::{Error, ErrorKind};

/// Why a call ends here.
pub(crate) enum Stop {
    Status(i32),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}

impl From<i32> for Stop {
    fn from(status: i32) -> Stop {
        Stop::Status(status)
    }
}

/// Whether a call was made in this process, and whether it is a fork of one where that was so.
static PROCESS: AtomicU8 = AtomicU8::new(NEW);
const NEW: u8 = 0;
const OWN: u8 = 1;
const FORK: u8 = 2;

/// Whether this process is a fork of the one that began: its threads and locks are not there. Asked at every call, and so without asking the system.
pub(crate) fn forked() -> bool {
    match PROCESS.load(Ordering::Relaxed) {
        OWN => false,
        FORK => true,
        _ => {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| {
                #[cfg(unix)]
                // SAFETY: the function stays where it is (the library is never unloaded) and only stores a number.
                let _no_memory = unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
                PROCESS.store(OWN, Ordering::Relaxed);
            });
            false
        }
    }
}

#[cfg(unix)]
unsafe extern "C" fn in_the_child() {
    PROCESS.store(FORK, Ordering::Relaxed);
}

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call: no panic crosses, and an error goes where the host wants it. Out-parameters are cleared first, in a fork as well.
pub(crate) fn guarded(owner: u64, err: *mut *mut c_void, call: impl FnOnce() -> Result<i32, Stop>) -> i32 {
    clear(err);
    if forked() {
        return status::FORKED;
    }
    let outer = WITHIN.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(call));
    WITHIN.set(outer);
    let stop = match ended {
        Ok(Ok(status)) => return status,
        Ok(Err(stop)) => stop,
        Err(_) => Stop::Error(Error::new(ErrorKind::Internal, "opnode failed inside; please report this with what the call was")),
    };
    let (status, error) = match stop {
        Stop::Error(error) => (status::of(error.kind()), error),
        Stop::Status(status) => (status, Error::new(ErrorKind::Usage, misuse(status))),
    };
    if !err.is_null() {
        let failure = handle::insert(owner, Arc::new(Failure::new(&error)));
        // SAFETY: the host gave a place for an error handle.
        unsafe { err.write(failure) };
    }
    status
}

fn misuse(status: i32) -> &'static str {
    match status {
        status::HANDLE => "the handle is stale, freed or of another kind",
        status::ABI => "this library has another version of the interface than the host was built for",
        _ => "NULL where a pointer is needed, or a call that waits from within a callback",
    }
}

/// Something that stands for nothing in an out-parameter.
pub(crate) trait Nothing {
    const NOTHING: Self;
}

impl Nothing for *mut c_void {
    const NOTHING: Self = std::ptr::null_mut();
}

impl Nothing for usize {
    const NOTHING: Self = 0;
}

/// Empties an out-parameter that the host may have left out.
pub(crate) fn clear<T: Nothing>(out: *mut T) {
    if !out.is_null() {
        // SAFETY: the header says that out-parameters point to room for their value.
        unsafe { out.write(T::NOTHING) };
    }
}

/// Writes an out-parameter.
pub(crate) fn put<T>(out: *mut T, value: T) -> Result<(), Stop> {
    if out.is_null() {
        return Err(Stop::Status(status::MISUSE));
    }
    // SAFETY: the header says that out-parameters point to room for their value.
    unsafe { out.write(value) };
    Ok(())
}

/// A text of the host; `None` for NULL.
///
/// # Safety
/// `pointer` is NULL or points to `length` bytes, or to a text with a NUL when the length is `OPNODE_NTS`, which live longer than the call.
pub(crate) unsafe fn text<'t>(pointer: *const c_char, length: usize) -> Result<Option<&'t str>, Stop> {
    if pointer.is_null() {
        return if length == 0 || length == usize::MAX { Ok(None) } else { Err(Stop::Status(status::MISUSE)) };
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe {
        if length == usize::MAX {
            std::ffi::CStr::from_ptr(pointer).to_bytes()
        } else if length > isize::MAX as usize {
            return Err(Stop::Status(status::MISUSE));
        } else {
            std::slice::from_raw_parts(pointer.cast::<u8>(), length)
        }
    };
    let text = std::str::from_utf8(bytes);
    text.map(Some).map_err(|e| Error::new(ErrorKind::Usage, format!("a text is not UTF-8 (byte {})", e.valid_up_to() + 1)).into())
}

/// Reads a JSON object; `what` it is stands before the message. (serde would take an array for an object's fields in their order.)
pub(crate) fn object<'t, T: serde::Deserialize<'t>>(what: &str, json: &'t str) -> Result<T, Error> {
    if !json.trim_start().starts_with('{') {
        return Err(Error::new(ErrorKind::Usage, format!("{what}: this is no JSON object")));
    }
    serde_json::from_str(json).map_err(|e| Error::new(ErrorKind::Usage, format!("{what}: {e}")))
}

/// Refuses to wait inside a callback: the thread that waits would be the one that is waited for.
pub(crate) fn may_wait(timeout_ms: i64) -> Result<(), Stop> {
    if timeout_ms != 0 && is_within_callback() { Err(Stop::Status(status::MISUSE)) } else { Ok(()) }
}

/// The host's callbacks, as far as its struct goes.
///
/// # Safety
/// `pointer` is NULL or points to a struct whose first member is its size.
pub(crate) unsafe fn hooks(pointer: *const Hooks) -> Result<Option<Owed>, Stop> {
    const SMALLEST: usize = std::mem::offset_of!(Hooks, drop);
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    if !(SMALLEST..=4096).contains(&size) {
        return Err(Error::new(ErrorKind::Usage, format!("hooks: struct_size is {size}; set it to sizeof(opnode_hooks)")).into());
    }
    let mut hooks =
        Hooks { struct_size: 0, flags: 0, user_data: std::ptr::null_mut(), drop: None, ready: None, progress: None, event: None };
    // Never half a pointer.
    let whole = (size - size % align_of::<Hooks>()).min(size_of::<Hooks>());
    // SAFETY: both are at least so long, and all members of ours may be zero.
    unsafe { std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut hooks).cast::<u8>(), whole) };
    Ok(Some(Owed(hooks)))
}

/// Fills the host's struct, as far as it goes; its size stays as the host set it.
///
/// # Safety
/// `inout` points to a struct whose first member is its size.
pub(crate) unsafe fn fill(inout: *mut Progress, progress: &Progress) -> Result<i32, Stop> {
    const HEAD: usize = std::mem::offset_of!(Progress, state);
    // SAFETY: as the caller promises.
    let size = unsafe { inout.cast::<u32>().read() } as usize;
    if !(HEAD..=4096).contains(&size) {
        return Err(Stop::Status(status::of(ErrorKind::Usage)));
    }
    let whole = size.min(size_of::<Progress>());
    // SAFETY: as above; what is written lies within both structs.
    unsafe {
        let from = std::ptr::from_ref(progress).cast::<u8>().add(HEAD);
        std::ptr::copy_nonoverlapping(from, inout.cast::<u8>().add(HEAD), whole - HEAD);
    }
    Ok(status::OK)
}

/// Keeps the text of a panic off the host's stderr, in this library's threads and calls: it comes back as an error. Within a shared library, the hook
/// is this library's own.
pub(crate) fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let own = || std::thread::current().name().is_some_and(|name| name.starts_with("opnode"));
            if WITHIN.get() || own() {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                tracing::error!(%place, "opnode failed inside: {}", info.payload_as_str().unwrap_or("a panic"));
            } else {
                before(info);
            }
        }));
    });
}
