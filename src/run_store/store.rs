//! What a run needs of the place that keeps it: facts in order, rows by step, marks from run to run, and the report. `folder/` keeps them on disk.
//!
//! A fact is durable after a [`commit`](RunStore::commit), and never before the rows that it speaks of. Everything else may be lost in a crash: the run goes
//! on from its facts.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use super::extent::{Extent, Measure};
use super::fact::Fact;
use super::watermark::Watermarks;
use crate::error::{Error, Result};
use crate::item::Items;
use crate::receipt::OutcomeStatus;

/// A step of a job, whose rows are kept together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepPlace {
    pub(crate) job: String,
    pub(crate) step: String,
}

/// Files whose content must be on disk before a fact is. A store whose rows are safe when they are flushed gives none.
pub(crate) type Before = Vec<(Arc<File>, PathBuf)>;

/// Keeps one run.
#[async_trait]
pub(crate) trait RunStore: Send + Sync {
    /// Notes facts once `before` is safe. They are durable when a later [`commit`](Self::commit) is.
    fn note(&self, facts: Vec<Fact>, before: Before);

    /// Notes facts and waits until they, and all noted before, are durable.
    ///
    /// # Errors
    /// `state` when the store refuses; nothing more is written after that.
    async fn commit(&self, facts: Vec<Fact>, before: Before) -> Result<()>;

    /// Opens a step's rows behind those that the facts know. What stands behind them is removed if the facts `explain` it.
    ///
    /// # Errors
    /// `state` when the store refuses, or when other rows are there than the facts say.
    fn writer(&self, step: &StepPlace, known: Extent, explain: bool) -> Result<Box<dyn RowWriter>>;

    /// Removes the rows of a step that is skipped.
    ///
    /// # Errors
    /// `state` when the store refuses.
    fn clear(&self, step: &StepPlace) -> Result<()>;

    /// Opens a step's rows for one pass.
    ///
    /// # Errors
    /// `state` when they cannot be read, or are not those of which the facts speak.
    fn rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Result<Box<dyn RowReader>>;

    /// A step's rows for whoever reads them many times: what was compared with the facts once is not compared again.
    fn shared_rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Arc<dyn SharedRows>;

    /// The step's items that did not succeed; nothing is opened before the first.
    fn failures(&self, step: &StepPlace) -> Box<dyn FailureWriter>;

    /// Keeps only the failures of these items. Gives how many of them have none: somebody has changed what was kept.
    ///
    /// # Errors
    /// `state` when the store refuses.
    fn settle_failures(&self, step: &StepPlace, left: &BTreeSet<(u64, u64)>) -> Result<usize>;

    /// Where a person finds the step's failures, whether there are any or not.
    fn failures_shown(&self, step: &StepPlace) -> (String, bool);

    /// The watermarks that earlier runs have stored, and this one before it was interrupted.
    fn watermarks(&self) -> Watermarks;

    /// Stores what a job has seen, durably.
    ///
    /// # Errors
    /// `state` when the store refuses.
    fn store_watermarks(&self, job: &str, seen: Watermarks) -> Result<()>;

    /// Keeps the run's report, a JSON document.
    ///
    /// # Errors
    /// `state` when the store refuses.
    fn keep_report(&self, json: &[u8]) -> Result<()>;
}

/// The rows of a step that is under way.
pub(crate) trait RowWriter: Send + Sync {
    /// Adds a row; it is on its way after [`flush`](Self::flush).
    fn push(&mut self, row: &str);

    /// Adds items as they are.
    fn add(&mut self, items: &Items);

    /// Hands what was added to the store.
    ///
    /// # Errors
    /// `state` when it refuses; nothing can be added after that.
    fn flush(&mut self) -> Result<()>;

    /// What was handed over and may not be safe yet.
    fn unsaved(&mut self) -> Before;

    /// All rows that were handed over.
    fn measure(&self) -> &Measure;

    /// Takes back the rows behind an earlier measure.
    ///
    /// # Errors
    /// `state` when the store refuses.
    fn rewind(&mut self, place: Measure) -> Result<()>;
}

/// The rows of a step that is done, one pass.
pub(crate) trait RowReader: Send {
    /// The next row.
    ///
    /// # Errors
    /// `state` when it cannot be read, or is not the one that was written.
    fn next_row(&mut self) -> Result<Option<&str>>;

    /// Skips a row; gives its length, 0 at the end.
    ///
    /// # Errors
    /// As for [`next_row`](Self::next_row).
    fn skip_row(&mut self) -> Result<usize>;

    /// Gives what is left as it stands, piece by piece: a row a line.
    ///
    /// # Errors
    /// As for [`next_row`](Self::next_row); those of `each`.
    fn pieces(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;
}

/// The rows of a step that is done, for expressions.
pub(crate) trait SharedRows: std::fmt::Debug + Send + Sync {
    /// Opens them for one pass from the first row.
    ///
    /// # Errors
    /// As for [`RunStore::rows`].
    fn open(&self) -> Result<Box<dyn RowReader>>;
}

/// Items that did not succeed, kept for people and for `--retry-failed`.
pub(crate) trait FailureWriter: Send + Sync {
    /// Adds an item, named by its element and its index; gives what must be safe before its outcome is noted.
    ///
    /// # Errors
    /// `state` when the store refuses.
    fn push(&mut self, key: (u64, u64), status: OutcomeStatus, item: Option<&str>, error: &Error) -> Result<Before>;
}
