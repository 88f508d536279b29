//! What the parts of a run share: the plan, the state with its journal, the event sink, and the two ways to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::outages::Outages;
use crate::batch::effects::Effects;
use crate::batch::event::{Event, StepCounts, StepName};
use crate::batch::item_key::ItemKey;
use crate::batch::local_plan::LocalWork;
use crate::batch::log;
use crate::batch::run_plan::{MatrixJob, RunPlan, Step};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::lock::lock;
use crate::receipt::Usage;
use crate::run_store::{
    Before, Fact, ItemOrigin, JobStart, RowWriter, RunInfo, RunState, RunStore, StepPlace, StepState, moment, seconds,
};
use crate::send::{Cancel, Gate, JobHandle, JobState};

/// Seconds between two facts with the time.
const TIME_INTERVAL: u64 = 10;

const TIME_OVER: &str = "the time of the step or of the run is over";
const TIME_ADVICE: &str = "run it again to resume; `timeout` in the step and under `run` set the time";

/// Maximum number of different notes of a step.
const NOTES: usize = 100;

/// The state of a run and its store: both record every fact.
pub(in crate::batch) struct RunLedger {
    store: Arc<dyn RunStore>,
    state: Mutex<RunState>,
    clock: Arc<dyn Clock>,
    /// When the time was last recorded: Unix time in seconds.
    timed: AtomicU64,
    /// The last state of the job that a step waits for, by step.
    waits: Mutex<BTreeMap<String, String>>,
    /// No further request; requests in flight may finish.
    pub(in crate::batch) stop: Cancel,
}

impl RunLedger {
    pub(in crate::batch) fn new(
        store: Arc<dyn RunStore>,
        state: RunState,
        stop: Cancel,
        clock: Arc<dyn Clock>,
    ) -> RunLedger {
        let timed = AtomicU64::new(seconds(clock.wall()));
        RunLedger { store, state: Mutex::new(state), clock, timed, waits: Mutex::default(), stop }
    }

    /// The time, if it was not recorded for a while.
    fn time(&self) -> Option<Fact> {
        let at = seconds(self.clock.wall());
        let last = self.timed.load(Ordering::Relaxed);
        if at.abs_diff(last) < TIME_INTERVAL {
            return None;
        }
        self.timed.store(at, Ordering::Relaxed);
        Some(Fact::Time { at })
    }

    pub(in crate::batch) fn state(&self) -> MutexGuard<'_, RunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line to the log; `line` gets the time.
    fn log(&self, line: impl FnOnce(&str) -> Option<(String, bool)>) {
        if let Some((line, is_kept)) = line(&moment(self.clock.wall())) {
            self.store.log(&line, is_kept);
        }
    }

    /// Logs the state of a job of the system, if it is another than before.
    fn log_wait(&self, step: &StepName, state: &JobState) {
        let progress = state.progress.clone().unwrap_or_default();
        let known = lock(&self.waits).insert(step.to_string(), progress.clone());
        if known != Some(progress) {
            self.log(|at| log::line(&Event::Waiting { step: step.clone(), state: state.clone() }, at));
        }
    }

    /// Records facts; they are durable with the next commit.
    pub(in crate::batch) fn note(&self, facts: Vec<Fact>, before: Before) {
        facts.iter().for_each(|fact| self.state().apply(fact));
        self.store.note(facts, before);
    }

    /// Records facts and waits until they are durable.
    pub(in crate::batch) async fn commit(&self, mut facts: Vec<Fact>, before: Before) -> Result<()> {
        facts.extend(self.time());
        facts.iter().for_each(|fact| self.state().apply(fact));
        self.store.commit(facts, before).await
    }
}

/// The run of a job in progress.
pub(in crate::batch) struct Context {
    pub(in crate::batch) plan: Arc<RunPlan>,
    pub(in crate::batch) effects: Arc<dyn Effects>,
    /// The number of the job.
    pub(in crate::batch) number: usize,
    pub(in crate::batch) store: Arc<dyn RunStore>,
    /// The folder of the runs of all jobs.
    pub(in crate::batch) root: PathBuf,
    pub(in crate::batch) info: RunInfo,
    /// How it starts.
    pub(in crate::batch) start: JobStart,
    pub(in crate::batch) ledger: Arc<RunLedger>,
    /// Aborts requests in flight.
    pub(in crate::batch) hard: Cancel,
    pub(in crate::batch) events: mpsc::Sender<Event>,
    /// Whether failed items are sent again.
    pub(in crate::batch) retry_failed: bool,
    /// Of the failed items, only these are sent again.
    pub(in crate::batch) only: Option<Arc<BTreeSet<ItemKey>>>,
    /// Whether the run goes on although its batch has changed.
    pub(in crate::batch) accept_changes: bool,
    /// The outages of the accounts, shared by all jobs.
    pub(in crate::batch) outages: Arc<Outages>,
    /// When the run must stop, by the monotonic clock.
    pub(in crate::batch) deadline: Option<Duration>,
    /// The number of the step before which it stops.
    pub(in crate::batch) until: Option<usize>,
}

impl Context {
    /// The folder of run folders.
    pub(in crate::batch) fn runs(&self) -> &std::path::Path {
        self.root.parent().unwrap_or(&self.root)
    }

    /// The job. A plan has every job that is run.
    pub(in crate::batch) fn job(&self) -> &MatrixJob {
        static NONE: MatrixJob = MatrixJob { name: String::new(), connection: None, connector: None };
        self.plan.jobs.get(self.number).unwrap_or(&NONE)
    }

    /// Whether a failed item is sent again, whatever its step says.
    pub(in crate::batch) fn sends_again(&self, step: &Step, (element, index): (u64, u64)) -> bool {
        let key = || ItemKey { job: self.job().name.clone(), step: step.id.clone(), element, index };
        self.only.as_ref().map_or(self.retry_failed, |only| only.contains(&key()))
    }

    /// Whether failed items of a step that is done are sent again.
    pub(in crate::batch) fn retries(&self, step: &Step, known: &StepState) -> bool {
        self.retry_failed && known.done && known.failed.iter().any(|item| self.sends_again(step, *item))
    }

    /// Records how this process leaves the run: ended, or to be resumed.
    pub(in crate::batch) async fn conclude(&self, is_finished: bool, kind: Option<String>) -> Result<()> {
        let at = seconds(self.effects.clock().wall());
        let fact = match (self.start, is_finished) {
            // It has ended before.
            (JobStart::Leave, _) => return Ok(()),
            (_, true) => Fact::Ended { kind, at },
            (_, false) => Fact::Paused { at },
        };
        self.ledger.commit(vec![fact], Vec::new()).await
    }

    /// Adds a line to the log of the job; `line` gets the time.
    pub(in crate::batch) fn log(&self, line: impl FnOnce(&str) -> Option<(String, bool)>) {
        // A job that was finished earlier has nothing to tell.
        if self.start != JobStart::Leave {
            self.ledger.log(line);
        }
    }

    pub(in crate::batch) async fn tell(&self, event: Event) {
        self.log(|at| log::line(&event, at));
        // A missing listener does not stop the run.
        let _nobody_listens = self.events.send(event).await;
    }

    /// The rows of the earlier steps that a step uses, by their ids: their number, or a digest if a step may have other rows
    /// when it runs again.
    pub(in crate::batch) fn inputs_of(&self, step: &Step) -> BTreeMap<String, u64> {
        let state = self.ledger.state();
        let needed = step.needs.iter().filter_map(|number| self.plan.steps.get(*number));
        let rows = needed.map(|needed| {
            let extent = state.step(&needed.key(self.job())).extent();
            (needed.id.clone(), if needed.local.is_some() { extent.sum.number() } else { extent.rows })
        });
        // A look-up that finds nothing adds no row.
        let looked_up = step.local.as_ref().and_then(LocalWork::looked_up).map(|id| {
            let known = state.step(&format!("{}/{id}", self.job().name));
            (format!("{id}, looked up"), known.element.saturating_sub(known.elements_left_out().count() as u64))
        });
        rows.chain(looked_up).collect()
    }

    /// Whether the run must stop.
    pub(in crate::batch) fn check_stop(&self) -> Result<()> {
        if self.ledger.stop.is_cancelled() { Err(stopped()) } else { Ok(()) }
    }
}

pub(in crate::batch) fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "the run was stopped").advise("run it again to resume")
}

/// A step of a job, with its context.
pub(in crate::batch) struct Task<'r> {
    pub(in crate::batch) context: &'r Context,
    pub(in crate::batch) step: &'r Step,
    pub(in crate::batch) job: &'r MatrixJob,
    pub(in crate::batch) key: String,
    pub(in crate::batch) connection: &'r str,
    pub(in crate::batch) scope: Scope,
    pub(in crate::batch) place: StepPlace,
    /// When the step must stop, by the monotonic clock.
    pub(in crate::batch) deadline: Option<Duration>,
    /// Notes that were already reported.
    pub(in crate::batch) noted: Mutex<BTreeSet<String>>,
}

impl Task<'_> {
    pub(in crate::batch) fn name(&self) -> StepName {
        StepName { job: self.job.name.clone(), step: self.step.id.clone() }
    }

    /// What its items are sent to, or its elements are read from.
    pub(in crate::batch) fn origin(&self) -> ItemOrigin {
        self.step.origin(self.context.number)
    }

    pub(in crate::batch) fn clock(&self) -> &Arc<dyn Clock> {
        self.context.effects.clock()
    }

    /// Ends a step that has written all its rows at once. `receipt` gets their number.
    pub(in crate::batch) async fn done(
        &self,
        mut rows: Box<dyn RowWriter>,
        items_in: Option<u64>,
        tally: Usage,
        receipt: impl FnOnce(u64) -> serde_json::Value,
    ) -> Result<()> {
        rows.flush()?;
        let count = rows.measure().rows();
        let fact = Fact::Done {
            step: self.key.clone(),
            skipped: false,
            items_in: items_in.unwrap_or(count),
            extent: rows.measure().extent(),
            tally,
            receipt: receipt(count),
            inputs: self.context.inputs_of(self.step),
        };
        self.context.ledger.commit(vec![fact], rows.unsaved()).await
    }

    /// How long the step may still take.
    pub(in crate::batch) fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(self.clock().now()))
    }

    /// Whether the run or the step must stop.
    ///
    /// # Errors
    /// `cancelled` or `timeout`.
    pub(in crate::batch) fn check_stop(&self) -> Result<()> {
        self.context.check_stop()?;
        if self.is_time_over() { Err(Error::new(ErrorKind::Timeout, TIME_OVER).advise(TIME_ADVICE)) } else { Ok(()) }
    }

    fn is_time_over(&self) -> bool {
        self.time_left().is_some_and(|left| left.is_zero())
    }

    /// An error of the step, which says so if the time was over.
    pub(in crate::batch) fn in_time(&self, error: Error) -> Error {
        let is_of_time = matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Network | ErrorKind::Unavailable);
        if !is_of_time || !self.is_time_over() || error.message == TIME_OVER {
            return error;
        }
        error.with(|d| d.message = format!("{TIME_OVER}: {}", d.message)).advise(TIME_ADVICE)
    }

    /// Unix time in seconds.
    pub(in crate::batch) fn now(&self) -> u64 {
        seconds(self.context.effects.clock().wall())
    }

    pub(in crate::batch) fn state(&self) -> StepState {
        self.context.ledger.state().step(&self.key)
    }

    /// Reports a note of a call, once per step: each element of a step is a call, and repeats the notes of the others.
    pub(in crate::batch) async fn note(&self, note: String) {
        let is_new = {
            let mut noted = lock(&self.noted);
            noted.len() < NOTES && noted.insert(note.clone())
        };
        if is_new {
            self.context.tell(Event::Note { message: format!("{}: {note}", self.name()) }).await;
        }
    }

    pub(in crate::batch) async fn progress(&self, counts: StepCounts, total: Option<u64>) {
        self.context.tell(Event::Progress { step: self.name(), counts, total }).await;
    }
}

/// Records durably that items are about to be sent, and which jobs were accepted.
#[derive(Clone)]
pub(super) struct Intent {
    pub(super) ledger: Arc<RunLedger>,
    pub(super) step: String,
    pub(super) element: u64,
    /// Stops only this step.
    pub(super) stop: Cancel,
    name: StepName,
    events: mpsc::Sender<Event>,
}

impl Intent {
    pub(super) fn of(task: &Task<'_>, element: u64, stop: Cancel) -> Intent {
        let context = task.context;
        let (ledger, events) = (Arc::clone(&context.ledger), context.events.clone());
        Intent { ledger, step: task.key.clone(), element, stop, name: task.name(), events }
    }
}

impl std::fmt::Debug for Intent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Intent({}, {})", self.step, self.element)
    }
}

#[async_trait]
impl Gate for Intent {
    async fn before(&self, first: u64, count: u64) -> Result<()> {
        if self.ledger.stop.is_cancelled() || self.stop.is_cancelled() {
            return Err(stopped());
        }
        self.ledger
            .commit(vec![Fact::Intended { step: self.step.clone(), element: self.element, first, count }], Vec::new())
            .await
    }

    async fn accepted(&self, first: u64, count: u64, job: &JobHandle) -> Result<()> {
        let (step, job) = (self.step.clone(), job.clone());
        let fact = Fact::Accepted { step, element: self.element, first, count, job };
        self.ledger.commit(vec![fact], Vec::new()).await
    }

    fn polled(&self, _: u64, state: &JobState) {
        self.ledger.log_wait(&self.name, state);
        // A listener that is behind does not need each state.
        let _not_told = self.events.try_send(Event::Waiting { step: self.name.clone(), state: state.clone() });
    }
}

/// Reports a run that was killed between its last step and its end.
pub(in crate::batch) async fn tell_done(context: &Context) {
    let is_done = {
        let state = context.ledger.state();
        context.start == JobStart::Resume && !state.again && context.plan.outline(context.number).is_done(&state)
    };
    if is_done {
        let message =
            "all steps of this run were already done; nothing is sent again, and this is its report".to_owned();
        context.tell(Event::Note { message }).await;
    }
}

/// Items in doubt after a kill are reported first.
pub(in crate::batch) async fn tell_in_doubt(context: &Context) {
    let (in_doubt, awaited) = {
        let state = context.ledger.state();
        let count = |of: fn(&StepState) -> usize| state.steps.values().map(of).sum::<usize>();
        let awaited = count(StepState::awaited);
        (count(StepState::in_doubt) - awaited, awaited)
    };
    if awaited > 0 {
        let what = if awaited == 1 { "1 item waits for a job" } else { &format!("{awaited} items wait for jobs") };
        let message = format!("{what} of the system, whose state is asked for again; nothing is sent again");
        context.tell(Event::Note { message }).await;
    }
    if in_doubt > 0 {
        let what = if in_doubt == 1 { "1 item was" } else { &format!("{in_doubt} items were") };
        let message = format!(
            "{what} in flight when the run was killed; those that must not be repeated are reported as unknown"
        );
        context.tell(Event::Note { message }).await;
    }
}
