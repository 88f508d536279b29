//! An index of a step's rows in a run folder, for look-ups by key.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::rows::FolderRows;
use super::step_files::rows_file;
use crate::error::Result;
use crate::item::Items;
use crate::row_work::{FieldPath, KeyIndex, NdjsonFile, RowsAt, Workspace};
use crate::run_store::extent::Extent;
use crate::run_store::store::{RowIndex, RowReader, StepPlace};

/// The rows of a file by one of their fields.
#[derive(Debug)]
struct FolderIndex {
    keys: KeyIndex,
    file: NdjsonFile,
    /// Where the first row with a text as its key starts, and the first with a number.
    samples: [Option<u64>; 2],
}

/// Reads the rows once, which verifies them, and indexes them.
///
/// # Errors
/// `invalid_items` when a row has a list or an object at the path; `state` when the disk fails, or the rows differ from
/// the journal.
pub(super) fn build(
    root: &Path,
    work: &Path,
    place: &StepPlace,
    marks: Arc<[Extent]>,
    path: &[String],
) -> Result<Arc<dyn RowIndex>> {
    /// Several steps may index the same rows at once.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let file = rows_file(root, place);
    let mut rows = FolderRows::open(&file, marks)?;
    let (mut offset, mut samples) = (0, [None, None]);
    let mut next = || -> Option<Result<(u64, Arc<str>)>> {
        let at = offset;
        match rows.next_row() {
            Ok(None) => None,
            Ok(Some(row)) => {
                offset += row.len() as u64 + 1;
                let item = Items::one(row.to_owned());
                let kind = item.get(0).and_then(|item| item.raw(path)).and_then(|raw| raw.bytes().next());
                let place = match kind {
                    Some(b'"') => samples.get_mut(0),
                    Some(b'0'..=b'9' | b'-') => samples.get_mut(1),
                    _ => None,
                };
                if let Some(place) = place {
                    place.get_or_insert(at);
                }
                Some(Ok((at, Arc::from(row))))
            }
            Err(error) => Some(Err(error)),
        }
    };
    let name = format!("{}.{}.index{}", place.job, place.step, NUMBER.fetch_add(1, Ordering::Relaxed));
    let name = name.replace('/', ".");
    let workspace = Workspace::new(work, &name, &|| Ok(()))?;
    let keys = KeyIndex::build(&mut std::iter::from_fn(&mut next), &FieldPath::from(path.to_vec()), &workspace)?;
    Ok(Arc::new(FolderIndex { keys, file: NdjsonFile::open(&file)?, samples }))
}

impl RowIndex for FolderIndex {
    fn find(&self, key: &str, most: usize) -> Result<Vec<Arc<str>>> {
        Ok(self.keys.find(key, &self.file, most)?.into_iter().map(|(_, row)| row).collect())
    }

    fn samples(&self) -> Result<[Option<Arc<str>>; 2]> {
        let [text, number] = self.samples.map(|at| at.map(|at| self.file.row_at(at)).transpose());
        Ok([text?, number?])
    }
}
