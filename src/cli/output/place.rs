//! Where bytes go: standard output, a device, or a file that appears when it is complete.
//!
//! A file is written as `NAME.partial` and renamed when all of it is on disk, so that nobody ever sees half of one, and a failed call leaves the old one.
//! What a killed call leaves is that one file. While a process writes it, it is locked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use crate::claim::{Claim, claim};
use crate::cli::messages::stdout_failed;
use crate::cli::screen::terminal_text;
use crate::cli::signals;
use crate::durable;
use crate::error::{Error, ErrorKind, Place, Result, io_text};

/// Whether anyone still reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Open,
    /// The reader has gone (`| head`); nothing more need be written.
    Closed,
}

/// A place for bytes.
pub(crate) struct OutputPlace {
    kind: PlaceKind,
    /// What a person should know about its beginning.
    note: Option<String>,
    /// Why nothing more is written: part of a write may stand there, and what came behind it could not be told from it.
    failed: Option<Error>,
}

impl From<PlaceKind> for OutputPlace {
    fn from(kind: PlaceKind) -> OutputPlace {
        OutputPlace { kind, note: None, failed: None }
    }
}

enum PlaceKind {
    Stdout,
    /// Something that is there already and is no regular file: a device, a pipe.
    Device(File, PathBuf),
    /// A file to be.
    Unfinished(UnfinishedFile),
}

/// What becomes of a `.partial` that an earlier call has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EarlierFile {
    /// It can be had again.
    GivesWay,
    /// It may be the only record of what was done: nothing is done before somebody has looked at it.
    Stays,
}

/// A file that is written as `.partial`.
pub(crate) struct UnfinishedFile {
    file: File,
    path: PathBuf,
    partial: PathBuf,
    /// Bytes of the writes that went well.
    whole: u64,
    /// Part of a write that failed could not be taken back.
    torn: bool,
    /// Whether it is in its place: what has its name from now on is another's.
    has_appeared: bool,
}

impl OutputPlace {
    /// Opens a place, `-` for standard output. Refuses what cannot be written now rather than after the first request.
    pub(crate) fn open(path: Option<&Path>, earlier: EarlierFile) -> Result<OutputPlace> {
        let Some(path) = path.filter(|p| p.as_os_str() != "-") else { return Ok(PlaceKind::Stdout.into()) };
        // A link is followed, so that the file behind it is replaced and not the link.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&real) {
            Ok(meta) if meta.is_dir() => Err(failed(path, "it is a folder").advise("name a file in it")),
            Ok(meta) if !meta.is_file() => {
                let file = OpenOptions::new().write(true).open(&real).map_err(|e| failed(path, &io_text(&e)))?;
                Ok(PlaceKind::Device(file, path.to_owned()).into())
            }
            Ok(_) => {
                OpenOptions::new().write(true).open(&real).map_err(|e| failed(path, &io_text(&e)))?;
                OutputPlace::pending(path, real, earlier)
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && path.file_name().is_some() => {
                OutputPlace::pending(path, real, earlier)
            }
            Err(cause) => Err(failed(path, &io_text(&cause))),
        }
    }

    fn pending(shown: &Path, path: PathBuf, earlier: EarlierFile) -> Result<OutputPlace> {
        if shown.as_os_str().to_string_lossy().ends_with(['/', '\\']) {
            return Err(failed(shown, "it is a folder").advise("name a file in it"));
        }
        let partial = partial(&path);
        let claim = claim(&partial, earlier == EarlierFile::GivesWay);
        let (file, left) = match claim.map_err(|e| unclaimed(shown, &partial, &e))? {
            Claim::Mine(file, left) => (file, left),
            Claim::Held => {
                return Err(failed(shown, "another process is writing it").advise("wait for it, or name another file"));
            }
            Claim::Left(left) => return Err(refuse(shown, &partial, &left)),
        };
        signals::clean_up_later(&partial);
        // Nothing is lost with an empty one.
        let left = left.filter(|left| left.len() > 0);
        let note = left
            .map(|left| format!("{} of an earlier call ({}) gives way to this one", partial.display(), facts(&left)));
        let pending = UnfinishedFile { file, path, partial, whole: 0, torn: false, has_appeared: false };
        Ok(OutputPlace { kind: PlaceKind::Unfinished(pending), note, failed: None })
    }

    /// What a person should know about its beginning.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Keeps what it holds when the process is ended at once.
    pub(crate) fn keep_at_once(&self) {
        if let PlaceKind::Unfinished(pending) = &self.kind {
            signals::keep_later(&pending.partial);
        }
    }

    /// Writes all of the bytes; tells when the reader has gone.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<Flow> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let written = match &mut self.kind {
            PlaceKind::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            PlaceKind::Device(file, _) => file.write_all(bytes),
            PlaceKind::Unfinished(pending) => pending.write(bytes),
        };
        match written {
            Ok(()) => Ok(Flow::Open),
            Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(Flow::Closed),
            Err(cause) => {
                let error = self.error(&cause);
                // Of a file to be, nothing is left of a write that failed; the next may do better.
                self.failed =
                    (!matches!(&self.kind, PlaceKind::Unfinished(pending) if !pending.torn)).then(|| error.clone());
                Err(error)
            }
        }
    }

    fn error(&self, cause: &io::Error) -> Error {
        match &self.kind {
            PlaceKind::Stdout => stdout_failed(cause),
            PlaceKind::Device(_, path) => failed(path, &io_text(cause)),
            PlaceKind::Unfinished(pending) => {
                failed(&pending.path, &io_text(cause)).advise("what was there before is untouched")
            }
        }
    }

    /// The file to be.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.kind {
            PlaceKind::Unfinished(pending) => Some(&pending.path),
            PlaceKind::Stdout | PlaceKind::Device(..) => None,
        }
    }

    /// Makes the file appear, durably.
    pub(crate) fn finish(self) -> Result<()> {
        match self.kind {
            PlaceKind::Stdout | PlaceKind::Device(..) => Ok(()),
            PlaceKind::Unfinished(pending) => pending.appear(),
        }
    }

    /// Leaves what was written of an unfinished file where it is, and gives its name.
    pub(crate) fn keep_partial(self) -> Option<PathBuf> {
        let PlaceKind::Unfinished(pending) = self.kind else { return None };
        pending.stay()
    }

    /// The end of a file that could not be written to its end, but whose beginning nobody else knows.
    pub(crate) fn broken(self, error: Error) -> Error {
        match self.keep_partial() {
            Some(partial) => error
                .advise(format!("what was written is in {}; what was there before is untouched", partial.display())),
            None => error,
        }
    }
}

impl UnfinishedFile {
    /// All of the bytes, or none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        match &written {
            Ok(()) => self.whole += bytes.len() as u64,
            Err(_) => {
                let cut = self.file.set_len(self.whole);
                self.torn = cut.and_then(|()| self.file.seek(io::SeekFrom::Start(self.whole))).is_err();
            }
        }
        written
    }

    fn appear(mut self) -> Result<()> {
        let wrong = |e: io::Error| {
            failed(&self.path, &io_text(&e)).advise(format!("what was written is in {}", self.partial.display()))
        };
        durable::replace(&self.file, &self.partial, &self.path).map_err(wrong)?;
        self.has_appeared = true;
        // Some file systems cannot do it, and then there is nothing more to do.
        let _best_effort = durable::sync_folder(&self.path);
        Ok(())
    }

    /// Leaves it, if there is anything in it.
    fn stay(self) -> Option<PathBuf> {
        if self.whole == 0 {
            return None;
        }
        let _as_well_as_the_disk_lets = self.file.sync_all();
        let _best_effort = durable::sync_folder(&self.partial);
        Some(self.partial.clone())
    }
}

impl Drop for UnfinishedFile {
    fn drop(&mut self) {
        if self.whole == 0 && !self.has_appeared {
            let _gone = fs::remove_file(&self.partial);
        }
        signals::cleaned_up(&self.partial);
    }
}

/// The name under which a file is written.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// How large a file is, and when it was written.
fn facts(left: &fs::Metadata) -> String {
    let when = left.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    let when = when.map(|time| format!(", last written {}", time.strftime("%Y-%m-%dT%H:%M:%SZ"))).unwrap_or_default();
    format!("{}{when}", terminal_text::count(left.len(), "byte"))
}

/// The record of a call that was killed, or that failed.
fn refuse(shown: &Path, partial: &Path, left: &fs::Metadata) -> Error {
    let place = partial.display();
    let what = match left.len() {
        0 => format!("it is empty, so that nobody knows what that call has done ({})", facts(left)),
        _ => format!("it may be the only record of what that call has done ({})", facts(left)),
    };
    Error::new(ErrorKind::State, format!("an earlier call that was to write {} did not come to its end, and left {place}: {what}", shown.display()))
        .at(Place { file: Some(place.to_string()), ..Place::default() })
        .advise("look at it, and at the records that it tells of: what was under way is not in it; then move it away or remove it, and send what is left")
}

fn unclaimed(shown: &Path, partial: &Path, cause: &io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::Other => {
            failed(shown, &format!("{}: {}", partial.display(), io_text(cause))).advise("move it away")
        }
        _ => failed(shown, &io_text(cause)).advise("is there such a folder, and may you write in it?"),
    }
}

/// Refuses one place for two outputs: the later would undo the earlier.
pub(crate) fn apart(places: &[(&str, Option<&Path>)]) -> Result<()> {
    let real: Vec<Option<PathBuf>> = places.iter().map(|(_, path)| path.map(real)).collect();
    for (index, (flag, path)) in places.iter().enumerate() {
        let this = real.get(index).filter(|this| this.is_some());
        let twin = places.iter().zip(&real).take(index).find(|(_, other)| Some(*other) == this).map(|(place, _)| place);
        if let (Some((other, _)), Some(path)) = (twin, path) {
            return Err(Error::new(ErrorKind::Usage, format!("{other} and {flag} both name {}", path.display())));
        }
        let written = this.and_then(Option::as_deref).map(partial);
        if let Some((other, _)) =
            places.iter().zip(&real).find(|(_, other)| written.is_some() && **other == written).map(|(place, _)| place)
        {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{other} names the file that {flag} is written to until it is whole"),
            ));
        }
    }
    Ok(())
}

/// The one name of a place, however it is written.
fn real(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" {
        return path.to_owned();
    }
    fs::canonicalize(path).unwrap_or_else(|_| match (fs::canonicalize(durable::folder(path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    })
}

fn failed(path: &Path, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} cannot be written: {why}"))
        .at(Place { file: Some(shown), ..Place::default() })
}
