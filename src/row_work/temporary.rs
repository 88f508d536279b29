//! Temporary files of operations on rows, and the count of the memory that their buffers hold.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::{Error, ErrorKind, Place, Result};
use crate::lock::lock;
use crate::private_file;
use crate::sink::failed;

/// Default memory of one operation in bytes.
pub(crate) const BUDGET: usize = 16 << 20;

/// Rows between two calls of `check`.
const ROWS_PER_CHECK: u64 = 4096;

/// Where one operation on rows puts its temporary files, how much memory its buffers may hold, and what cancels it.
///
/// The files are `NAME.N.tmp`, with mode 0600. They are created when the buffers are full, and removed when the
/// operation ends. `NAME` must be used by one operation at a time.
pub(crate) struct Workspace<'w> {
    folder: &'w Path,
    name: &'w str,
    budget: usize,
    check: &'w dyn Fn() -> Result<()>,
    files: Cell<u32>,
    rows: Cell<u64>,
    meter: Arc<Meter>,
}

impl<'w> Workspace<'w> {
    /// Files in this folder, which is created when the first file is; removes files that a killed run has left there.
    ///
    /// # Errors
    /// `state` when such a file cannot be removed.
    pub(crate) fn new(folder: &'w Path, name: &'w str, check: &'w dyn Fn() -> Result<()>) -> Result<Workspace<'w>> {
        let (files, rows, meter) = (Cell::new(0), Cell::new(0), Arc::default());
        let work = Workspace { folder, name, budget: BUDGET, check, files, rows, meter };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(work),
            Err(e) => return Err(failed("read", folder, &e)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| failed("read", folder, &e))?;
            if work.is_own(&entry.file_name().to_string_lossy()) {
                fs::remove_file(entry.path()).map_err(|e| failed("removed", &entry.path(), &e))?;
            }
        }
        Ok(work)
    }

    /// The same with another limit for the memory of all buffers, in bytes. A row that is longer is still processed.
    #[cfg(test)]
    pub(crate) fn with_budget(self, budget: usize) -> Workspace<'w> {
        Workspace { budget, ..self }
    }

    pub(super) fn budget(&self) -> usize {
        self.budget
    }

    /// The largest number of bytes that the buffers have held at one time.
    #[cfg(test)]
    pub(crate) fn peak(&self) -> usize {
        self.meter.peak.load(Ordering::Relaxed)
    }

    /// How many temporary files were opened.
    #[cfg(test)]
    pub(crate) fn files(&self) -> u32 {
        self.files.get()
    }

    /// Counts a row or record, and calls `check` from time to time.
    pub(super) fn tick(&self) -> Result<()> {
        self.rows.set(self.rows.get() + 1);
        if self.rows.get().is_multiple_of(ROWS_PER_CHECK) { (self.check)() } else { Ok(()) }
    }

    pub(super) fn held(&self) -> HeldBytes {
        HeldBytes { meter: Arc::clone(&self.meter), bytes: 0 }
    }

    fn is_own(&self, file: &str) -> bool {
        let number =
            file.strip_prefix(self.name).and_then(|f| f.strip_prefix('.')).and_then(|f| f.strip_suffix(".tmp"));
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    }

    fn new_file(&self) -> Result<TemporaryFile> {
        let number = self.files.get();
        self.files.set(number + 1);
        private_file::folder(self.folder).map_err(|e| failed("made", self.folder, &e))?;
        let path = self.folder.join(format!("{}.{number}.tmp", self.name));
        let mut options = OpenOptions::new();
        let file = private_file::open(&path, options.read(true).write(true).create_new(true))
            .map_err(|e| failed("opened", &path, &e))?;
        Ok(TemporaryFile { file: Mutex::new(file), path: RemovedPath(path) })
    }
}

/// The bytes that buffers hold, now and at most.
#[derive(Debug, Default)]
struct Meter {
    now: AtomicUsize,
    peak: AtomicUsize,
}

/// The bytes that one buffer holds; counted until it is dropped.
#[derive(Debug)]
pub(super) struct HeldBytes {
    meter: Arc<Meter>,
    bytes: usize,
}

impl HeldBytes {
    /// Sets the capacity of the buffer.
    pub(super) fn set(&mut self, bytes: usize) {
        if bytes == self.bytes {
            return;
        }
        let before = self.meter.now.fetch_add(bytes, Ordering::Relaxed);
        self.meter.now.fetch_sub(self.bytes, Ordering::Relaxed);
        self.meter.peak.fetch_max((before + bytes).saturating_sub(self.bytes), Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.meter.now.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A file that is removed when it is dropped. It is closed first: some systems remove no open file.
#[derive(Debug)]
struct TemporaryFile {
    file: Mutex<File>,
    path: RemovedPath,
}

#[derive(Debug)]
struct RemovedPath(PathBuf);

impl Drop for RemovedPath {
    fn drop(&mut self) {
        // The next operation of this name removes what is left here.
        let _ = fs::remove_file(&self.0);
    }
}

/// Bytes that are appended and then read at any offset. The last `limit` bytes are in memory, the others in a file; so
/// there is no file while there are fewer.
#[derive(Debug)]
pub(crate) struct TemporaryBytes {
    file: Option<TemporaryFile>,
    /// Number of bytes in the file.
    written: u64,
    buffer: Vec<u8>,
    limit: usize,
    held: HeldBytes,
}

impl TemporaryBytes {
    pub(crate) fn new(work: &Workspace, limit: usize) -> TemporaryBytes {
        TemporaryBytes { file: None, written: 0, buffer: Vec::new(), limit, held: work.held() }
    }

    pub(crate) fn length(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    pub(crate) fn append(&mut self, bytes: &[u8], work: &Workspace) -> Result<()> {
        if self.buffer.len() + bytes.len() > self.limit {
            self.flush(work)?;
            if bytes.len() > self.limit {
                return self.write(bytes, work);
            }
        }
        reserve(&mut self.buffer, bytes.len(), self.limit);
        self.held.set(self.buffer.capacity());
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Releases the buffer if there is a file. Nothing is appended after that.
    pub(crate) fn seal(&mut self, work: &Workspace) -> Result<()> {
        if self.file.is_some() {
            self.flush(work)?;
            self.buffer = Vec::new();
            self.held.set(0);
        }
        Ok(())
    }

    fn flush(&mut self, work: &Workspace) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let flushed = if buffer.is_empty() { Ok(()) } else { self.write(&buffer, work) };
        buffer.clear();
        self.buffer = buffer;
        flushed
    }

    fn write(&mut self, bytes: &[u8], work: &Workspace) -> Result<()> {
        let new = match self.file.take() {
            Some(file) => file,
            None => work.new_file()?,
        };
        let kept = self.file.insert(new);
        let mut file = lock(&kept.file);
        file.seek(SeekFrom::Start(self.written))
            .and_then(|_| file.write_all(bytes))
            .map_err(|e| failed("written", &kept.path.0, &e))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Reads `count` bytes at an offset into `out`, which is replaced.
    ///
    /// # Errors
    /// `state` when there are fewer, because the file was changed by another process.
    pub(crate) fn read_at(&self, offset: u64, count: usize, out: &mut Vec<u8>) -> Result<()> {
        let in_file = usize::try_from(self.written.saturating_sub(offset)).unwrap_or(usize::MAX).min(count);
        out.clear();
        if let Some(kept) = self.file.as_ref().filter(|_| in_file > 0) {
            out.resize(in_file, 0);
            let mut file = lock(&kept.file);
            file.seek(SeekFrom::Start(offset))
                .and_then(|_| file.read_exact(out))
                .map_err(|e| failed("read", &kept.path.0, &e))?;
        }
        let from = usize::try_from((offset + in_file as u64).saturating_sub(self.written)).unwrap_or(usize::MAX);
        match self.buffer.get(from..from.saturating_add(count - in_file)) {
            Some(rest) => out.extend_from_slice(rest),
            None => return Err(self.short()),
        }
        Ok(())
    }

    /// The error for bytes that are not there.
    pub(crate) fn short(&self) -> Error {
        let shown = self.file.as_ref().map_or("a temporary buffer".to_owned(), |f| f.path.0.display().to_string());
        Error::new(ErrorKind::State, format!("{shown} is damaged: it has fewer bytes than were written"))
            .at(Place { file: Some(shown), ..Place::default() })
            .advise("another process has changed this temporary file: run it again")
    }
}

/// Makes room for `more` elements: twice as many as before, but not above `limit` unless these need more.
pub(crate) fn reserve<T>(list: &mut Vec<T>, more: usize, limit: usize) {
    let needed = list.len() + more;
    if needed > list.capacity() {
        let wanted = (list.capacity() * 2).min(limit).max(needed);
        list.reserve_exact(wanted - list.len());
    }
}
