//! The facts of a run in the order in which they happened. Plain data; the journal stores them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::extent::{Extent, Sum};
use super::watermark::Mark;
use crate::call::Resume;
use crate::receipt::{OutcomeStatus, Usage};
use crate::row_file::RowPosition;
use crate::send::JobHandle;

/// The version of the journal that this build writes. It reads older versions but does not resume them.
pub(crate) const JOURNAL_VERSION: u32 = 3;

/// A file as it was found when a step began to read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadedFile {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// When it was last changed, in nanoseconds of Unix time, as text.
    pub(crate) changed: String,
}

/// Rows that a step adds to the end of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AddedRows {
    /// The path of the file, without links.
    pub(crate) path: String,
    /// The length of the file before.
    pub(crate) start: u64,
    /// The digest of its last bytes before.
    pub(crate) before: Sum,
    /// The number of the first row that is added.
    pub(crate) first: u64,
    /// The number of rows of the step that are in the file then.
    pub(crate) rows: u64,
    /// The bytes that are added, as lines.
    pub(crate) added: Extent,
    /// What earlier parts of the run may have added after `start`, and is replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) replaced: Vec<Extent>,
}

/// One fact. Steps are named `job/step`; elements of a `for` count from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "most facts are of the largest kind, and few are in memory at once")]
pub(crate) enum Fact {
    /// The first line. `watermarks` is the digest of the watermarks file at the start of the run, if there was one.
    Journal {
        version: u32,
        run: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watermarks: Option<Sum>,
    },
    /// A process starts or resumes the run. Times are Unix times in seconds.
    Begun { at: u64 },
    /// The time, recorded every few seconds with other facts.
    Time { at: u64 },
    /// The process has stopped in order, and the run is not finished.
    Paused { at: u64 },
    /// The step started.
    Started { step: String },
    /// The rows of the spool are durable up to this point. Also contains the current element and the cursor of its next
    /// page.
    Read {
        step: String,
        element: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        walk: Option<Resume>,
        #[serde(flatten)]
        extent: Extent,
        items: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mark: Option<Mark>,
        /// The rows that were passed on at or after the watermark, in a file of their own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Extent>,
        /// Values that the operation keeps, as JSON text: facts are parsed as values, which lose digits.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        kept: BTreeMap<String, String>,
        tally: Usage,
        /// The end of a list was not seen, or announced items are missing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        incomplete: bool,
    },
    /// The rows of files are durable in the spool up to this point.
    Loaded {
        step: String,
        /// The number of the file, and the position in it.
        file: u64,
        position: RowPosition,
        /// The files as they were found; in the first fact only.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<LoadedFile>,
        #[serde(flatten)]
        extent: Extent,
        items: u64,
        elapsed_ms: u64,
    },
    /// These items of a write are about to be sent.
    Intended { step: String, element: u64, first: u64, count: u64 },
    /// The system accepted a request as a job: these items of a write, or a query (0 of them).
    Accepted { step: String, element: u64, first: u64, count: u64, job: JobHandle },
    /// The outcome of an item. Its rows in the spool are durable.
    Outcome {
        step: String,
        element: u64,
        index: u64,
        status: OutcomeStatus,
        #[serde(flatten)]
        extent: Extent,
        tally: Usage,
    },
    /// All items of an element of a `for` have outcomes.
    Element { step: String, element: u64 },
    /// The step has only to be saved.
    Done {
        step: String,
        skipped: bool,
        items_in: u64,
        #[serde(flatten)]
        extent: Extent,
        tally: Usage,
        receipt: serde_json::Value,
        /// Rows of the earlier steps that it was done with, by their ids.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, u64>,
    },
    /// The step runs again from its beginning.
    Reset { step: String },
    /// The step goes on after its last item or element, because its input has grown.
    Reopened { step: String, by_element: bool },
    /// The rows of the step are added to these files from here.
    Adding { step: String, files: Vec<AddedRows> },
    /// The step's output files are written.
    Saved { step: String },
    /// All steps of the matrix job are done and its watermarks are stored.
    #[serde(rename = "leg")]
    Job {
        #[serde(rename = "leg")]
        job: String,
    },
    /// A person settled an item that had failed or whose outcome was unknown.
    Settled {
        step: String,
        element: u64,
        index: u64,
        #[serde(default)]
        at: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// A person decided that an item whose outcome was unknown may be sent again: it counts as failed.
    Released { step: String, element: u64, index: u64 },
    /// A person replaced an item that did not succeed. `item` is JSON text: facts are parsed as values, which lose
    /// digits.
    Edited { step: String, element: u64, index: u64, item: String },
    /// The failed items of an ended run are retried from here.
    Again {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watermarks: Option<Sum>,
    },
    /// Every step is done and the report is written. Only failed and unknown items may be left.
    Ended {
        kind: Option<String>,
        #[serde(default)]
        at: u64,
    },
}
