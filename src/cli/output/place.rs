//! Places for bytes: standard output, a device, or a file that appears when it is complete.
//!
//! A file is written as `NAME.partial` and renamed when it is complete on disk, so that a file is never incomplete, and a failed call keeps the old one.
//! A killed call leaves only the partial file. It is locked while a process writes it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use crate::claim::{Claim, claim};
use crate::cli::messages::stdout_failed;
use crate::cli::screen::terminal_text;
use crate::cli::signals;
use crate::durable;
use crate::error::{Error, ErrorKind, Place, Result, io_text};
use crate::real_path::real_path;

/// Whether the reader is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Open,
    /// The reader closed the pipe (`| head`).
    Closed,
}

/// A place for bytes.
pub(crate) struct OutputPlace {
    kind: PlaceKind,
    /// A note to print before the call.
    note: Option<String>,
    /// The error of a write that may be incomplete. Nothing is written after it.
    failed: Option<Error>,
}

impl From<PlaceKind> for OutputPlace {
    fn from(kind: PlaceKind) -> OutputPlace {
        OutputPlace { kind, note: None, failed: None }
    }
}

enum PlaceKind {
    Stdout,
    /// An existing device or pipe.
    Device(File, PathBuf),
    /// A file that is not complete yet.
    Unfinished(UnfinishedFile),
}

/// What to do with a `.partial` file of an earlier call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldPartial {
    /// Overwrite it: its content can be fetched again.
    Overwrite,
    /// Refuse to start: it may be the only record of a write.
    Refuse,
}

/// A file that is written as `.partial`.
pub(crate) struct UnfinishedFile {
    file: File,
    path: PathBuf,
    partial: PathBuf,
    /// Bytes of successful writes.
    length: u64,
    /// A failed write could not be truncated.
    torn: bool,
    /// Whether it was renamed; another process may use the partial name from then on.
    is_renamed: bool,
}

impl OutputPlace {
    /// Opens a place, `-` for standard output. Errors are reported before the first request.
    pub(crate) fn open(path: Option<&Path>, old_partial: OldPartial) -> Result<OutputPlace> {
        let Some(path) = path.filter(|p| p.as_os_str() != "-") else { return Ok(PlaceKind::Stdout.into()) };
        // Follow a link, so that its target is replaced and not the link.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&real) {
            Ok(meta) if meta.is_dir() => Err(failed(path, "it is a folder").advise("name a file in it")),
            Ok(meta) if !meta.is_file() => {
                let file = OpenOptions::new().write(true).open(&real).map_err(|e| failed(path, &io_text(&e)))?;
                Ok(PlaceKind::Device(file, path.to_owned()).into())
            }
            Ok(_) => {
                OpenOptions::new().write(true).open(&real).map_err(|e| failed(path, &io_text(&e)))?;
                OutputPlace::pending(path, real, old_partial)
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && path.file_name().is_some() => {
                OutputPlace::pending(path, real, old_partial)
            }
            Err(cause) => Err(failed(path, &io_text(&cause))),
        }
    }

    fn pending(shown: &Path, path: PathBuf, old_partial: OldPartial) -> Result<OutputPlace> {
        if shown.as_os_str().to_string_lossy().ends_with(['/', '\\']) {
            return Err(failed(shown, "it is a folder").advise("name a file in it"));
        }
        let partial = partial(&path);
        let claim = claim(&partial, old_partial == OldPartial::Overwrite);
        let (file, left) = match claim.map_err(|e| unclaimed(shown, &partial, &e))? {
            Claim::Mine(file, left) => (file, left),
            Claim::Held => {
                return Err(failed(shown, "another process is writing it").advise("wait for it, or name another file"));
            }
            Claim::Left(left) => return Err(refuse(shown, &partial, &left)),
        };
        signals::remove_on_exit(&partial);
        // Overwriting an empty file loses nothing.
        let left = left.filter(|left| left.len() > 0);
        let note = left.map(|left| format!("overwriting {} of an earlier call ({})", partial.display(), facts(&left)));
        let pending = UnfinishedFile { file, path, partial, length: 0, torn: false, is_renamed: false };
        Ok(OutputPlace { kind: PlaceKind::Unfinished(pending), note, failed: None })
    }

    /// A note to print before the call.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Keeps its content if the process ends immediately.
    pub(crate) fn keep_at_once(&self) {
        if let PlaceKind::Unfinished(pending) = &self.kind {
            signals::keep_on_exit(&pending.partial);
        }
    }

    /// Writes all bytes. Returns whether the reader is still there.
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
                // A failed write to a file is truncated, so that the next one may succeed.
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
                failed(&pending.path, &io_text(cause)).advise("the old file is unchanged")
            }
        }
    }

    /// The path of the file.
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

    /// Keeps the partial file of an unfinished file. Returns its path.
    pub(crate) fn keep_partial(self) -> Option<PathBuf> {
        let PlaceKind::Unfinished(pending) = self.kind else { return None };
        pending.stay()
    }

    /// Keeps the partial file after a write error, and adds its path to the error.
    pub(crate) fn broken(self, error: Error) -> Error {
        match self.keep_partial() {
            Some(partial) => {
                error.advise(format!("the written items are in {}; the old file is unchanged", partial.display()))
            }
            None => error,
        }
    }
}

impl UnfinishedFile {
    /// Writes all bytes or none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        match &written {
            Ok(()) => self.length += bytes.len() as u64,
            Err(_) => {
                let cut = self.file.set_len(self.length);
                self.torn = cut.and_then(|()| self.file.seek(io::SeekFrom::Start(self.length))).is_err();
            }
        }
        written
    }

    fn appear(mut self) -> Result<()> {
        let wrong = |e: io::Error| {
            failed(&self.path, &io_text(&e)).advise(format!("the written items are in {}", self.partial.display()))
        };
        durable::replace(&self.file, &self.partial, &self.path).map_err(wrong)?;
        self.is_renamed = true;
        // Some file systems do not support it.
        let _best_effort = durable::sync_folder(&self.path);
        Ok(())
    }

    /// Keeps the partial file unless it is empty.
    fn stay(self) -> Option<PathBuf> {
        if self.length == 0 {
            return None;
        }
        let _synced = self.file.sync_all();
        let _best_effort = durable::sync_folder(&self.partial);
        Some(self.partial.clone())
    }
}

impl Drop for UnfinishedFile {
    fn drop(&mut self) {
        if self.length == 0 && !self.is_renamed {
            let _gone = fs::remove_file(&self.partial);
        }
        signals::unregister(&self.partial);
    }
}

/// The name of the partial file.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// Size and time of a file.
fn facts(left: &fs::Metadata) -> String {
    let when = left.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    let when = when.map(|time| format!(", last written {}", time.strftime("%Y-%m-%dT%H:%M:%SZ"))).unwrap_or_default();
    format!("{}{when}", terminal_text::count(left.len(), "byte"))
}

/// The error for a partial file of a call that was killed or failed.
fn refuse(shown: &Path, partial: &Path, left: &fs::Metadata) -> Error {
    let place = partial.display();
    let what = match left.len() {
        0 => format!("it is empty, so the effect of that call is unknown ({})", facts(left)),
        _ => format!("it may be the only record of that call ({})", facts(left)),
    };
    Error::new(ErrorKind::State, format!("an earlier call that wrote {} did not finish and left {place}: {what}", shown.display()))
        .at(Place { file: Some(place.to_string()), ..Place::default() })
        .advise("check it and its records; requests in flight are not in it. Then move or remove it, and send the remaining items")
}

fn unclaimed(shown: &Path, partial: &Path, cause: &io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::Other => {
            failed(shown, &format!("{}: {}", partial.display(), io_text(cause))).advise("move it to another place")
        }
        _ => failed(shown, &io_text(cause)).advise("check that the folder exists and that you may write to it"),
    }
}

/// Refuses the same path for two outputs: one would overwrite the other.
pub(crate) fn refuse_same_path(places: &[(&str, Option<&Path>)]) -> Result<()> {
    let real: Vec<Option<PathBuf>> = places.iter().map(|(_, path)| path.map(canonical)).collect();
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
            return Err(Error::new(ErrorKind::Usage, format!("{other} names the partial file of {flag}")));
        }
    }
    Ok(())
}

/// Refuses outputs that would overwrite an input.
pub(crate) fn refuse_inputs<'p>(
    outputs: &[(&str, Option<&Path>)],
    inputs: impl Iterator<Item = &'p Path>,
) -> Result<()> {
    let inputs: Vec<PathBuf> = inputs.map(canonical).collect();
    let read = |path: &Path| path.as_os_str() != "-" && inputs.contains(&canonical(path));
    match outputs.iter().find_map(|(flag, path)| Some((flag, path.filter(|path| read(path))?))) {
        None => Ok(()),
        Some((flag, path)) => Err(Error::new(
            ErrorKind::Usage,
            format!("{flag} would overwrite {}, which this call reads", path.display()),
        )
        .advise("write to another file")),
    }
}

/// The path of a place without links; `-` is standard output.
fn canonical(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" { path.to_owned() } else { real_path(path) }
}

fn failed(path: &Path, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} cannot be written: {why}"))
        .at(Place { file: Some(shown), ..Place::default() })
}
