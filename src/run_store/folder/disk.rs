//! File operations of a run; errors name the file. In this module, only this file opens files for writing.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use crate::error::{Advice, Error, ErrorKind, Place, Result};
use crate::private_file;
use crate::sink::FileSink;
pub(crate) use crate::sink::{failed, sync_folder};
use crate::text_file::if_there;

/// The advice for a damaged file of a run.
pub(super) const DAMAGED_ADVICE: Advice = Advice::RestoreOrStartOver;

/// The error for a damaged file of a run.
pub(super) fn damaged(path: &Path, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} is damaged: {why}"))
        .at(Place { file: Some(shown), ..Place::default() })
        .advise(DAMAGED_ADVICE)
}

/// Creates a folder with mode 0700, and its parents.
pub(super) fn folder(path: &Path) -> Result<()> {
    not_a_link(path)?;
    private_file::folder(path).map_err(|e| failed("made", path, &e))
}

/// Refuses a symbolic link in place of a folder or file of the run.
pub(super) fn not_a_link(path: &Path) -> Result<()> {
    private_file::not_a_link(path).map_err(|e| failed("used", path, &e))
}

/// Opens a private file with these options.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> Result<File> {
    private_file::open(path, options).map_err(|e| failed("opened", path, &e))
}

/// Opens a private file for appending.
pub(super) fn append(path: &Path) -> Result<File> {
    open(path, OpenOptions::new().append(true).create(true))
}

/// Truncates a file to its verified length.
pub(super) fn cut(path: &Path, length: u64) -> Result<()> {
    let file = open(path, OpenOptions::new().write(true))?;
    file.set_len(length).and_then(|()| file.sync_all()).map_err(|e| failed("cut", path, &e))
}

/// The file's bytes; it may be damaged, so they need not be text. `None` when there is no such file.
pub(super) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    if_there(fs::read(path)).map_err(|e| failed("read", path, &e))
}

/// Replaces a small private file atomically.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = FileSink::begin(path, true)?;
    file.write(bytes)?;
    file.finish()
}

/// Moves a file or folder.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| failed("moved aside", from, &e))
}
