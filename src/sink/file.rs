//! Files that are written to a temporary file, synced and renamed.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Sink;
use crate::claim::{Claim, claim};
use crate::durable;
use crate::error::{Advice, Error, ErrorKind, Place, Result, io_text};
use crate::private_file;

/// A file that appears complete or not at all.
pub(crate) struct FileSink {
    file: io::BufWriter<File>,
    aside: PathBuf,
    path: PathBuf,
    /// Whether it was renamed; then the temporary name may belong to another process.
    has_appeared: bool,
}

impl FileSink {
    /// Creates the temporary file. `is_private` is for opnode's own files: mode 0600, and a link is replaced. Other
    /// files get the user's default mode.
    pub(crate) fn begin(path: &Path, is_private: bool) -> Result<FileSink> {
        // A link is followed: its target is replaced, not the link.
        let real = if is_private { None } else { fs::canonicalize(path).ok() };
        let path = real.unwrap_or_else(|| path.to_owned());
        // Renaming a file over a device or a pipe would remove it.
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(failed("written", &path, &io::Error::other("it is not a regular file")));
        }
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        // The name is fixed, so that the next run overwrites the remains of a killed run.
        let aside = path.with_file_name(format!(".{name}.opnode"));
        let file = match is_private {
            true => private_file::begin(&aside, true),
            // Another run may write the same file.
            false => match claim(&aside, true) {
                Ok(Claim::Mine(file, _)) => Ok(file),
                Ok(Claim::Held | Claim::Left(_)) => {
                    let cause = io::Error::other("another process is writing it");
                    return Err(
                        failed("written", &path, &cause).advise("wait until the other has ended, and run it again")
                    );
                }
                Err(cause) => Err(cause),
            },
        };
        let file = file.map_err(|e| failed("written", &path, &e))?;
        Ok(FileSink { file: io::BufWriter::with_capacity(256 << 10, file), aside, path, has_appeared: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| failed("written", &self.path, &e))
    }

    /// Brings what was written to disk, before the file gets its name.
    pub(crate) fn seal(&mut self) -> Result<()> {
        let sealed = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        sealed.map_err(|e| failed("written", &self.path, &e))
    }

    /// The path of the file, without links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was written and sealed, from its start.
    pub(crate) fn content(&mut self) -> Result<&mut File> {
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(0)).map_err(|e| failed("read", &self.aside, &e))?;
        Ok(file)
    }

    /// Closes the file before it gets its name.
    pub(crate) fn park(mut self) -> Result<ParkedFile> {
        self.seal()?;
        let found = self.file.get_ref().metadata().map_err(|e| failed("written", &self.path, &e))?;
        self.has_appeared = true;
        let (aside, path) = (std::mem::take(&mut self.aside), std::mem::take(&mut self.path));
        Ok(ParkedFile { aside, path, identity: identity(&found) })
    }

    /// Syncs and renames the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        let path = self.path.clone();
        let wrong = |e: io::Error| failed("written", &path, &e);
        self.file.flush().map_err(wrong)?;
        durable::replace(self.file.get_ref(), &self.aside, &self.path).map_err(wrong)?;
        self.has_appeared = true;
        sync_folder(&self.path)
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        // Removes the temporary file after a failure.
        if !self.has_appeared {
            let _gone = fs::remove_file(&self.aside);
        }
    }
}

/// A file that is complete and closed, and has its temporary name.
pub(crate) struct ParkedFile {
    aside: PathBuf,
    path: PathBuf,
    identity: (u64, u64),
}

impl ParkedFile {
    /// Renames the file. [`sync_folder`] makes the name durable.
    pub(crate) fn appear(mut self) -> Result<PathBuf> {
        let path = std::mem::take(&mut self.path);
        // A closed file is not locked.
        if !self.is_there() {
            let other = io::Error::other("another process has replaced its temporary file");
            return Err(failed("written", &path, &other));
        }
        fs::rename(&self.aside, &path).map_err(|e| failed("written", &path, &e))?;
        self.aside = PathBuf::new();
        Ok(path)
    }

    fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.aside).is_ok_and(|found| identity(&found) == self.identity)
    }
}

impl Drop for ParkedFile {
    fn drop(&mut self) {
        // Removes the temporary file after a failure.
        if self.is_there() {
            let _gone = fs::remove_file(&self.aside);
        }
    }
}

/// What tells a file from others of its name.
fn identity(found: &fs::Metadata) -> (u64, u64) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (found.dev(), found.ino())
    }
    #[cfg(not(unix))]
    (found.len(), 0)
}

/// The error of a failed file operation.
pub(crate) fn failed(what: &str, path: &Path, cause: &io::Error) -> Error {
    let shown = path.display().to_string();
    let why = io_text(cause);
    let error = Error::new(ErrorKind::State, format!("{shown} cannot be {what}: {why}"))
        .at(Place { file: Some(shown), ..Place::default() });
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            error.advise("free disk space and run it again to resume")
        }
        io::ErrorKind::FileTooLarge => {
            error.advise("raise the limit on file size (ulimit -f) and run it again to resume")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            error.advise(Advice::from("give this user write permission there").and(Advice::OtherStateFolder))
        }
        _ => error,
    }
}

/// Syncs a folder, which makes the names in it durable.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    durable::sync_folder(path).map_err(|e| failed("written", durable::folder(path), &e))
}

impl Sink for FileSink {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)
    }

    fn commit(self: Box<Self>) -> Result<()> {
        self.finish()
    }
}
