//! A checked batch as a value; later code does not read the file again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::conditions::Conditions;
use super::effects::Effects;
use super::file::{OnErrorFile, OnUnknownFile, StepFile};
use super::local_plan::LocalWork;
use super::row_source::{ItemSource, MAIN};
use super::save_plan::Save;
use crate::authoring::Pointer;
use crate::definition::{Method, Operation, Repeat, Send};
use crate::expression::{Expr, Shape};
use crate::run_store::{ItemOrigin, JobOutline, Mark, ResumePolicy, RunOutline, StepOutline, file_name};

/// A checked batch. [`run`](Self::run) runs it, [`plan`](Self::plan) returns its requests.
pub struct Batch {
    pub(crate) plan: Arc<RunPlan>,
    pub(crate) effects: Arc<dyn Effects>,
}

/// Digests of the inputs of a job, by what they are.
pub(crate) type Fingerprints = BTreeMap<String, String>;

/// The plan of a run, as a value: without open connections and without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RunPlan {
    pub(crate) name: String,
    /// The path of the file as given.
    pub(crate) file: String,
    /// Its folder: relative paths start there.
    pub(crate) folder: PathBuf,
    /// Values of expressions, as JSON.
    pub(crate) vars: BTreeMap<String, String>,
    /// Those of them that the caller has given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) given_vars: BTreeMap<String, String>,
    /// Values of the inputs, as JSON.
    pub(crate) inputs: BTreeMap<String, String>,
    pub(crate) concurrency: usize,
    pub(crate) resume: ResumePolicy,
    /// How long a process works on the run.
    pub(crate) timeout: Option<Duration>,
    pub(crate) jobs: Vec<MatrixJob>,
    pub(crate) steps: Vec<Step>,
    /// The batch's own files, without links: no step may write them.
    pub(crate) own_files: BTreeSet<PathBuf>,
    /// Digests of the inputs of each job, by input.
    pub(crate) fingerprints: Vec<Fingerprints>,
}

/// When a step runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Phase {
    #[default]
    Main,
    /// After the main steps, if one of them failed or has items left.
    OnFailure,
    /// Last, whatever the end of the others.
    Finally,
}

/// The steps for one connection of the matrix; without a matrix there is one job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct MatrixJob {
    /// Its name in the journal, in paths and in messages.
    pub(crate) name: String,
    /// The value of `connection` in expressions.
    pub(crate) connection: Option<String>,
    pub(crate) connector: Option<String>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) operation: CalledOperation,
    /// What it does instead of calling an operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) local: Option<LocalWork>,
    /// Its connection, by job; none for a step without requests.
    pub(crate) connections: Vec<String>,
    pub(crate) options: Shape,
    pub(crate) items: Option<ItemSource>,
    pub(crate) each: Option<ItemSource>,
    pub(crate) keep: Option<Expr>,
    pub(crate) map: Option<Shape>,
    pub(crate) when: Option<Expr>,
    pub(crate) phase: Phase,
    /// The numbers of earlier steps whose results it uses: they must be done.
    pub(crate) needs: BTreeSet<usize>,
    /// The numbers of earlier steps of which it uses only how they ended.
    pub(crate) awaits: BTreeSet<usize>,
    pub(super) parallel: usize,
    pub(crate) limit: Option<u64>,
    pub(crate) forward_only: bool,
    /// Unknown fields are faults, and not only notes.
    pub(crate) known_fields: bool,
    pub(crate) watermark: Option<Watermark>,
    /// Where its rows are saved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) save: Vec<Save>,
    /// The folder for files that the operation returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<Shape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verify: Option<Verify>,
    pub(crate) limits: StepLimits,
    pub(crate) on_error: OnErrorFile,
    pub(super) on_unknown: OnUnknownFile,
}

/// How a step finds out whether an item took effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Verify {
    pub(crate) operation: CalledOperation,
    pub(crate) options: Shape,
    /// The paths of the fields that identify a record.
    pub(crate) key: Vec<Vec<String>>,
    /// Whether the query runs once for each item.
    pub(crate) is_per_item: bool,
    /// Whether an item took effect only if the record has its values, because the record was there before.
    pub(crate) is_compared: bool,
    pub(crate) wait: Duration,
}

/// Limits of a step; they do not change what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct StepLimits {
    /// Attempts of each request.
    pub(crate) attempts: Option<u32>,
    /// How long it may take.
    pub(crate) timeout: Option<Duration>,
    /// How long it waits for the end of an outage.
    pub(crate) wait_up_to: Duration,
}

/// The properties of the step's operation that a run uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct CalledOperation {
    pub(crate) connector: String,
    pub(crate) id: String,
    /// Verb and path.
    pub(crate) request_line: String,
    pub(crate) is_paged: bool,
    /// An item in doubt may be sent again: that has no further effect.
    pub(super) may_be_repeated: bool,
    /// Items per request; `None` for all.
    pub(super) items_per_request: Option<u32>,
    /// Options whose values are secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) secret_options: Vec<String>,
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub(super) conditions: Conditions,
}

/// Maximum number of items of one call, and of their bytes.
pub(super) const CALL: (usize, usize) = (256, 4 << 20);

impl CalledOperation {
    /// The place of an operation in a step that calls none.
    pub(crate) fn none(local: &LocalWork) -> CalledOperation {
        CalledOperation {
            connector: String::new(),
            id: local.name().to_owned(),
            request_line: String::new(),
            is_paged: false,
            may_be_repeated: true,
            items_per_request: Some(1),
            secret_options: Vec::new(),
            conditions: Conditions::default(),
        }
    }

    /// Items of the first request of a call.
    pub(super) fn items_of_first_request(&self) -> usize {
        self.items_per_request.map_or(usize::MAX, |n| n.max(1) as usize)
    }

    /// Items of one call: all items of one request go in one call; parts of several start at the boundaries of requests.
    pub(super) fn items_per_call(&self) -> usize {
        match self.items_per_request {
            None => usize::MAX,
            Some(n) => (CALL.0 / n.max(1) as usize).max(1) * n.max(1) as usize,
        }
    }

    pub(crate) fn of(operation: &Operation) -> CalledOperation {
        CalledOperation {
            connector: operation.connector.name.clone(),
            id: operation.id.clone(),
            request_line: operation.request_line(),
            is_paged: operation.is_paged(),
            may_be_repeated: operation.repeat != Repeat::OtherWrite,
            items_per_request: match operation.items.as_ref().map(|rule| &rule.send) {
                Some(Send::All) => None,
                Some(Send::Chunk(n)) => Some(*n),
                _ => Some(1),
            },
            secret_options: operation.options.iter().filter(|o| o.secret).map(|o| o.name.clone()).collect(),
            conditions: Conditions::of(operation),
        }
    }
}

/// A value that was read, kept for the next run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Watermark {
    /// The largest value at this place in the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<Pointer>,
    /// The last value that the operation keeps under this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<String>,
    /// JSON.
    pub(crate) start: String,
    /// How much before the stored time is read again.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub(crate) lag: Duration,
    /// The key of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Pointer>,
}

impl Watermark {
    /// The value from which a run reads, as JSON: the stored one less the lag.
    pub(crate) fn begin(&self, kept: Option<&Mark>) -> String {
        let Some(kept) = kept else { return self.start.clone() };
        let earlier = if self.lag.is_zero() { None } else { kept.earlier(self.lag) };
        earlier.unwrap_or_else(|| kept.clone()).json()
    }
}

impl MatrixJob {
    /// The folder of its runs.
    pub(crate) fn folder(&self, root: &Path) -> PathBuf {
        if self.name == MAIN { root.to_owned() } else { root.join("jobs").join(file_name(&self.name)) }
    }
}

impl RunPlan {
    /// The outline of a job, by its number, for the run store.
    pub(crate) fn outline(&self, number: usize) -> RunOutline {
        let job = self.jobs.get(number);
        let step = |job: &MatrixJob, step: &Step| StepOutline {
            id: step.id.clone(),
            key: step.key(job),
            is_marked: step.watermark.is_some(),
            is_main: step.phase == Phase::Main,
            origin: step.origin(number),
        };
        let outline = |job: &MatrixJob| JobOutline {
            name: job.name.clone(),
            steps: self.steps.iter().map(|s| step(job, s)).collect(),
        };
        RunOutline {
            name: self.name.clone(),
            fingerprints: self.fingerprints.get(number).cloned().unwrap_or_default(),
            jobs: job.map(outline).into_iter().collect(),
        }
    }
}

impl Step {
    /// A step that does nothing yet.
    pub(super) fn new(file: &StepFile, (method, operation): (Method, CalledOperation), phase: Phase) -> Step {
        Step {
            id: file.id.clone(),
            method,
            operation,
            local: None,
            connections: Vec::new(),
            options: Shape::Map(Vec::new()),
            items: None,
            each: None,
            keep: None,
            map: None,
            when: None,
            phase,
            needs: BTreeSet::new(),
            awaits: BTreeSet::new(),
            parallel: 1,
            limit: None,
            forward_only: false,
            known_fields: true,
            watermark: None,
            save: Vec::new(),
            files: None,
            verify: None,
            limits: StepLimits::default(),
            on_error: file.on_error,
            on_unknown: file.on_unknown,
        }
    }

    /// A step that sends no requests.
    pub(super) fn local(file: &StepFile, local: LocalWork, phase: Phase) -> Step {
        let operation = CalledOperation::none(&local);
        Step { local: Some(local), ..Step::new(file, (Method::Query, operation), phase) }
    }

    /// What its items are sent to, or its elements are read from, by a job, by its number.
    pub(crate) fn origin(&self, job: usize) -> ItemOrigin {
        ItemOrigin {
            connection: self.connections.get(job).cloned().unwrap_or_default(),
            method: self.method,
            operation: self.operation.id.clone(),
            secret_options: self.operation.secret_options.clone(),
            in_for: self.each.is_some(),
        }
    }

    /// What it does for a job, by its number, as JSON text: two steps of one meaning do the same.
    pub(crate) fn meaning(&self, job: usize) -> String {
        let connections = self.connections.get(job).cloned().into_iter().collect();
        let plain = Step { connections, parallel: 1, limits: StepLimits::default(), ..self.clone() };
        serde_json::to_string(&plain).unwrap_or_default()
    }

    /// Its key in the journal.
    pub(crate) fn key(&self, job: &MatrixJob) -> String {
        format!("{}/{}", job.name, self.id)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::RunPlan;
    use crate::batch::{Batch, BatchConfig};
    use crate::engine::Engine;

    /// A plan is data: it can be serialized, read in another process, and compared.
    #[test]
    fn a_plan_survives_serialization() {
        let text = r#"
version: 1
name: small
vars: { most: 3, rate: 1.10 }
connections: { here: { connector: acme } }
steps:
  - { id: all, query: listThings, where: "${{ item.id < vars.most }}", save: "out/${{ run.id }}.ndjson" }
  - { id: each, query: listThings, for: "${{ steps.all.items }}", options: { filter: "id=${{ item.id }}" }, watermark: { pointer: /id, start: 0 } }
"#;
        let mut catalog = crate::Catalog::builtin();
        let connector = "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none\n";
        let operations = "version: 1\noperations:\n  listThings: { title: L, method: query, request: GET /p, options: { filter: { type: string } }, response: { result: list } }\n";
        catalog.add("acme", "connector.yaml", connector);
        catalog.add("acme", "things.yaml", operations);
        let config = BatchConfig::new(Arc::new(Engine::new(crate::EngineConfig::new(catalog))));
        let load = || Batch::parse(Path::new("small.yaml"), text, &config).unwrap();
        let plan = &*load().plan;
        let written = serde_json::to_string(plan).unwrap();
        let read: RunPlan = serde_json::from_str(&written).unwrap();
        assert_eq!(&read, plan);
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert_eq!(&*load().plan, plan);
        assert!(!written.contains("session"));
    }
}
