//! A file descriptor of the host that is written to when there is something: for loops that wait on descriptors.

use crate::error::{Error, ErrorKind, Result};

/// The host's descriptor. It stays the host's: it is not closed here.
pub(crate) struct Wake {
    #[cfg(unix)]
    fd: std::os::fd::RawFd,
}

impl Wake {
    /// A negative number stands for none.
    pub(crate) fn of(fd: i64) -> Result<Option<Wake>> {
        if fd < 0 {
            return Ok(None);
        }
        #[cfg(unix)]
        {
            let fd = i32::try_from(fd).map_err(|_| Error::new(ErrorKind::Usage, format!("wakeFd: {fd} is no file descriptor")))?;
            Ok(Some(Wake { fd }))
        }
        #[cfg(not(unix))]
        Err(Error::new(ErrorKind::Unsupported, "wakeFd needs a system with file descriptors"))
    }

    /// Writes 8 bytes, the number 1 as an eventfd wants it. A full pipe has been rung already, and is not waited for.
    pub(crate) fn ring(&self) {
        #[cfg(unix)]
        {
            use std::io::Write;
            use std::os::fd::FromRawFd;
            let mut room = libc::pollfd { fd: self.fd, events: libc::POLLOUT, revents: 0 };
            // SAFETY: one descriptor, which lives longer than the call; nothing is waited for.
            let writable = unsafe { libc::poll(&raw mut room, 1, 0) } > 0 && room.revents == libc::POLLOUT;
            if !writable {
                return;
            }
            // SAFETY: the host keeps the descriptor open while the engine lives; it is not closed here, because it is never dropped.
            let mut file = std::mem::ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(self.fd) });
            let _full_or_gone = file.write(&1u64.to_ne_bytes());
        }
    }
}

/// A peer that hangs up must not end the host: no SIGPIPE reaches a thread of this library. (Rust's own programs ignore it at their start; a C host does not.)
pub(crate) fn never_by_signal() {
    #[cfg(unix)]
    // SAFETY: a set of this thread's stack, made and then used; only this thread's own mask changes.
    unsafe {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        if libc::sigemptyset(set.as_mut_ptr()) == 0 && libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE) == 0 {
            let _blocked = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        }
    }
}
