//! Items that did not succeed, as NDJSON beside the rows: for people, and to show what `--retry-failed` would send.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::disk;
use super::info::time_text;
use super::spool::Spool;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::receipt::OutcomeStatus;
use crate::run_store::store::{Before, FailedItem, FailureWriter, ItemOrigin, RowWriter};
use crate::sink::FileSink;

/// One line of the file.
#[derive(serde::Serialize)]
struct Line<'a> {
    element: u64,
    index: u64,
    status: OutcomeStatus,
    item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'a Options>,
    #[serde(flatten)]
    origin: &'a ItemOrigin,
    at: String,
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
    origin: ItemOrigin,
    spool: Option<Spool>,
}

impl Failures {
    pub(super) fn new(path: &Path, origin: ItemOrigin) -> Failures {
        Failures { path: path.to_owned(), origin, spool: None }
    }
}

impl FailureWriter for Failures {
    fn push(&mut self, failed: &FailedItem<'_>) -> Result<Before> {
        if self.spool.is_none() {
            // Complete lines of a killed run stay, because the last line of an item counts. An incomplete one would
            // corrupt the next line.
            let length = lines(&self.path)?.map_or(0, |text| text.len() as u64);
            self.spool = Some(Spool::open_unknown(&self.path, length)?);
        }
        let Some(spool) = &mut self.spool else { return Ok(Vec::new()) };
        let item = failed.item.and_then(|text| serde_json::from_str(text).ok());
        let is_shown = |name: &&String| !self.origin.secret_options.contains(name);
        let options = failed.options.map(|all| all.only(all.values().keys().filter(is_shown).map(String::as_str)));
        let line = Line {
            element: failed.element,
            index: failed.index,
            status: failed.status,
            item,
            options: options.as_ref().filter(|options| !options.is_empty()),
            origin: &self.origin,
            at: time_text(failed.at),
            error: failed.error,
        };
        spool.push(&serde_json::to_string(&line).unwrap_or_default());
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
