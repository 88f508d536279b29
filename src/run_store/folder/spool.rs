//! A step's rows on disk, one JSON value per line, appended after the durable ones. `rows.rs` reads them.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{disk, rows};
use crate::error::{Error, Result};
use crate::item::Items;
use crate::run_store::extent::{Extent, Measure};
use crate::run_store::store::{Before, RowWriter};

/// Added rows of this many bytes are written at once; fewer wait for a flush.
const BUFFER: usize = 1 << 20;

/// The rows of a running step.
pub(super) struct Spool {
    file: Arc<File>,
    path: PathBuf,
    measure: Measure,
    dirty: bool,
    /// The error after which nothing more is written: the end of the file is unknown.
    broken: Option<Error>,
    buffer: Vec<u8>,
}

impl Spool {
    /// Opens the file and verifies its durable rows. Rows after them are removed if `explain` says that the journal
    /// expects them.
    ///
    /// # Errors
    /// `state` when the disk refuses, or when the rows differ from the journal.
    pub(super) fn open(path: &Path, safe: Extent, explain: bool) -> Result<Spool> {
        let (measure, length) = measured(path, safe.bytes)?;
        rows::compare(path, Extent::default(), &measure, safe)?;
        if length > safe.bytes && !explain {
            return Err(rows::long(path, length, safe.bytes));
        }
        Spool::behind(path, measure, length)
    }

    /// Opens a file whose lines are not in the journal, and keeps its first `bytes`.
    ///
    /// # Errors
    /// `state` when the disk refuses.
    pub(super) fn open_unknown(path: &Path, bytes: u64) -> Result<Spool> {
        let (measure, length) = measured(path, bytes)?;
        Spool::behind(path, measure, length)
    }

    fn behind(path: &Path, measure: Measure, length: u64) -> Result<Spool> {
        if let Some(folder) = path.parent() {
            disk::folder(folder)?;
        }
        let file = disk::append(path)?;
        if length > measure.bytes() {
            disk::cut(path, measure.bytes())?;
        }
        disk::sync_folder(path)?;
        Ok(Spool {
            file: Arc::new(file),
            path: path.to_owned(),
            measure,
            dirty: false,
            broken: None,
            buffer: Vec::new(),
        })
    }
}

impl RowWriter for Spool {
    fn push(&mut self, row: &str) {
        self.buffer.extend_from_slice(row.as_bytes());
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER && self.flush().is_err() {
            // The next flush gives the error again.
            self.buffer.clear();
        }
    }

    fn add(&mut self, items: &Items) {
        if let Some(lines) = items.lines() {
            self.push(lines);
        } else {
            items.iter().for_each(|item| self.push(item.as_str()));
        }
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(e) = (&*self.file).write_all(&self.buffer) {
            let error = disk::failed("written", &self.path, &e);
            self.broken = Some(error.clone());
            return Err(error);
        }
        self.measure.add(&self.buffer);
        self.buffer.clear();
        self.dirty = true;
        Ok(())
    }

    fn unsaved(&mut self) -> Before {
        if std::mem::take(&mut self.dirty) { vec![(Arc::clone(&self.file), self.path.clone())] } else { Vec::new() }
    }

    fn measure(&self) -> &Measure {
        &self.measure
    }

    fn rewind(&mut self, place: Measure) -> Result<()> {
        self.buffer.clear();
        if place.bytes() < self.measure.bytes() {
            disk::cut(&self.path, place.bytes())?;
        }
        self.measure = place;
        Ok(())
    }
}

/// The extent of a file's first bytes, and the length of the file.
fn measured(path: &Path, bytes: u64) -> Result<(Measure, u64)> {
    let failed = |e: std::io::Error| disk::failed("read", path, &e);
    let mut measure = Measure::default();
    let mut file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && bytes == 0 => return Ok((measure, 0)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(rows::short(path, 0, bytes)),
        Err(e) => return Err(failed(e)),
    };
    let length = file.metadata().map_err(failed)?.len();
    if length < bytes {
        return Err(rows::short(path, length, bytes));
    }
    let mut buffer = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX).min(rows::BUFFER)];
    rows::measure(path, &mut file, &mut measure, bytes, &mut buffer)?;
    Ok((measure, length))
}

/// Removes the rows of a step that is now skipped.
///
/// # Errors
/// `state` when writing fails.
pub(super) fn empty(path: &Path) -> Result<()> {
    if std::fs::metadata(path).is_ok_and(|m| m.len() > 0) { disk::cut(path, 0) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{BUFFER, Extent, RowWriter, Spool};

    #[test]
    fn rows_that_nobody_flushes_do_not_stay_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.ndjson");
        let mut spool = Spool::open(&path, Extent::default(), false).unwrap();
        let row = format!("{{\"text\":\"{}\"}}", "x".repeat(1000));
        for _ in 0..3000 {
            spool.push(&row);
            assert!(spool.buffer.len() < BUFFER);
        }
        spool.flush().unwrap();
        assert_eq!(spool.measure().rows(), 3000);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 3000 * (row.len() as u64 + 1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_of_the_next_flush() {
        let file = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut spool = Spool {
            file: std::sync::Arc::new(file),
            path: "/dev/full".into(),
            measure: super::Measure::default(),
            dirty: false,
            broken: None,
            buffer: Vec::new(),
        };
        let row = "x".repeat(BUFFER);
        (0..3).for_each(|_| spool.push(&row));
        assert!(spool.buffer.is_empty());
        assert_eq!(spool.flush().unwrap_err().kind(), crate::error::ErrorKind::State);
        assert_eq!(spool.measure().rows(), 0);
    }
}
