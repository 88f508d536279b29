//! Where bytes go: standard output, a device, or a file that appears when it is complete.
//!
//! A file is written beside its place and renamed when all of it is on disk, so that nobody ever sees half of one, and a failed run leaves the old one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::sink::Flow;
use crate::cli::screen::{io_text, stdout_failed};
use crate::cli::signals;
use crate::error::{Error, ErrorKind, Place, Result};

/// A place for bytes.
pub(crate) struct Target {
    kind: Kind,
    /// Why nothing more is written: part of a write may stand there, and what came behind it could not be told from it.
    failed: Option<Error>,
}

impl From<Kind> for Target {
    fn from(kind: Kind) -> Target {
        Target { kind, failed: None }
    }
}

enum Kind {
    Stdout,
    /// Something that is there already and is no regular file: a device, a pipe.
    Device(File, PathBuf),
    /// A file to be.
    Pending(Pending),
}

/// A file that is written beside its place.
pub(crate) struct Pending {
    file: NamedTempFile,
    path: PathBuf,
    /// Bytes of the writes that went well.
    whole: u64,
    /// Part of a write that failed could not be taken back.
    torn: bool,
}

impl Target {
    /// Opens a place, `-` for standard output. Refuses what cannot be written now rather than after the first request.
    pub(crate) fn open(path: Option<&Path>) -> Result<Target> {
        let Some(path) = path.filter(|p| p.as_os_str() != "-") else { return Ok(Kind::Stdout.into()) };
        // A link is followed, so that the file behind it is replaced and not the link.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&real) {
            Ok(meta) if meta.is_dir() => Err(failed(path, "it is a folder").advise("name a file in it")),
            Ok(meta) if !meta.is_file() => {
                let file = OpenOptions::new().write(true).open(&real).map_err(|e| failed(path, &io_text(&e)))?;
                Ok(Kind::Device(file, path.to_owned()).into())
            }
            Ok(_) => {
                OpenOptions::new().write(true).open(&real).map_err(|e| failed(path, &io_text(&e)))?;
                Target::pending(path, real)
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && path.file_name().is_some() => Target::pending(path, real),
            Err(cause) => Err(failed(path, &io_text(&cause))),
        }
    }

    fn pending(shown: &Path, path: PathBuf) -> Result<Target> {
        if shown.as_os_str().to_string_lossy().ends_with(['/', '\\']) {
            return Err(failed(shown, "it is a folder").advise("name a file in it"));
        }
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".{name}.");
        builder.prefix(&prefix).suffix(".tmp");
        open_as_umask(&mut builder);
        let file = builder
            .tempfile_in(folder(&path))
            .map_err(|e| failed(shown, &io_text(&e)).advise("is there such a folder, and may you write in it?"))?;
        signals::clean_up_later(file.path());
        Ok(Kind::Pending(Pending { file, path, whole: 0, torn: false }).into())
    }

    /// Keeps what it holds, as `.partial`, when the process is ended at once.
    pub(crate) fn keep_at_once(&self) {
        if let Kind::Pending(pending) = &self.kind {
            signals::keep_later(pending.file.path(), pending.partial());
        }
    }

    /// Writes all of the bytes; tells when the reader has gone.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<Flow> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let written = match &mut self.kind {
            Kind::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Kind::Device(file, _) => file.write_all(bytes),
            Kind::Pending(pending) => pending.write(bytes),
        };
        match written {
            Ok(()) => Ok(Flow::Open),
            Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(Flow::Closed),
            Err(cause) => {
                let error = self.error(&cause);
                // Of a file to be, nothing is left of a write that failed; the next may do better.
                self.failed = (!matches!(&self.kind, Kind::Pending(pending) if !pending.torn)).then(|| error.clone());
                Err(error)
            }
        }
    }

    fn error(&self, cause: &io::Error) -> Error {
        match &self.kind {
            Kind::Stdout => stdout_failed(cause),
            Kind::Device(_, path) => failed(path, &io_text(cause)),
            Kind::Pending(pending) => failed(&pending.path, &io_text(cause)).advise("what was there before is untouched"),
        }
    }

    /// The file to be.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Pending(pending) => Some(&pending.path),
            Kind::Stdout | Kind::Device(..) => None,
        }
    }

    /// Makes the file appear, durably.
    pub(crate) fn finish(self) -> Result<()> {
        match self.kind {
            Kind::Stdout | Kind::Device(..) => Ok(()),
            Kind::Pending(pending) => {
                let path = pending.path.clone();
                pending.appear(&path)
            }
        }
    }

    /// Keeps what was written of an unfinished file under another name, which it gives back.
    pub(crate) fn keep_partial(self) -> Option<PathBuf> {
        let Kind::Pending(pending) = self.kind else { return None };
        let partial = pending.partial();
        pending.appear(&partial).ok().map(|()| partial)
    }

    /// The end of a file that could not be written to its end, but whose beginning nobody else knows.
    pub(crate) fn broken(self, error: Error) -> Error {
        match self.keep_partial() {
            Some(partial) => error.advise(format!("what was written is in {}; what was there before is untouched", partial.display())),
            None => error,
        }
    }
}

impl Pending {
    fn partial(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        self.path.with_file_name(name)
    }

    /// All of the bytes, or none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        match &written {
            Ok(()) => self.whole += bytes.len() as u64,
            Err(_) => {
                let cut = self.file.as_file().set_len(self.whole);
                self.torn = cut.and_then(|()| self.file.seek(io::SeekFrom::Start(self.whole))).is_err();
            }
        }
        written
    }

    fn appear(self, path: &Path) -> Result<()> {
        let synced = self.file.as_file().sync_all();
        synced.map_err(|e| failed(path, &io_text(&e)))?;
        let temporary = self.file.path().to_owned();
        self.file.persist(path).map_err(|e| failed(path, &io_text(&e.error)))?;
        signals::cleaned_up(&temporary);
        // The rename itself is durable when the folder is; some systems cannot sync a folder, and then there is nothing more to do.
        if let Ok(folder) = File::open(folder(path)) {
            let _best_effort = folder.sync_all();
        }
        Ok(())
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
    }
    Ok(())
}

/// The one name of a place, however it is written.
fn real(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" {
        return path.to_owned();
    }
    fs::canonicalize(path).unwrap_or_else(|_| match (fs::canonicalize(folder(path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    })
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The mode that any new file of this user gets.
#[cfg(unix)]
fn open_as_umask(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn open_as_umask(_: &mut tempfile::Builder<'_, '_>) {}

fn failed(path: &Path, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} cannot be written: {why}")).at(Place { file: Some(shown), ..Place::default() })
}
