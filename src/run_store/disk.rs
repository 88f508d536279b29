//! File operations of a run, each with the name of its file in the error. The only file of this room that opens files for writing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::claim::{Claim, claim};
use crate::error::{Advice, Error, ErrorKind, Place, Result, io_text};
use crate::private_file;

/// What to do about a file of a run that is not what it was.
pub(crate) const WAY_OUT: Advice = Advice::RestoreOrStartOver;

/// A file of a run that is not what it was.
pub(crate) fn damaged(path: &Path, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} is damaged: {why}"))
        .at(Place { file: Some(shown), ..Place::default() })
        .advise(WAY_OUT)
}

/// A failed file operation, as the error that a person reads.
pub(crate) fn failed(what: &str, path: &Path, cause: &io::Error) -> Error {
    let shown = path.display().to_string();
    let why = io_text(cause);
    let error = Error::new(ErrorKind::State, format!("{shown} cannot be {what}: {why}"))
        .at(Place { file: Some(shown), ..Place::default() });
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            error.advise("make room and run it again: it goes on from what is safe on disk")
        }
        io::ErrorKind::FileTooLarge => error.advise(
            "raise the limit on the size of files (ulimit -f) and run it again: it goes on from what is safe on disk",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            error.advise(Advice::from("give this user the right to write there").and(Advice::OtherStateFolder))
        }
        _ => error,
    }
}

/// Makes a folder that only its owner may enter, and those above it.
pub(crate) fn folder(path: &Path) -> Result<()> {
    not_a_link(path)?;
    private_file::folder(path).map_err(|e| failed("made", path, &e))
}

/// Refuses a link where a folder or file of ours may stand.
pub(crate) fn not_a_link(path: &Path) -> Result<()> {
    private_file::not_a_link(path).map_err(|e| failed("used", path, &e))
}

/// Opens a private file, in the manner of `options`.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> Result<File> {
    private_file::open(path, options).map_err(|e| failed("opened", path, &e))
}

/// Opens a private file for writing behind what is in it.
pub(crate) fn append(path: &Path) -> Result<File> {
    open(path, OpenOptions::new().append(true).create(true))
}

/// Cuts a file to a length that is known to be good.
pub(crate) fn cut(path: &Path, length: u64) -> Result<()> {
    let file = open(path, OpenOptions::new().write(true))?;
    file.set_len(length).and_then(|()| file.sync_all()).map_err(|e| failed("cut", path, &e))
}

/// The file's text; `None` when there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    found(path, fs::read_to_string(path))
}

/// The file's bytes, for files of ours that may be damaged; `None` when there is no such file.
pub(crate) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    found(path, fs::read(path))
}

fn found<T>(path: &Path, read: io::Result<T>) -> Result<Option<T>> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("read", path, &e)),
    }
}

/// A file that is written beside its place. It appears whole, or not at all.
pub(crate) struct Beside {
    file: io::BufWriter<File>,
    aside: PathBuf,
    path: PathBuf,
    /// Whether it is in its place: what has its name beside that from now on is another's.
    has_appeared: bool,
}

impl Beside {
    /// Begins it. `is_private` for files of ours, which take the place of a link; others get the rights that this user's files have.
    pub(crate) fn begin(path: &Path, is_private: bool) -> Result<Beside> {
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
        Ok(Beside { file: io::BufWriter::with_capacity(256 << 10, file), aside, path, has_appeared: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| failed("written", &self.path, &e))
    }

    /// Makes it appear, durably.
    pub(crate) fn finish(mut self) -> Result<()> {
        let path = self.path.clone();
        let wrong = |e: io::Error| failed("written", &path, &e);
        self.file.flush().map_err(wrong)?;
        self.file.get_ref().sync_all().map_err(wrong)?;
        fs::rename(&self.aside, &self.path).map_err(wrong)?;
        self.has_appeared = true;
        sync_folder(&self.path)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // After a failure it must not stay.
        if !self.has_appeared {
            let _gone = fs::remove_file(&self.aside);
        }
    }
}

/// Writes a small private file whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = Beside::begin(path, true)?;
    file.write(bytes)?;
    file.finish()
}

/// A rename is durable when its folder is.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) else { return Ok(()) };
    if cfg!(not(unix)) {
        return Ok(());
    }
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| failed("written", folder, &e))
}

/// Moves a file or folder.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| failed("moved aside", from, &e))
}
