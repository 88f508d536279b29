//! Files that are opnode's own: of mode 0600, in folders of mode 0700, from their first moment on; a link that somebody put in their place is never
//! written through. Files that a person names (`save:`, `--output`) are no such; what stands beside them until they are whole is.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Opens a file, in the manner of `options`. Refuses a link in its place.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    private(options);
    options.open(path).map_err(|e| not_a_link(path).err().unwrap_or(e))
}

/// Begins a file. What stands in its place, such as what a killed process left, is removed and not opened. Unless it `is_private`, it gets the mode that
/// other files of this user have.
pub(crate) fn begin(path: &Path, is_private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A link is not followed where the file must be new.
    options.write(true).create_new(true);
    if is_private {
        private(&mut options);
    }
    // Another process may begin the same file in between, but not again and again.
    for _ in 0..3 {
        match options.open(path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match std::fs::remove_file(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            },
            begun => return begun,
        }
    }
    options.open(path)
}

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
        Ok(found) if found.is_symlink() && may_remove => return std::fs::remove_file(path).map(|()| None).or_else(gone),
        Ok(found) if found.is_symlink() => return not_a_link(path).map(|()| None),
        Ok(found) if !found.is_file() => return Err(io::Error::other("something else has this name")),
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

fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Makes a folder, and those above it.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Refuses a link.
pub(crate) fn not_a_link(path: &Path) -> io::Result<()> {
    if path.is_symlink() { Err(io::Error::other("it is a link, and is not followed")) } else { Ok(()) }
}

/// Whether others than the owner may do to a file what is among `bits` of its mode. No, where files have no modes.
pub(crate) fn is_open(path: &Path, bits: u32) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & bits != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = (path, bits);
        false
    }
}
