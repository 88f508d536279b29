//! Files that one process at a time writes, under a name that others may want too. What a killed process left under it is found.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::private_file::not_a_link;

/// What comes of the wish to write a file alone.
pub(crate) enum Claim {
    /// It is empty, and no other process writes it as long as it is open. What an earlier one left there is gone.
    Mine(File, Option<Metadata>),
    /// A process that lives writes it.
    Held,
    /// A process that is gone has left it, and it stays.
    Left(Metadata),
}

/// Begins a file under a name that others may want too. It gets the mode that other files of this user have. What an earlier process has left there is
/// removed, if it may be, and not opened for writing: its mode and owner are not ours to trust.
pub(crate) fn claim(path: &Path, may_remove: bool) -> io::Result<Claim> {
    let mut left = None;
    // Others come and go in between, but not again and again.
    for _ in 0..20 {
        match OpenOptions::new().write(true).create_new(true).open(path) {
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

/// Whether a file that was made just now is locked, and still has its name: somebody else may have thought that it was left there.
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

/// What stands there already; nothing, when it is gone meanwhile.
fn take(path: &Path, may_remove: bool) -> io::Result<Option<Claim>> {
    let gone = |e: io::Error| if e.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(e) };
    let file = match path.symlink_metadata() {
        // What it leads to is left alone.
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

/// Whether an open file is the one of this name.
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
