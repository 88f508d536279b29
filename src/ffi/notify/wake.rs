//! A file descriptor of the host that is written to when there is something: for loops that wait on descriptors.

use crate::error::{Error, ErrorKind, Result};

/// What the host's descriptor leads to, under a number of our own: the host's may be closed, and stand for something else soon after.
pub(in crate::ffi) struct Wake {
    #[cfg(unix)]
    file: std::fs::File,
}

impl Wake {
    /// -1 stands for none.
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

    /// Writes 8 bytes, the number 1 as an eventfd wants it. A full pipe has been rung already, and is not waited for.
    pub(in crate::ffi) fn ring(&self) {
        #[cfg(unix)]
        {
            use std::io::Write;
            use std::os::fd::AsRawFd;
            // The host may have made it one that blocks after all, and a pipe that nobody reads any more would give a signal.
            let mut room = libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
            // SAFETY: one descriptor, which lives longer than the call; nothing is waited for.
            let writable = unsafe { libc::poll(&raw mut room, 1, 0) } > 0 && room.revents == libc::POLLOUT;
            if writable {
                let _full_or_gone = (&self.file).write(&1u64.to_ne_bytes());
            }
        }
    }
}

/// The descriptor once more, when it can be rung without waiting; otherwise why not.
#[cfg(unix)]
fn open(fd: i64) -> std::result::Result<std::fs::File, String> {
    use std::os::fd::FromRawFd;
    let number =
        i32::try_from(fd).ok().filter(|number| *number >= 0).ok_or_else(|| format!("{fd} is no file descriptor"))?;
    // SAFETY: asks about a number; one that is not open gives -1.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFL) };
    if flags == -1 {
        return Err(format!("{fd} is not open: {}", std::io::Error::last_os_error()));
    }
    if flags & libc::O_ACCMODE == libc::O_RDONLY {
        return Err(format!("{fd} is open for reading only"));
    }
    // SAFETY: as above; the new descriptor is this value's own.
    let file = unsafe {
        match libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) {
            -1 => return Err(format!("{fd} cannot be kept: {}", std::io::Error::last_os_error())),
            own => std::fs::File::from_raw_fd(own),
        }
    };
    let kind = file.metadata().map_err(|e| format!("{fd} cannot be looked at: {e}"))?.file_type();
    if kind.is_file() || kind.is_dir() {
        return Err(format!("{fd} is a file"));
    }
    if flags & libc::O_NONBLOCK == 0 {
        return Err(format!("{fd} blocks: a full one would hold up the engine"));
    }
    Ok(file)
}
