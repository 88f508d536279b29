//! Runs of batches that the page has started: their events as JSON, and their report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::Cancel;
use crate::batch::{Batch, Event, Run, RunOptions, StepName};
use crate::error::Result;

/// Time between two parts of the events that are given.
const BETWEEN: Duration = Duration::from_millis(80);
/// The most events that are kept; progress is thinned out before.
const KEPT: usize = 50_000;
/// The least time between two events of progress of a step, in milliseconds.
const PROGRESS: u64 = 100;

#[derive(Default)]
struct BatchRunState {
    events: Vec<Value>,
    report: Option<Value>,
}

/// A run of a batch.
pub(in crate::cli) struct BatchRun {
    id: String,
    cancel: Cancel,
    began: Instant,
    state: Mutex<BatchRunState>,
    changed: watch::Sender<u64>,
}

/// Gives the events of a run as they come.
pub(in crate::cli) struct BatchFollower {
    run: Arc<BatchRun>,
    changes: watch::Receiver<u64>,
    given: usize,
    is_begun: bool,
    is_over: bool,
}

/// All that this program has started.
#[derive(Default)]
pub(super) struct BatchRuns(Mutex<BTreeMap<String, Arc<BatchRun>>>);

impl BatchRuns {
    pub(super) fn find(&self, id: &str) -> Option<Arc<BatchRun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Begins a run in the runtime of the caller.
    ///
    /// # Errors
    /// Those of [`Batch::run`].
    pub(super) fn begin(&self, batch: &Arc<Batch>, options: RunOptions) -> Result<Arc<BatchRun>> {
        let cancel = options.cancel.clone();
        let running = Arc::clone(batch).run(options)?;
        let id = format!("{:016x}", fastrand::u64(..));
        let (began, changed) = (Instant::now(), watch::Sender::new(0));
        let run = Arc::new(BatchRun { id: id.clone(), cancel, began, state: Mutex::default(), changed });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&run));
        tokio::spawn(Arc::clone(&run).follow(running));
        Ok(run)
    }
}

impl BatchRun {
    pub(in crate::cli) fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::cli) fn cancel(&self) {
        self.cancel.cancel();
    }

    pub(in crate::cli) fn follower(self: Arc<BatchRun>) -> BatchFollower {
        let changes = self.changed.subscribe();
        BatchFollower { run: self, changes, given: 0, is_begun: false, is_over: false }
    }

    async fn follow(self: Arc<BatchRun>, mut running: Run) {
        let mut progress: BTreeMap<String, u64> = BTreeMap::new();
        while let Some(event) = running.next().await {
            let at = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            if let Event::Progress { step, .. } = &event {
                let last = progress.entry(step.to_string()).or_default();
                if *last > 0 && at.saturating_sub(*last) < PROGRESS {
                    continue;
                }
                *last = at;
            }
            self.change(|state| {
                if state.events.len() < KEPT {
                    state.events.push(shown(&event, at));
                }
            });
        }
        let report = running.finish(|_| Ok(())).await;
        self.change(|state| state.report = serde_json::to_value(&report).ok());
    }

    fn change(&self, change: impl FnOnce(&mut BatchRunState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_modify(|version| *version += 1);
    }
}

impl BatchFollower {
    /// The events since the last ones, and the report at the end; nothing after that.
    pub(in crate::cli) async fn next(&mut self) -> Option<Value> {
        if self.is_over {
            return None;
        }
        if self.is_begun {
            tokio::time::sleep(BETWEEN).await;
            self.changes.changed().await.ok()?;
        }
        self.is_begun = true;
        self.changes.borrow_and_update();
        let state = self.run.state.lock().unwrap_or_else(PoisonError::into_inner);
        let events = state.events.get(self.given..).unwrap_or_default().to_vec();
        (self.given, self.is_over) = (state.events.len(), state.report.is_some());
        Some(json!({ "is_ended": self.is_over, "events": events, "report": state.report }))
    }
}

fn shown(event: &Event, at: u64) -> Value {
    let of_step = |kind: &str, step: &StepName, more: Value| {
        let mut value = json!({ "at": at, "kind": kind, "job": step.job, "step": step.step });
        if let (Some(map), Value::Object(more)) = (value.as_object_mut(), more) {
            map.extend(more);
        }
        value
    };
    match event {
        Event::Begun { jobs } => {
            let job = |own: &crate::batch::JobBegun| {
                json!({
                    "job": own.job, "run": own.run, "started": own.started, "is_resumed": own.is_resumed,
                    "is_left": own.is_left, "is_finished": own.is_finished, "steps_done": own.steps_done.0, "steps": own.steps_done.1,
                })
            };
            json!({ "at": at, "kind": "begun", "jobs": jobs.iter().map(job).collect::<Vec<_>>() })
        }
        Event::Note { message } => json!({ "at": at, "kind": "note", "message": message }),
        Event::StepBegun { step } => of_step("step_begun", step, json!({})),
        Event::Progress { step, counts, total } => {
            let mut counts = serde_json::to_value(counts).unwrap_or_default();
            if let Some(map) = counts.as_object_mut() {
                map.insert("total".into(), json!(total));
            }
            of_step("progress", step, counts)
        }
        Event::Loading { step, table, rows, total } => {
            of_step("loading", step, json!({ "table": table, "rows": rows, "total": total }))
        }
        Event::Waiting { step, state } => of_step("waiting", step, json!({ "state": state.progress })),
        Event::Outage { step, connection, error, next_ms, left_ms } => {
            let more = json!({ "connection": connection, "error": error, "next_ms": next_ms, "left_ms": left_ms });
            of_step("outage", step, more)
        }
        Event::ItemFailed { step, index, status, error } => {
            of_step("item_failed", step, json!({ "index": index, "status": status, "error": error }))
        }
        Event::Saved { step, path } => of_step("saved", step, json!({ "path": path })),
        Event::StepEnded(report) => {
            of_step("step_ended", &report.name, serde_json::to_value(report).unwrap_or_default())
        }
    }
}
