//! A batch that was checked: what later code runs without looking at the file again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::file::{OnErrorFile, OnUnknownFile, SaveFormat};
use crate::authoring::Pointer;
use crate::definition::{Method, Operation};
use crate::engine::Session;
use crate::expression::{Expr, Shape};
use crate::run_store::outline::{JobOutline, RunOutline, StepOutline};

/// A batch that was checked. [`run`](Self::run) runs it, [`plan`](Self::plan) tells what it would send.
pub struct Batch {
    pub(crate) name: String,
    /// The file as it was named.
    pub(crate) file: String,
    /// Its folder: the paths in it begin there.
    pub(crate) folder: PathBuf,
    /// Values of expressions, as JSON.
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) concurrency: usize,
    pub(crate) jobs: Vec<MatrixJob>,
    pub(crate) steps: Vec<Step>,
    /// Open connections by name.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// Digests of all that decides what a run does, by what they are of.
    pub(crate) fingerprints: BTreeMap<String, String>,
}

/// The steps for one connection of the matrix; without a matrix there is one job.
#[derive(Clone, Debug)]
pub(crate) struct MatrixJob {
    /// Names it in the journal, in paths and to people.
    pub(crate) name: String,
    /// The connection that expressions see as `connection`.
    pub(crate) connection: Option<String>,
    pub(crate) connector: Option<String>,
}

/// One step.
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) operation: Arc<Operation>,
    /// Its connection, by job.
    pub(crate) connections: Vec<String>,
    pub(crate) options: Shape,
    pub(crate) items: Option<ItemSource>,
    pub(crate) each: Option<ItemSource>,
    pub(crate) keep: Option<Expr>,
    pub(crate) map: Option<Shape>,
    pub(crate) when: Option<Expr>,
    /// Earlier steps that it needs, by number.
    pub(crate) needs: BTreeSet<usize>,
    pub(crate) parallel: usize,
    pub(crate) limit: Option<u64>,
    pub(crate) forward_only: bool,
    /// Fields that the operation does not have are faults, and not only noted.
    pub(crate) known_fields: bool,
    pub(crate) watermark: Option<Watermark>,
    pub(crate) save: Option<Save>,
    pub(crate) on_error: OnErrorFile,
    pub(crate) on_unknown: OnUnknownFile,
}

/// Where items or elements come from.
pub(crate) enum ItemSource {
    /// An earlier step's rows, read from disk.
    Step(String),
    /// A value, held in memory.
    Shape(Shape),
}

/// The largest value seen, kept for the next run.
pub(crate) struct Watermark {
    pub(crate) pointer: Pointer,
    /// JSON.
    pub(crate) start: String,
}

/// A file for the rows.
pub(crate) struct Save {
    pub(crate) to: Shape,
    pub(crate) format: Option<SaveFormat>,
    pub(crate) columns: Vec<String>,
}

impl Batch {
    /// What the store of its runs must know of it.
    pub(crate) fn outline(&self) -> RunOutline {
        let step =
            |job: &MatrixJob, step: &Step| StepOutline { key: step.key(job), is_marked: step.watermark.is_some() };
        let job = |job: &MatrixJob| JobOutline {
            name: job.name.clone(),
            steps: self.steps.iter().map(|s| step(job, s)).collect(),
        };
        RunOutline {
            name: self.name.clone(),
            fingerprints: self.fingerprints.clone(),
            jobs: self.jobs.iter().map(job).collect(),
        }
    }
}

impl Step {
    /// Its key in the journal.
    pub(crate) fn key(&self, job: &MatrixJob) -> String {
        format!("{}/{}", job.name, self.id)
    }
}
