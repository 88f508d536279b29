//! Runs of the service: a call that goes on while others look at it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;

use super::rows::ServiceRows;
use crate::error::{Error, Result};
use crate::{Cancel, Outcome, OutcomeCounts, Receipt, Running, Session};

/// The most pages and outcomes that are kept one by one for the picture and the list.
const KEPT: usize = 20_000;

/// Time between two states that are given.
const BETWEEN: Duration = Duration::from_millis(50);

/// A page that was read.
#[derive(Clone, Copy, Debug, Serialize)]
struct PageMark {
    /// Milliseconds since the start.
    at: u64,
    items: u64,
    bytes: u64,
    /// Of the whole call so far.
    requests: u64,
    retries: u64,
    wait_ms: u64,
}

/// What is known of a run.
#[derive(Debug, Default, Serialize)]
struct ServiceRunState {
    is_ended: bool,
    /// Milliseconds since the start.
    at: u64,
    rows: usize,
    pages: u64,
    /// The number of items of the whole list, if the server says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    outcomes: OutcomeCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    #[serde(skip)]
    marks: Vec<PageMark>,
    #[serde(skip)]
    results: Vec<Box<RawValue>>,
}

/// A run.
pub(in crate::cli) struct ServiceRun {
    id: String,
    cancel: Cancel,
    began: Instant,
    state: Mutex<ServiceRunState>,
    rows: Mutex<ServiceRows>,
    changed: watch::Sender<u64>,
}

/// Gives the states of a run as it goes on.
pub(in crate::cli) struct RunFollower {
    run: Arc<ServiceRun>,
    changes: watch::Receiver<u64>,
    /// Pages and outcomes that were given.
    marks: usize,
    results: usize,
    is_begun: bool,
    is_over: bool,
}

/// All runs of this program.
#[derive(Default)]
pub(super) struct ServiceRuns(Mutex<BTreeMap<String, Arc<ServiceRun>>>);

impl ServiceRuns {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<ServiceRun>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<ServiceRun>> {
        self.all().get(id).cloned()
    }

    pub(super) fn remove(&self, id: &str) -> Option<()> {
        self.all().remove(id).map(|run| run.cancel.cancel())
    }

    /// Begins to follow a call in the runtime of the caller.
    pub(super) fn begin(&self, running: Running, cancel: Cancel, session: Arc<Session>) -> Result<Arc<ServiceRun>> {
        let id = format!("{:016x}", fastrand::u64(..));
        let (rows, changed) = (Mutex::new(ServiceRows::new()?), watch::Sender::new(0));
        let state = Mutex::new(ServiceRunState::default());
        let run = Arc::new(ServiceRun { id: id.clone(), cancel, began: Instant::now(), state, rows, changed });
        self.all().insert(id, Arc::clone(&run));
        let own = Arc::clone(&run);
        tokio::spawn(async move {
            own.follow(running).await;
            // The session ends after its call.
            drop(session);
        });
        Ok(run)
    }
}

impl ServiceRun {
    pub(in crate::cli) fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::cli) fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Rows from one on, as a JSON array; at most some hundred.
    ///
    /// # Errors
    /// `state` when the temporary file cannot be read.
    pub(in crate::cli) fn rows(&self, first: usize, count: usize) -> Result<String> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).window(first, count)
    }

    pub(in crate::cli) fn follower(self: Arc<ServiceRun>) -> RunFollower {
        let changes = self.changed.subscribe();
        RunFollower { run: self, changes, marks: 0, results: 0, is_begun: false, is_over: false }
    }

    fn state(&self) -> MutexGuard<'_, ServiceRunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn change(&self, change: impl FnOnce(&mut ServiceRunState)) {
        {
            let mut state = self.state();
            change(&mut state);
            state.at = self.now();
        }
        self.changed.send_modify(|version| *version += 1);
    }

    fn keep<'r>(&self, rows: impl Iterator<Item = &'r str>) -> Result<usize> {
        let mut kept = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        kept.add(rows)?;
        Ok(kept.len())
    }

    async fn follow(&self, mut running: Running) {
        let mut error = None;
        match &mut running {
            Running::Read(walk) => {
                while let Some(page) = walk.next().await {
                    let page = match page {
                        Ok(page) => page,
                        Err(fault) => {
                            error = Some(fault);
                            break;
                        }
                    };
                    let kept = self.keep(page.items.iter().map(|item| item.as_str()));
                    let &Receipt { requests, retries, wait_ms, .. } = walk.receipt();
                    let (at, items) = (self.now(), page.items.len() as u64);
                    let mark = PageMark { at, items, bytes: page.bytes, requests, retries, wait_ms };
                    self.change(|state| {
                        state.pages += 1;
                        state.total = page.total.or(state.total);
                        if state.marks.len() < KEPT {
                            state.marks.push(mark);
                        }
                        state.rows = *kept.as_ref().unwrap_or(&state.rows);
                    });
                    if let Err(fault) = kept {
                        error = Some(fault);
                        break;
                    }
                }
            }
            Running::Write(writes) => {
                while let Some(outcome) = writes.next().await {
                    let kept = self.keep(outcome.items.iter().map(|item| item.as_str()));
                    self.change(|state| state.note(&outcome, kept.as_ref().ok().copied()));
                }
                error = writes.verdict().err();
            }
        }
        let receipt = serde_json::to_value(running.receipt()).ok();
        self.change(|state| {
            state.is_ended = true;
            state.receipt = receipt;
            state.error = error.as_ref().map(shown);
        });
    }
}

fn shown(error: &Error) -> Value {
    serde_json::to_value(error).unwrap_or_default()
}

impl ServiceRunState {
    fn note(&mut self, outcome: &Outcome, rows: Option<usize>) {
        use crate::OutcomeStatus::{Failed, Ok, Skipped, Unknown};
        let count = match outcome.status {
            Ok => &mut self.outcomes.ok,
            Failed => &mut self.outcomes.failed,
            Unknown => &mut self.outcomes.unknown,
            Skipped => &mut self.outcomes.skipped,
        };
        *count += 1;
        if self.results.len() < KEPT {
            // As text, so that numbers keep their digits and fields their order.
            self.results.extend(to_raw_value(outcome));
        }
        self.rows = rows.unwrap_or(self.rows);
    }
}

/// A state with what is new in it.
struct GivenState<'s> {
    state: &'s ServiceRunState,
    new_pages: &'s [PageMark],
    new_outcomes: &'s [Box<RawValue>],
}

impl GivenState<'_> {
    fn text(&self) -> Option<String> {
        let text = |value: &dyn Fn() -> serde_json::Result<String>| value().ok();
        let state = text(&|| serde_json::to_string(self.state))?;
        let pages = text(&|| serde_json::to_string(self.new_pages))?;
        let outcomes = text(&|| serde_json::to_string(self.new_outcomes))?;
        let own = state.strip_suffix('}')?;
        Some(format!(r#"{own},"new_pages":{pages},"new_outcomes":{outcomes}}}"#))
    }
}

impl RunFollower {
    /// The next state as JSON, with the pages and outcomes since the last one; nothing after the end.
    pub(in crate::cli) async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        if self.is_begun {
            // Several changes are one state.
            tokio::time::sleep(BETWEEN).await;
            self.changes.changed().await.ok()?;
        }
        self.is_begun = true;
        self.changes.borrow_and_update();
        let state = self.run.state();
        let given = GivenState {
            state: &state,
            new_pages: state.marks.get(self.marks..).unwrap_or_default(),
            new_outcomes: state.results.get(self.results..).unwrap_or_default(),
        };
        let text = given.text();
        (self.marks, self.results, self.is_over) = (state.marks.len(), state.results.len(), state.is_ended);
        text
    }
}
