//! Items that did not succeed, as NDJSON beside the rows: for people, and to show what `--retry-failed` would send.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::disk;
use super::spool::Spool;
use crate::error::{Error, Result};
use crate::receipt::OutcomeStatus;
use crate::run_store::store::{Before, FailureWriter, RowWriter};
use crate::sink::FileSink;

/// One line of the file.
#[derive(serde::Serialize)]
struct Line<'a> {
    element: u64,
    index: u64,
    status: OutcomeStatus,
    item: Option<&'a RawValue>,
    error: &'a Error,
}

#[derive(serde::Deserialize)]
struct FailureKey {
    element: u64,
    index: u64,
}

/// The failures file of a step; created when the first item fails.
pub(super) struct Failures {
    path: PathBuf,
    spool: Option<Spool>,
}

impl Failures {
    pub(super) fn new(path: &Path) -> Failures {
        Failures { path: path.to_owned(), spool: None }
    }
}

impl FailureWriter for Failures {
    fn push(
        &mut self,
        (element, index): (u64, u64),
        status: OutcomeStatus,
        item: Option<&str>,
        error: &Error,
    ) -> Result<Before> {
        if self.spool.is_none() {
            // Complete lines of a killed run stay, because the last line of an item counts. An incomplete one would
            // corrupt the next line.
            let length = lines(&self.path)?.map_or(0, |text| text.len() as u64);
            self.spool = Some(Spool::open_unknown(&self.path, length)?);
        }
        let Some(spool) = &mut self.spool else { return Ok(Vec::new()) };
        let item = item.and_then(|text| serde_json::from_str(text).ok());
        spool.push(&serde_json::to_string(&Line { element, index, status, item, error }).unwrap_or_default());
        spool.flush()?;
        Ok(spool.unsaved())
    }
}

/// The complete lines of the file; `None` when there is no such file.
fn lines(path: &Path) -> Result<Option<Vec<u8>>> {
    let Some(mut bytes) = disk::read_bytes(path)? else { return Ok(None) };
    bytes.truncate(memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1));
    Ok(Some(bytes))
}

/// Keeps only the last line of each of these items, and removes the file if there are none. Returns how many items have
/// no line, because the file was edited.
///
/// # Errors
/// `state` when writing fails.
pub(super) fn tidy(path: &Path, left: &BTreeSet<(u64, u64)>) -> Result<usize> {
    let Some(text) = lines(path)? else { return Ok(left.len()) };
    if left.is_empty() {
        std::fs::remove_file(path).map_err(|e| disk::failed("removed", path, &e))?;
        return Ok(0);
    }
    let mut last: HashMap<(u64, u64), usize> = HashMap::new();
    for (number, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        if let Ok(key) = serde_json::from_slice::<FailureKey>(line) {
            last.insert((key.element, key.index), number);
        }
    }
    let kept: BTreeSet<usize> =
        last.into_iter().filter(|(key, _)| left.contains(key)).map(|(_, number)| number).collect();
    let mut file = FileSink::begin(path, true)?;
    for (_, line) in text.split_inclusive(|b| *b == b'\n').enumerate().filter(|(number, _)| kept.contains(number)) {
        file.write(line)?;
    }
    file.finish()?;
    Ok(left.len() - kept.len())
}
