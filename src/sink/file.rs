//! Files that appear whole: written beside their place, then renamed, durably.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Sink;
use crate::claim::{Claim, claim};
use crate::durable;
use crate::error::{Advice, Error, ErrorKind, Place, Result, io_text};
use crate::private_file;

/// A file that is written beside its place. It appears whole, or not at all.
pub(crate) struct FileSink {
    file: io::BufWriter<File>,
    aside: PathBuf,
    path: PathBuf,
    /// Whether it is in its place: what has its name beside that from now on is another's.
    has_appeared: bool,
}

impl FileSink {
    /// Begins it. `is_private` for files of ours, which take the place of a link; others get the rights that this user's files have.
    pub(crate) fn begin(path: &Path, is_private: bool) -> Result<FileSink> {
        // A link of the user's is followed, so that the file behind it is replaced and not the link.
        let real = if is_private { None } else { fs::canonicalize(path).ok() };
        let path = real.unwrap_or_else(|| path.to_owned());
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        // The same name every time: what a killed run left goes with the next.
        let aside = path.with_file_name(format!(".{name}.opnode"));
        let file = match is_private {
            true => private_file::begin(&aside, true),
            // Another run may save there too.
            false => claim(&aside, true).and_then(|claim| match claim {
                Claim::Mine(file, _) => Ok(file),
                Claim::Held | Claim::Left(_) => Err(io::Error::other("another process is writing it")),
            }),
        };
        let file = file.map_err(|e| failed("written", &path, &e))?;
        Ok(FileSink { file: io::BufWriter::with_capacity(256 << 10, file), aside, path, has_appeared: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| failed("written", &self.path, &e))
    }

    /// Makes it appear, durably.
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
        // After a failure it must not stay.
        if !self.has_appeared {
            let _gone = fs::remove_file(&self.aside);
        }
    }
}

/// A failed file operation, as the error that a person reads.
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

/// A file's name is durable when its folder is.
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
