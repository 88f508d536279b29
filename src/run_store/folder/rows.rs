//! Reads a step's rows from disk, piece by piece. A piece is verified against the journal before any of its rows is
//! returned.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::{self, damaged};
use crate::error::{Error, Result};
use crate::run_store::extent::{Extent, Measure};
use crate::run_store::store::{RowReader, SharedRows};

/// Size of the read buffer in bytes.
pub(super) const BUFFER: usize = 256 << 10;
const SMALL_BUFFER: usize = 8 << 10;

/// The rows of a step, one by one.
pub(super) struct FolderRows {
    path: PathBuf,
    /// Two handles of the same file: one verifies ahead, the other reads verified rows. `None` when there are no rows.
    reader: Option<BufReader<File>>,
    ahead: Option<File>,
    marks: Arc<[Extent]>,
    next: usize,
    /// The extent of the verified bytes.
    measure: Measure,
    /// Bytes that are verified, and bytes that were returned.
    good: u64,
    given: u64,
    line: Vec<u8>,
    buffer: Vec<u8>,
    /// Bytes that another reader of the same file has verified.
    known: Arc<AtomicU64>,
}

impl FolderRows {
    /// Opens the rows up to the last mark.
    ///
    /// # Errors
    /// `state` when they cannot be read, or when the file has another length.
    pub(super) fn open(path: &Path, marks: Arc<[Extent]>) -> Result<FolderRows> {
        FolderRows::with_buffer(path, marks, Arc::default(), BUFFER)
    }

    fn with_buffer(path: &Path, marks: Arc<[Extent]>, known: Arc<AtomicU64>, buffer: usize) -> Result<FolderRows> {
        let bytes = marks.last().map_or(0, |last| last.bytes);
        let file = match File::open(path) {
            Ok(file) => Some(file),
            // A skipped step has no file.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && bytes == 0 => None,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(short(path, 0, bytes)),
            Err(e) => return Err(disk::failed("read", path, &e)),
        };
        let length = file.as_ref().map_or(Ok(0), |file| file.metadata().map(|m| m.len()));
        let length = length.map_err(|e| disk::failed("read", path, &e))?;
        match length.cmp(&bytes) {
            std::cmp::Ordering::Less => return Err(short(path, length, bytes)),
            std::cmp::Ordering::Greater => return Err(long(path, length, bytes)),
            std::cmp::Ordering::Equal => {}
        }
        let reader = file.map(|file| BufReader::with_capacity(buffer, file));
        let (path, measure, line) = (path.to_owned(), Measure::default(), Vec::new());
        Ok(FolderRows {
            path,
            reader,
            ahead: None,
            marks,
            next: 0,
            measure,
            good: 0,
            given: 0,
            line,
            buffer: Vec::new(),
            known,
        })
    }

    /// Verifies the next piece once the previous one was returned. Returns whether there is one.
    fn compared(&mut self) -> Result<bool> {
        while self.given >= self.good {
            let Some(mark) = self.marks.get(self.next) else { return Ok(false) };
            let before = self.next.checked_sub(1).and_then(|n| self.marks.get(n)).copied().unwrap_or_default();
            if self.reader.is_some() && mark.bytes > self.known.load(Ordering::Relaxed) {
                let mut ahead = match self.ahead.take() {
                    Some(ahead) => ahead,
                    None => File::open(&self.path).map_err(|e| disk::failed("read", &self.path, &e))?,
                };
                self.buffer.resize(BUFFER, 0);
                measure(&self.path, &mut ahead, &mut self.measure, mark.bytes, &mut self.buffer)?;
                self.ahead = Some(ahead);
                compare(&self.path, before, &self.measure, *mark)?;
                self.known.fetch_max(mark.bytes, Ordering::Relaxed);
            }
            self.good = mark.bytes;
            self.next += 1;
        }
        Ok(true)
    }

    fn moved_by(&self, read: usize) -> Result<u64> {
        let given = self.given + read as u64;
        if read == 0 || given > self.good { Err(short(&self.path, self.given, self.good)) } else { Ok(given) }
    }
}

impl RowReader for FolderRows {
    fn pieces(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while self.compared()? {
            let Some(reader) = &mut self.reader else { break };
            let piece = reader.fill_buf().map_err(|e| disk::failed("read", &self.path, &e))?;
            let length = piece.len().min(usize::try_from(self.good - self.given).unwrap_or(usize::MAX));
            let Some(piece) = piece.get(..length).filter(|piece| !piece.is_empty()) else {
                return Err(short(&self.path, self.given, self.good));
            };
            each(piece)?;
            reader.consume(length);
            self.given += length as u64;
        }
        Ok(())
    }

    fn next_row(&mut self) -> Result<Option<&str>> {
        self.line.clear();
        if !self.compared()? {
            return Ok(None);
        }
        if let Some(reader) = &mut self.reader {
            let read = reader.read_until(b'\n', &mut self.line).map_err(|e| disk::failed("read", &self.path, &e))?;
            self.given = self.moved_by(read)?;
        }
        let text = std::str::from_utf8(self.line.trim_ascii_end());
        text.map(Some).map_err(|_| damaged(&self.path, "a row in it is not UTF-8"))
    }

    fn skip_row(&mut self) -> Result<usize> {
        if !self.compared()? {
            return Ok(0);
        }
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let read = reader.skip_until(b'\n').map_err(|e| disk::failed("read", &self.path, &e))?;
        self.given = self.moved_by(read)?;
        Ok(read)
    }
}

/// Rows that are opened many times while nothing writes them; often only the first is read.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) path: PathBuf,
    pub(super) marks: Arc<[Extent]>,
    /// Bytes that were verified against the marks.
    pub(super) known: Arc<AtomicU64>,
}

impl SharedRows for Again {
    fn open(&self) -> Result<Box<dyn RowReader>> {
        let (marks, known) = (Arc::clone(&self.marks), Arc::clone(&self.known));
        Ok(Box::new(FolderRows::with_buffer(&self.path, marks, known, SMALL_BUFFER)?))
    }
}

/// Reads on until this many bytes of the file are measured.
pub(super) fn measure(
    path: &Path,
    file: &mut File,
    measure: &mut Measure,
    bytes: u64,
    buffer: &mut [u8],
) -> Result<()> {
    while measure.bytes() < bytes {
        let room = usize::try_from(bytes - measure.bytes()).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..room).unwrap_or_default();
        let read = match file.read(part) {
            Ok(read) => read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(disk::failed("read", path, &e)),
        };
        let Some(part) = part.get(..read).filter(|part| !part.is_empty()) else {
            return Err(short(path, measure.bytes(), bytes));
        };
        measure.add(part);
    }
    Ok(())
}

/// Returns an error if the rows differ from those in the journal; those up to `before` match.
pub(super) fn compare(path: &Path, before: Extent, found: &Measure, noted: Extent) -> Result<()> {
    if found.extent() == noted {
        return Ok(());
    }
    let why = match noted.rows.saturating_sub(before.rows) {
        0 | 1 => format!("row {} differs from the one that was written", noted.rows),
        _ => format!("rows {} to {} differ from those that were written", before.rows + 1, noted.rows),
    };
    Err(damaged(path, &why))
}

/// The error for a file that is too short.
pub(super) fn short(path: &Path, length: u64, bytes: u64) -> Error {
    damaged(path, &format!("it has {length} bytes, but the journal records {bytes}"))
}

/// The error for a file that has rows that the journal does not record.
pub(super) fn long(path: &Path, length: u64, bytes: u64) -> Error {
    damaged(
        path,
        &format!("it has {length} bytes, but the journal records {bytes}: the two are from different runs or times"),
    )
}
