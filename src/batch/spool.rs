//! A step's rows on disk, one JSON value a line: written behind what is safe, read back as a stream.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::Items;

/// The rows of a step that is under way.
pub(crate) struct Spool {
    file: Arc<File>,
    path: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    dirty: bool,
    /// Why nothing more can be added: what stands behind `bytes` is not known.
    broken: Option<Error>,
    buffer: Vec<u8>,
}

impl Spool {
    /// Opens it behind what is known to be safe; what stands behind that is cut off.
    ///
    /// # Errors
    /// `state` when the disk refuses, or when less is there than the journal says.
    pub(crate) fn open(path: &Path, rows: u64, bytes: u64) -> Result<Spool> {
        if bytes > 0 && !path.exists() {
            return Err(short(path, 0, bytes));
        }
        if let Some(folder) = path.parent() {
            disk::folder(folder)?;
        }
        let file = disk::append(path)?;
        let length = file.metadata().map_err(|e| disk::failed("read", path, &e))?.len();
        if length < bytes {
            return Err(short(path, length, bytes));
        }
        if length > bytes {
            disk::cut(path, bytes)?;
        }
        disk::sync_folder(path)?;
        Ok(Spool { file: Arc::new(file), path: path.to_owned(), rows, bytes, dirty: false, broken: None, buffer: Vec::new() })
    }

    /// Adds a row; it is on its way to disk after [`flush`](Self::flush).
    pub(crate) fn push(&mut self, row: &str) {
        self.buffer.extend_from_slice(row.as_bytes());
        self.buffer.push(b'\n');
        self.rows += 1;
    }

    /// Adds items as they are.
    pub(crate) fn add(&mut self, items: &Items) {
        if let Some(lines) = items.lines() {
            self.push(lines);
            self.rows += items.len() as u64 - 1;
        } else {
            items.iter().for_each(|item| self.push(item.as_str()));
        }
    }

    /// Hands what was added to the system.
    pub(crate) fn flush(&mut self) -> Result<()> {
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
        self.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        self.dirty = true;
        Ok(())
    }

    /// The file, when it holds something that may not be safe yet.
    pub(crate) fn unsafe_part(&mut self) -> Vec<(Arc<File>, PathBuf)> {
        if std::mem::take(&mut self.dirty) { vec![(Arc::clone(&self.file), self.path.clone())] } else { Vec::new() }
    }

    /// Takes rows back.
    pub(crate) fn rewind(&mut self, rows: u64, bytes: u64) -> Result<()> {
        self.buffer.clear();
        if bytes < self.bytes {
            disk::cut(&self.path, bytes)?;
        }
        (self.rows, self.bytes) = (rows, bytes);
        Ok(())
    }
}

fn short(path: &Path, length: u64, bytes: u64) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} is damaged: it has {length} bytes, and the journal says {bytes}"))
        .at(Place { file: Some(shown), ..Place::default() })
        .advise("restore the file, or start over with --fresh, which keeps the old run aside")
}

/// The rows of a step, read one by one.
pub(crate) struct Rows {
    reader: BufReader<std::io::Take<File>>,
    path: PathBuf,
    line: Vec<u8>,
    left: u64,
}

impl Rows {
    /// Opens the first `bytes` of a spool.
    ///
    /// # Errors
    /// `state` when it cannot be read, or when less is there.
    pub(crate) fn open(path: &Path, bytes: u64) -> Result<Rows> {
        let mut options = OpenOptions::new();
        options.read(true);
        if bytes == 0 && !path.exists() {
            // A step that was skipped has no file.
            return Rows::of(
                File::open(if cfg!(unix) { "/dev/null" } else { "NUL" }).map_err(|e| disk::failed("read", path, &e))?,
                path,
                0,
            );
        }
        let mut file = options.open(path).map_err(|e| disk::failed("read", path, &e))?;
        let length = file.seek(SeekFrom::End(0)).map_err(|e| disk::failed("read", path, &e))?;
        if length < bytes {
            return Err(short(path, length, bytes));
        }
        file.rewind().map_err(|e| disk::failed("read", path, &e))?;
        Rows::of(file, path, bytes)
    }

    fn of(file: File, path: &Path, bytes: u64) -> Result<Rows> {
        Ok(Rows { reader: BufReader::with_capacity(256 << 10, file.take(bytes)), path: path.to_owned(), line: Vec::new(), left: bytes })
    }

    /// Gives the rows as they stand, piece by piece.
    ///
    /// # Errors
    /// `state` when they cannot be read; those of `each`.
    pub(crate) fn pieces(mut self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while self.left > 0 {
            let piece = self.reader.fill_buf().map_err(|e| disk::failed("read", &self.path, &e))?;
            if piece.is_empty() {
                return Err(short(&self.path, 0, self.left));
            }
            each(piece)?;
            let length = piece.len();
            self.reader.consume(length);
            self.left = self.left.saturating_sub(length as u64);
        }
        Ok(())
    }

    /// The next row.
    ///
    /// # Errors
    /// `state` when it cannot be read.
    pub(crate) fn next_row(&mut self) -> Result<Option<&str>> {
        self.line.clear();
        let read = self.reader.read_until(b'\n', &mut self.line).map_err(|e| disk::failed("read", &self.path, &e))?;
        if read == 0 {
            return if self.left == 0 { Ok(None) } else { Err(short(&self.path, 0, self.left)) };
        }
        self.left = self.left.saturating_sub(read as u64);
        let text = std::str::from_utf8(self.line.trim_ascii_end());
        text.map(Some).map_err(|_| Error::new(ErrorKind::State, format!("{} is damaged: a row in it is no text", self.path.display())))
    }
}
