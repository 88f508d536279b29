//! Files that only one process at a time writes. What a killed process left is detected.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::private_file::not_a_link;

/// The result of claiming a file.
pub(crate) enum Claim {
    /// The file is empty, and no other process writes it while it is open. An earlier process's content is gone.
    Mine(
        File,
        #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the command line says what it took over"))]
        Option<Metadata>,
    ),
    /// A running process writes it.
    Held,
    /// A process that has ended left it, and it stays.
    Left(Metadata),
}

/// Creates a file that others may want too, with the mode of this user's other files. A leftover is removed if allowed,
/// and never opened for writing: its mode and owner cannot be trusted.
pub(crate) fn claim(path: &Path, may_remove: bool) -> io::Result<Claim> {
    let mut left = None;
    // Other processes come and go in between, but not endlessly.
    for _ in 0..20 {
        match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
            Ok(file) if is_mine(&file, path)? => return Ok(Claim::Mine(file, left)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match take(path, may_remove)? {
                Some(Claim::Left(found)) if may_remove => left = Some(found),
                Some(other) => return Ok(other),
                None => {}
            },
            Ok(_) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(Claim::Held)
}

/// Whether a new file is locked, and still has its name: another process may have taken it for a leftover.
fn is_mine(file: &File, path: &Path) -> io::Result<bool> {
    for _ in 0..50 {
        match file.try_lock() {
            Ok(()) => return is_named(file, path),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
            Err(TryLockError::Error(e)) => return Err(e),
        }
    }
    Ok(false)
}

/// The existing file, if there still is one.
fn take(path: &Path, may_remove: bool) -> io::Result<Option<Claim>> {
    let gone = |e: io::Error| if e.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(e) };
    let file = match path.symlink_metadata() {
        // The target of a link is not touched.
        Ok(found) if found.is_symlink() && may_remove => {
            return std::fs::remove_file(path).map(|()| None).or_else(gone);
        }
        Ok(found) if found.is_symlink() => return not_a_link(path).map(|()| None),
        Ok(found) if !found.is_file() => return Err(io::Error::other("the path exists and is not a file")),
        Ok(_) => File::open(path),
        Err(e) => return gone(e),
    };
    let file = match file {
        Ok(file) => file,
        Err(e) => return gone(e),
    };
    match file.try_lock() {
        Ok(()) if !is_named(&file, path)? => return Ok(None),
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Some(Claim::Held)),
        Err(TryLockError::Error(e)) => return Err(e),
    }
    let found = file.metadata()?;
    if may_remove {
        std::fs::remove_file(path)?;
    }
    Ok(Some(Claim::Left(found)))
}

/// Whether an open file has this name.
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let own = file.metadata()?;
        match std::fs::symlink_metadata(path) {
            Ok(there) => Ok((own.dev(), own.ino()) == (there.dev(), there.ino())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.try_exists()
    }
}
