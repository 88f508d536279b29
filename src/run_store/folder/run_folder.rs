//! The store of a run on disk: its files, while a process holds the lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::archive;
use super::disk;
use super::failures::{self, Failures};
use super::index;
use super::items;
use super::journal::Journal;
use super::kept::KeptMarks;
use super::log::RunLog;
use super::rows::{Again, FolderRows};
use super::spool::{self, Spool};
use super::step_files::{failures_file, rows_file};
use crate::error::Result;
use crate::run_store::extent::Extent;
use crate::run_store::fact::Fact;
use crate::run_store::seen::SeenRow;
use crate::run_store::store::{
    Before, FailureWriter, ItemContent, ItemOrigin, RowIndex, RowReader, RowStore, RowWriter, RunStore, SharedRows,
    StepPlace,
};
use crate::run_store::watermark::Watermarks;

/// An open run folder, locked by this process.
pub(crate) struct Folder {
    root: PathBuf,
    journal: Journal,
    /// The watermarks of earlier runs and of this one.
    kept: Mutex<KeptMarks>,
    log: RunLog,
    _lock: File,
}

impl Folder {
    /// A store on a folder whose run has begun.
    pub(super) fn new(root: &Path, journal: Journal, kept: KeptMarks, lock: File) -> Folder {
        Folder { root: root.to_owned(), journal, kept: Mutex::new(kept), log: RunLog::new(root), _lock: lock }
    }

    /// The file of a step's rows.
    fn spool(&self, place: &StepPlace) -> PathBuf {
        rows_file(&self.root, place)
    }

    /// The file of a step's failures.
    fn failed(&self, place: &StepPlace) -> PathBuf {
        failures_file(&self.root, place)
    }

    fn kept(&self) -> MutexGuard<'_, KeptMarks> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowStore for Folder {
    fn rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Result<Box<dyn RowReader>> {
        rows_of(&self.root, step, marks)
    }

    fn shared_rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Arc<dyn SharedRows> {
        shared_rows_of(&self.root, step, marks)
    }

    fn index(&self, step: &StepPlace, marks: Arc<[Extent]>, path: &[String]) -> Result<Option<Arc<dyn RowIndex>>> {
        index::build(&self.root, &self.work_folder(), step, marks, path).map(Some)
    }
}

#[async_trait]
impl RunStore for Folder {
    fn note(&self, facts: Vec<Fact>, before: Before) {
        self.journal.note(facts, before);
    }

    async fn commit(&self, facts: Vec<Fact>, before: Before) -> Result<()> {
        self.journal.commit(facts, before).await
    }

    fn writer(&self, step: &StepPlace, known: Extent, explain: bool) -> Result<Box<dyn RowWriter>> {
        Ok(Box::new(Spool::open(&self.spool(step), known, explain)?))
    }

    fn clear(&self, step: &StepPlace) -> Result<()> {
        spool::empty(&self.spool(step))
    }

    fn work_folder(&self) -> PathBuf {
        self.root.join("work")
    }

    fn failures(&self, step: &StepPlace, origin: ItemOrigin) -> Box<dyn FailureWriter> {
        Box::new(Failures::new(&self.failed(step), origin))
    }

    fn failed_items(&self, step: &StepPlace) -> Result<BTreeMap<(u64, u64), ItemContent>> {
        let lines = items::read_lines(&self.failed(step))?;
        Ok(lines.into_iter().map(|(key, line)| (key, line.content())).collect())
    }

    fn settle_failures(&self, step: &StepPlace, left: &BTreeSet<(u64, u64)>) -> Result<usize> {
        failures::tidy(&self.failed(step), left)
    }

    fn failures_shown(&self, step: &StepPlace) -> (String, bool) {
        let path = self.failed(step);
        (path.display().to_string(), path.exists())
    }

    fn watermarks(&self) -> Watermarks {
        self.kept().marks().clone()
    }

    fn seen(&self, key: &str) -> Result<Vec<SeenRow>> {
        self.kept().seen(key)
    }

    fn store_watermarks(&self, job: &str, marks: Watermarks, seen: BTreeMap<String, Vec<SeenRow>>) -> Result<()> {
        self.kept().store(job, marks, seen)
    }

    fn has_left_before(&self, job: &str, steps: &BTreeSet<String>) -> Result<bool> {
        archive::has_left(&self.root, job, steps)
    }

    fn log(&self, line: &str, is_kept: bool) {
        self.log.add(line, is_kept);
    }

    fn keep_report(&self, json: &[u8]) -> Result<()> {
        disk::replace(&self.root.join("report.json"), json)
    }
}

/// The rows of a step in a folder.
pub(super) fn rows_of(root: &Path, step: &StepPlace, marks: Arc<[Extent]>) -> Result<Box<dyn RowReader>> {
    Ok(Box::new(FolderRows::open(&rows_file(root, step), marks)?))
}

/// The same, for repeated reading.
pub(super) fn shared_rows_of(root: &Path, step: &StepPlace, marks: Arc<[Extent]>) -> Arc<dyn SharedRows> {
    Arc::new(Again { path: rows_file(root, step), marks, known: Arc::default() })
}
