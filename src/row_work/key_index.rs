//! An index of rows by the value of a field: digests and offsets, sorted, in memory or in a temporary file. A look-up
//! reads one page of it, whatever the number of rows.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::fields::{RowName, values_at};
use super::key::{present, put_key, put_keys};
use super::plan::FieldPath;
use super::sorter::Sorter;
use super::temporary::{HeldBytes, TemporaryBytes, Workspace};
use super::{number_of, text_of};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::lock::lock;
use crate::sink::failed;

/// Length of an entry: the digest of a key, and the offset of a row.
const ENTRY: usize = 16;

/// The least entries of a page.
const PAGE: u64 = 256;

/// Reads rows by their offset.
pub(crate) trait RowsAt {
    /// The row that starts at this offset.
    ///
    /// # Errors
    /// `state` when it cannot be read.
    fn row_at(&self, offset: u64) -> Result<Arc<str>>;
}

/// Finds rows by the value of a field. Its file is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct KeyIndex {
    path: FieldPath,
    hash: RandomState,
    entries: TemporaryBytes,
    /// The digest of the first entry of each page.
    pages: Vec<u64>,
    entries_per_page: u64,
    _held: HeldBytes,
}

impl KeyIndex {
    /// From rows with their offsets. Rows without a value are not in it.
    ///
    /// # Errors
    /// `invalid_items` with the number of a row whose value is a list or an object; `state` when a temporary file cannot
    /// be written; and those of the rows and of the workspace's `check`.
    pub(crate) fn build(
        rows: &mut dyn Iterator<Item = Result<(u64, Arc<str>)>>,
        path: &FieldPath,
        work: &Workspace,
    ) -> Result<KeyIndex> {
        let hash = RandomState::new();
        let mut sorter = Sorter::new(work, work.budget() / 2);
        let mut key = Vec::new();
        for (number, row) in (1..).zip(rows) {
            let ((offset, row), name) = (row?, RowName::row(number));
            work.tick()?;
            key.clear();
            if put_keys(&mut key, &values_at(&row, &[path], name)?, &[path], name)? {
                continue;
            }
            let digest = hash.hash_one(&key);
            key.clear();
            key.extend_from_slice(&digest.to_be_bytes());
            key.extend_from_slice(&offset.to_be_bytes());
            sorter.add(&key, &[])?;
        }
        let pages_max = (work.budget() / 4 / size_of::<u64>()).max(1) as u64;
        let entries_per_page = sorter.count().div_ceil(pages_max).max(PAGE);
        let mut entries = TemporaryBytes::new(work, work.budget() / 4);
        let mut pages = Vec::with_capacity(usize::try_from(sorter.count() / entries_per_page + 1).unwrap_or(0));
        let mut sorted = sorter.sorted()?;
        let mut count = 0;
        while let Some((entry, _)) = sorted.next_record()? {
            if count % entries_per_page == 0 {
                pages.push(number_of(entry));
            }
            entries.append(entry, work)?;
            count += 1;
        }
        entries.seal(work)?;
        let mut held = work.held();
        held.set(pages.capacity() * size_of::<u64>());
        Ok(KeyIndex { path: path.clone(), hash, entries, pages, entries_per_page, _held: held })
    }

    /// The number of rows that have a value.
    pub(crate) fn count(&self) -> u64 {
        self.entries.length() / ENTRY as u64
    }

    /// The first `most` rows with this value, which is JSON, with their offsets, in order. Null finds none.
    ///
    /// # Errors
    /// `invalid_options` for a list or an object; those of `rows`.
    pub(crate) fn find(&self, value: &str, rows: &dyn RowsAt, most: usize) -> Result<Vec<(u64, Arc<str>)>> {
        let mut found = Vec::new();
        let Some(value) = present(Some(value)) else { return Ok(found) };
        let mut key = Vec::new();
        put_key(&mut key, value).map_err(|why| {
            Error::new(ErrorKind::InvalidOptions, format!("no row is found by a key that {why}"))
                .advise("look up by text, a number or a boolean")
        })?;
        let digest = self.hash.hash_one(&key);
        // The page before the first that starts with this digest may end with it.
        let page = self.pages.partition_point(|first| *first < digest).saturating_sub(1) as u64;
        let mut at = page * self.entries_per_page;
        let mut buffer = Vec::new();
        while at < self.count() && found.len() < most {
            let entries = self.entries_per_page.min(self.count() - at);
            let size = usize::try_from(entries).unwrap_or(usize::MAX).saturating_mul(ENTRY);
            self.entries.read_at(at * ENTRY as u64, size, &mut buffer)?;
            for entry in buffer.chunks_exact(ENTRY).skip_while(|entry| number_of(entry) < digest) {
                if number_of(entry) > digest || found.len() >= most {
                    return Ok(found);
                }
                let offset = number_of(entry.get(8..).unwrap_or_default());
                let row = rows.row_at(offset)?;
                if self.has_key(&row, offset, &key)? {
                    found.push((offset, row));
                }
            }
            at += entries;
        }
        Ok(found)
    }

    /// Whether the row has the key: another key may have the same digest.
    fn has_key(&self, row: &str, offset: u64, key: &[u8]) -> Result<bool> {
        let mut own = Vec::new();
        let name = RowName { side: "the row at byte", number: offset };
        put_keys(&mut own, &values_at(row, &[&self.path], name)?, &[&self.path], name)?;
        Ok(own == key)
    }
}

/// A file of rows, one per line. Nothing may write to it.
#[derive(Debug)]
pub(crate) struct NdjsonFile {
    file: Mutex<File>,
    path: PathBuf,
}

impl NdjsonFile {
    /// Opens it.
    ///
    /// # Errors
    /// `state` when it cannot be opened.
    pub(crate) fn open(path: &Path) -> Result<NdjsonFile> {
        let file = File::open(path).map_err(|e| failed("read", path, &e))?;
        Ok(NdjsonFile { file: Mutex::new(file), path: path.to_owned() })
    }
}

/// Bytes that are read at once while the end of a row is looked for.
const ROW_PIECE: usize = 4 << 10;

impl RowsAt for NdjsonFile {
    fn row_at(&self, offset: u64) -> Result<Arc<str>> {
        let mut file = lock(&self.file);
        let read_failed = |e: std::io::Error| failed("read", &self.path, &e);
        file.seek(SeekFrom::Start(offset)).map_err(read_failed)?;
        let mut line = Vec::new();
        loop {
            let start = line.len();
            let read = Read::by_ref(&mut *file).take((ROW_PIECE.max(start)) as u64).read_to_end(&mut line);
            let read = read.map_err(read_failed)?;
            let end = memchr::memchr(b'\n', line.get(start..).unwrap_or_default());
            line.truncate(end.map_or(line.len(), |end| start + end));
            if end.is_some() || read == 0 {
                break;
            }
        }
        if line.is_empty() {
            let shown = self.path.display().to_string();
            return Err(Error::new(ErrorKind::State, format!("{shown} is damaged: no row starts at byte {offset}"))
                .at(Place { file: Some(shown), ..Place::default() })
                .advise("restore the file, or start over"));
        }
        text_of(line.trim_ascii_end()).map(Arc::from)
    }
}
