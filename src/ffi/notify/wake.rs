//! A file descriptor of the host that is written to when the queue has something: for event loops.

use crate::error::{Error, ErrorKind, Result};

/// A duplicate of the host's descriptor: the host may close its own, and its number may be reused.
pub(in crate::ffi) struct Wake {
    #[cfg(unix)]
    file: std::fs::File,
}

impl Wake {
    /// -1 means none.
    pub(in crate::ffi) fn of(fd: i64) -> Result<Option<Wake>> {
        if fd == -1 {
            return Ok(None);
        }
        #[cfg(unix)]
        return open(fd).map(|file| Some(Wake { file })).map_err(|why| {
            let advice = "give an eventfd, or the writing end of a pipe or socket, that is open and has O_NONBLOCK; or -1 for none";
            Error::new(ErrorKind::Usage, format!("the engine's configuration: wakeFd: {why}")).advise(advice)
        });
        #[cfg(not(unix))]
        Err(Error::new(
            ErrorKind::Unsupported,
            "the engine's configuration: wakeFd needs a system with file descriptors",
        ))
    }

    /// Writes 8 bytes, the number 1 as an eventfd needs it. A full pipe is already signalled, and is not waited for.
    pub(in crate::ffi) fn ring(&self) {
        #[cfg(unix)]
        {
            use std::io::Write;
            use std::os::fd::AsRawFd;
            // The host may have made it blocking, and a pipe without a reader would raise a signal.
            let mut room = libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
            // SAFETY: one descriptor, which outlives the call; nothing is waited for.
            let writable = unsafe { libc::poll(&raw mut room, 1, 0) } > 0 && room.revents == libc::POLLOUT;
            if writable {
                let _full_or_gone = (&self.file).write(&1u64.to_ne_bytes());
            }
        }
    }
}

/// A duplicate of the descriptor, if writing to it cannot block; otherwise the reason.
#[cfg(unix)]
fn open(fd: i64) -> std::result::Result<std::fs::File, String> {
    use std::os::fd::FromRawFd;
    let number =
        i32::try_from(fd).ok().filter(|number| *number >= 0).ok_or_else(|| format!("{fd} is not a file descriptor"))?;
    // SAFETY: queries a number; one that is not open gives -1.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFL) };
    if flags == -1 {
        return Err(format!("{fd} is not open: {}", std::io::Error::last_os_error()));
    }
    if flags & libc::O_ACCMODE == libc::O_RDONLY {
        return Err(format!("{fd} is open for reading only"));
    }
    // SAFETY: as above; the new descriptor is owned by this value.
    let file = unsafe {
        match libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) {
            -1 => return Err(format!("{fd} cannot be duplicated: {}", std::io::Error::last_os_error())),
            own => std::fs::File::from_raw_fd(own),
        }
    };
    let kind = file.metadata().map_err(|e| format!("{fd} cannot be inspected: {e}"))?.file_type();
    if kind.is_file() || kind.is_dir() {
        return Err(format!("{fd} is a file"));
    }
    if flags & libc::O_NONBLOCK == 0 {
        return Err(format!("{fd} is blocking: a full one would block the engine"));
    }
    Ok(file)
}
