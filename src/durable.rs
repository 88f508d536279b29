//! Puts a file that was written beside its place into it: at every instant the old content or the new one is there,
//! after a power cut too.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Brings the content to disk, then gives the file its name. The name is durable after [`sync_folder`].
pub(crate) fn replace(file: &File, aside: &Path, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(aside, path)
}

/// Brings the names in a file's folder to disk. Systems other than Unix cannot open folders, and do it themselves.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    File::open(folder(path))?.sync_all()
}

/// The folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
