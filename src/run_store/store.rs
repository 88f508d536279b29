//! The interface between a run and its store: facts in order, rows by step, watermarks between runs, and the report.
//! `folder/` implements it on disk.
//!
//! A fact is durable after a [`commit`](RunStore::commit), and never before the rows that it refers to. Everything else
//! may be lost in a crash: a run is resumed from its facts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::extent::{Extent, Measure};
use super::fact::Fact;
use super::seen::SeenRow;
use super::watermark::Watermarks;
use crate::definition::Method;
use crate::error::{Error, Result};
use crate::item::Items;
use crate::options::Options;
use crate::receipt::OutcomeStatus;

/// A step of a job; its rows are stored together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepPlace {
    pub(crate) job: String,
    pub(crate) step: String,
}

impl StepPlace {
    /// The place of the rows that the step has passed on at or after its watermark.
    pub(crate) fn of_seen(&self) -> StepPlace {
        StepPlace { job: self.job.clone(), step: format!("{}.seen", self.step) }
    }

    /// The place of the outcomes of the step's items.
    pub(crate) fn of_outcomes(&self) -> StepPlace {
        StepPlace { job: self.job.clone(), step: format!("{}.outcomes", self.step) }
    }
}

/// Files that must be synced before a fact is written. Empty for a store whose flushed rows are durable.
pub(crate) type Before = Vec<(Arc<File>, PathBuf)>;

/// The rows of a run's steps, for reading.
pub(crate) trait RowStore: Send + Sync {
    /// Opens a step's rows for one pass.
    ///
    /// # Errors
    /// `state` when they cannot be read, or differ from the facts.
    fn rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Result<Box<dyn RowReader>>;

    /// A step's rows for repeated reading: rows that were verified once are not verified again.
    fn shared_rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Arc<dyn SharedRows>;

    /// A step's rows by the value at a path; `None` if this store has no indexes.
    ///
    /// # Errors
    /// `invalid_items` when a row has a list or an object there; `state` when the disk fails.
    fn index(&self, step: &StepPlace, marks: Arc<[Extent]>, path: &[String]) -> Result<Option<Arc<dyn RowIndex>>>;
}

/// Rows that are found by a key in constant time.
pub(crate) trait RowIndex: std::fmt::Debug + Send + Sync {
    /// The first rows with a key, which is JSON, at most this many.
    ///
    /// # Errors
    /// `state` when a row cannot be read.
    fn find(&self, key: &str, most: usize) -> Result<Vec<Arc<str>>>;

    /// A row with a text as its key, and one with a number.
    ///
    /// # Errors
    /// `state` when one cannot be read.
    fn samples(&self) -> Result<[Option<Arc<str>>; 2]>;
}

/// The store of one run.
#[async_trait]
pub(crate) trait RunStore: RowStore {
    /// Records facts once `before` is synced. They are durable with the next [`commit`](Self::commit).
    fn note(&self, facts: Vec<Fact>, before: Before);

    /// Records facts and waits until they, and all earlier ones, are durable.
    ///
    /// # Errors
    /// `state` when writing fails; nothing is written after that.
    async fn commit(&self, facts: Vec<Fact>, before: Before) -> Result<()>;

    /// Opens a step's rows after those that the facts record. Later rows are removed if the facts `explain` them.
    ///
    /// # Errors
    /// `state` when opening fails, or when the rows differ from the facts.
    fn writer(&self, step: &StepPlace, known: Extent, explain: bool) -> Result<Box<dyn RowWriter>>;

    /// Removes the rows of a step that is skipped.
    ///
    /// # Errors
    /// `state` when removing fails.
    fn clear(&self, step: &StepPlace) -> Result<()>;

    /// The folder for temporary files of a step.
    fn work_folder(&self) -> PathBuf;

    /// Records the step's items that did not succeed; opens no file before the first one.
    fn failures(&self, step: &StepPlace, origin: ItemOrigin) -> Box<dyn FailureWriter>;

    /// What was recorded of items that did not succeed: the item and the options of its call, by element and index.
    ///
    /// # Errors
    /// `state` when it cannot be read.
    fn failed_items(&self, step: &StepPlace) -> Result<BTreeMap<(u64, u64), ItemContent>>;

    /// Keeps only the failures of these items. Returns how many of the items have none, because the file was edited.
    ///
    /// # Errors
    /// `state` when writing fails.
    fn settle_failures(&self, step: &StepPlace, left: &BTreeSet<(u64, u64)>) -> Result<usize>;

    /// The file of the step's failures, for display, and whether it exists.
    fn failures_shown(&self, step: &StepPlace) -> (String, bool);

    /// The watermarks of earlier runs, and those of this run before an interruption.
    fn watermarks(&self) -> Watermarks;

    /// The rows that earlier runs have passed on at or after a watermark.
    ///
    /// # Errors
    /// `state` when they cannot be read, or are damaged.
    fn seen(&self, key: &str) -> Result<Vec<SeenRow>>;

    /// Stores the watermarks of a job durably, and the rows that were passed on at or after each.
    ///
    /// # Errors
    /// `state` when writing fails.
    fn store_watermarks(&self, job: &str, marks: Watermarks, seen: BTreeMap<String, Vec<SeenRow>>) -> Result<()>;

    /// Whether an archived run of the job has items of these steps that nobody has settled.
    ///
    /// # Errors
    /// `state` when one cannot be read.
    fn has_left_before(&self, job: &str, steps: &BTreeSet<String>) -> Result<bool>;

    /// Adds a line to the log; one that `is_kept` also when the log is full. Never fails: nothing depends on the log.
    fn log(&self, line: &str, is_kept: bool);

    /// Stores the run's report, a JSON document.
    ///
    /// # Errors
    /// `state` when writing fails.
    fn keep_report(&self, json: &[u8]) -> Result<()>;
}

/// The rows of a running step.
pub(crate) trait RowWriter: Send + Sync {
    /// Adds a row; [`flush`](Self::flush) writes it.
    fn push(&mut self, row: &str);

    /// Adds items unchanged.
    fn add(&mut self, items: &Items);

    /// Writes the added rows.
    ///
    /// # Errors
    /// `state` when writing fails; nothing can be added after that.
    fn flush(&mut self) -> Result<()>;

    /// Files with written rows that may not be durable yet.
    fn unsaved(&mut self) -> Before;

    /// The extent of all written rows.
    fn measure(&self) -> &Measure;

    /// Removes the rows after an earlier extent.
    ///
    /// # Errors
    /// `state` when writing fails.
    fn rewind(&mut self, place: Measure) -> Result<()>;
}

/// The rows of a finished step, for one pass.
pub(crate) trait RowReader: Send {
    /// The next row.
    ///
    /// # Errors
    /// `state` when it cannot be read, or is not the row that was written.
    fn next_row(&mut self) -> Result<Option<&str>>;

    /// Skips a row; returns its length, 0 at the end.
    ///
    /// # Errors
    /// As for [`next_row`](Self::next_row).
    fn skip_row(&mut self) -> Result<usize> {
        self.next_row().map(|row| row.map_or(0, str::len))
    }

    /// Passes the remaining bytes to `each`, piece by piece; each row is a line.
    ///
    /// # Errors
    /// As for [`next_row`](Self::next_row), and those of `each`.
    fn pieces(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some(row) = self.next_row()? {
            each(row.as_bytes())?;
            each(b"\n")?;
        }
        Ok(())
    }
}

/// The rows of a finished step, for expressions.
pub(crate) trait SharedRows: std::fmt::Debug + Send + Sync {
    /// Opens them for one pass from the first row.
    ///
    /// # Errors
    /// As for [`RowStore::rows`].
    fn open(&self) -> Result<Box<dyn RowReader>>;
}

/// What was called with an item: all that is needed to send it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemOrigin {
    pub(crate) connection: String,
    pub(crate) method: Method,
    pub(crate) operation: String,
    /// Options whose values are secret: they are not stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) secret_options: Vec<String>,
    /// Whether the step has `for`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) in_for: bool,
}

/// The content of an item that did not succeed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ItemContent {
    /// JSON.
    pub(crate) item: Option<String>,
    /// Why it did not succeed, as JSON.
    pub(crate) error: Option<String>,
}

/// An item that did not succeed.
pub(crate) struct FailedItem<'a> {
    pub(crate) element: u64,
    pub(crate) index: u64,
    pub(crate) status: OutcomeStatus,
    /// As it was sent; for an item that could not be made, and for an element that could not be read, the element.
    pub(crate) item: Option<&'a str>,
    /// The options of its call.
    pub(crate) options: Option<&'a Options>,
    pub(crate) error: &'a Error,
    /// Unix time in seconds.
    pub(crate) at: u64,
}

/// Records items that did not succeed: for people, and to send them again.
pub(crate) trait FailureWriter: Send + Sync {
    /// Adds an item; returns the files that must be synced before its outcome is recorded.
    ///
    /// # Errors
    /// `state` when writing fails.
    fn push(&mut self, failed: &FailedItem<'_>) -> Result<Before>;
}
