//! Signals belong to the host: none of its handlers runs on a thread of this library.

/// Blocks signals on this thread until dropped. A thread that starts in between has them blocked from its first
/// instruction on.
pub(in crate::ffi) struct Quiet {
    #[cfg(unix)]
    before: Option<libc::sigset_t>,
}

impl Quiet {
    pub(in crate::ffi) fn begin() -> Quiet {
        Quiet {
            #[cfg(unix)]
            before: block(),
        }
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // SAFETY: the mask that the system gave for this thread; the guard stays on it.
            let _back = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
        }
    }
}

/// Blocks signals on this thread permanently: a thread of the library.
pub(in crate::ffi) fn never() {
    #[cfg(unix)]
    let _for_good = block();
}

/// Blocks all signals for this thread except those of its own faults, which debuggers and language runtimes need;
/// returns the previous mask. SIGPIPE is blocked: a closed connection must not end the process. (Rust programs ignore
/// it; a C host does not.)
#[cfg(unix)]
fn block() -> Option<libc::sigset_t> {
    const FAULTS: [libc::c_int; 6] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the sets are on this thread's stack, initialized before use; only this thread's own mask changes.
    unsafe {
        if libc::sigfillset(all.as_mut_ptr()) != 0 {
            return None;
        }
        for fault in FAULTS {
            let _known = libc::sigdelset(all.as_mut_ptr(), fault);
        }
        let is_set = libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr()) == 0;
        is_set.then(|| before.assume_init())
    }
}
