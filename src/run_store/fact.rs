//! What a run notes: each thing that has happened in it, in order. Plain data; the journal keeps it on disk.

use serde::{Deserialize, Serialize};

use super::extent::{Extent, Sum};
use super::watermark::Mark;
use crate::call::Resume;
use crate::receipt::{OutcomeStatus, Usage};

/// One fact. Steps are named `job/step`; elements of a `for` count from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "the large one is the one that most facts are, and few are held at once")]
pub(crate) enum Fact {
    /// The first line. `watermarks` is the digest of their file as the run found it, if there was one.
    Journal {
        version: u32,
        run: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watermarks: Option<Sum>,
    },
    /// The step began.
    Started { step: String },
    /// Everything before is safe: the rows of the spool; the element under way, and where its walk goes on.
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
        tally: Usage,
        /// The end of some list was not seen, or something announced is missing in it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        incomplete: bool,
    },
    /// These items of a write are about to be sent.
    Intended { step: String, element: u64, first: u64, count: u64 },
    /// What became of an item. The spool is safe with its rows.
    Outcome {
        step: String,
        element: u64,
        index: u64,
        status: OutcomeStatus,
        #[serde(flatten)]
        extent: Extent,
        tally: Usage,
    },
    /// All items of an element of a `for` have their outcomes.
    Element { step: String, element: u64 },
    /// Nothing is left to do in the step but to save.
    Done {
        step: String,
        skipped: bool,
        items_in: u64,
        #[serde(flatten)]
        extent: Extent,
        tally: Usage,
        receipt: serde_json::Value,
    },
    /// The step's files are in their places.
    Saved { step: String },
    /// All steps of the matrix job are done and its watermarks are kept.
    #[serde(rename = "leg")]
    Job {
        #[serde(rename = "leg")]
        job: String,
    },
    /// The failed items of an ended run are tried again from here on.
    Again {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watermarks: Option<Sum>,
    },
    /// The run ended and its report is out: there is nothing to resume.
    Ended { kind: Option<String> },
}
