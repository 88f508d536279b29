//! Rows that are kept to be read several times: in memory as long as they are few, else in a temporary file.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::row_work::{TemporaryBytes, Workspace};
use crate::run_store::RowReader;

/// Bytes of rows in memory.
const HELD: usize = 4 << 20;
/// Bytes that are read at once.
const CHUNK: u64 = 256 << 10;

/// Rows that are kept, each as a line.
pub(crate) struct KeptRows {
    bytes: TemporaryBytes,
}

impl KeptRows {
    pub(crate) fn new(work: &Workspace<'_>) -> KeptRows {
        KeptRows { bytes: TemporaryBytes::new(work, HELD) }
    }

    /// Adds a row, which is JSON on one line.
    ///
    /// # Errors
    /// `state` when the temporary file cannot be written.
    pub(crate) fn add(&mut self, row: &str, work: &Workspace<'_>) -> Result<()> {
        self.bytes.append(row.as_bytes(), work)?;
        self.bytes.append(b"\n", work)
    }

    /// All rows: the function opens them from their start, as often as it is called.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(crate) fn seal(mut self, work: &Workspace<'_>) -> Result<impl Fn() -> Result<Box<dyn RowReader>>> {
        self.bytes.seal(work)?;
        let bytes = Arc::new(self.bytes);
        Ok(move || {
            let reader = KeptReader { bytes: Arc::clone(&bytes), next: 0, chunk: Vec::new(), from: 0, row: Vec::new() };
            Ok(Box::new(reader) as Box<dyn RowReader>)
        })
    }
}

/// Reads kept rows.
struct KeptReader {
    bytes: Arc<TemporaryBytes>,
    /// Where the next chunk begins.
    next: u64,
    chunk: Vec<u8>,
    /// Where the rest of the chunk begins.
    from: usize,
    row: Vec<u8>,
}

impl KeptReader {
    /// Reads a chunk if there is no rest; `false` at the end.
    fn fill(&mut self) -> Result<bool> {
        if self.from < self.chunk.len() {
            return Ok(true);
        }
        let count = CHUNK.min(self.bytes.length() - self.next);
        self.bytes.read_at(self.next, count as usize, &mut self.chunk)?;
        self.next += count;
        self.from = 0;
        Ok(count > 0)
    }

    /// Reads the next row into `row`; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        self.row.clear();
        while self.fill()? {
            let rest = self.chunk.get(self.from..).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest);
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            self.row.extend_from_slice(part);
            self.from += part.len() + usize::from(end.is_some());
            if end.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl RowReader for KeptReader {
    fn next_row(&mut self) -> Result<Option<&str>> {
        if !self.advance()? {
            return Ok(None);
        }
        let changed = |e| {
            Error::new(ErrorKind::State, format!("a temporary file is damaged: {e}"))
                .advise("another process has changed it: run it again")
        };
        std::str::from_utf8(&self.row).map(Some).map_err(changed)
    }

    fn skip_row(&mut self) -> Result<usize> {
        Ok(if self.advance()? { self.row.len() } else { 0 })
    }

    fn pieces(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while self.fill()? {
            each(self.chunk.get(self.from..).unwrap_or_default())?;
            self.from = self.chunk.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{KeptRows, Workspace};

    #[test]
    fn kept_rows_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let work = Workspace::new(folder.path(), "kept", &|| Ok(())).unwrap();
        for length in [0, 10, 1 << 20] {
            let mut kept = KeptRows::new(&work);
            let rows: Vec<String> = (0..9).map(|n| format!("{{\"n\":{n},\"t\":\"{}\"}}", "é".repeat(length))).collect();
            rows.iter().for_each(|row| kept.add(row, &work).unwrap());
            let open = kept.seal(&work).unwrap();
            for _ in 0..2 {
                let (mut reader, mut found) = (open().unwrap(), Vec::new());
                while let Some(row) = reader.next_row().unwrap() {
                    found.push(row.to_owned());
                }
                assert!(found == rows, "{length}");
            }
            let mut reader = open().unwrap();
            assert_eq!(reader.skip_row().unwrap(), rows[0].len());
            let mut rest = Vec::new();
            reader
                .pieces(&mut |piece| {
                    rest.extend_from_slice(piece);
                    Ok(())
                })
                .unwrap();
            assert_eq!(rest.len(), rows[1..].iter().map(|row| row.len() + 1).sum::<usize>());
        }
        assert_eq!(work.files(), 1);
    }
}
