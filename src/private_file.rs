//! opnode's own files: mode 0600, in folders of mode 0700, from their creation on; a symbolic link in their place is
//! never followed. Files that a user names (`save:`, `--output`) are different, but their temporary files are included.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file with `options`. Refuses a link in its place.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    private(options);
    options.open(path).map_err(|e| not_a_link(path).err().unwrap_or(e))
}

/// Creates a file. A leftover in its place is removed and not opened. Unless it `is_private`, it gets the mode of this
/// user's other files.
pub(crate) fn begin(path: &Path, is_private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // `create_new` does not follow links.
    options.write(true).create_new(true);
    if is_private {
        private(&mut options);
    }
    // Another process may create the same file in between, but not endlessly.
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

fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Creates a folder and its parents.
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

/// Whether others than the owner have one of the permission `bits`. False if files have no modes.
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
