//! A run: jobs side by side, steps in order, one after the other or as far as they do not need each other. Ends with a report, however it ends.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};
use tokio::sync::{Semaphore, mpsc};

use super::bad_items::{bad_items, reads_elements};
use super::context::{Context, Ledger, Task, stopped, tell_done, tell_in_doubt};
use super::decide;
use super::event::{Event, Report, StepCounts, StepName, StepReport, StepStatus};
use super::read;
use super::run_plan::{Batch, MatrixJob, Step};
use super::run_values::{self, StepRows};
use super::save;
use super::send;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::{Scope, StepView};
use crate::receipt::Usage;
use crate::run_store::extent::Extent;
use crate::run_store::folder::{Beginning, Folder, Opened};
use crate::run_store::held;
use crate::run_store::info::{self, RunInfo, now, run_id};
use crate::run_store::fact::Fact;
use crate::run_store::state::{RunState, StepState};
use crate::run_store::store::StepPlace;
use crate::run_store::watermark::{self, Watermarks};
use crate::send::Cancel;

/// How long requests that are under way may go on after a stop.
const GRACE: Duration = Duration::from_millis(700);
/// Events that may wait for a reader.
const EVENTS: usize = 256;

/// How a batch is run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The folder in which run folders lie; `.opnode/runs` beside the batch file when left out.
    pub state: Option<PathBuf>,
    /// Start over, and keep an unfinished run aside.
    pub fresh: bool,
    /// Go on although the batch or its definitions have changed since the run began.
    pub accept_changes: bool,
    /// Send exactly the failed items of the last run.
    pub retry_failed: bool,
    /// Stops the run: no further request, those under way get a moment to end, the state is kept.
    pub cancel: Cancel,
    /// The name of this machine, for those who find the run's lock.
    pub host: String,
}

/// A run under way. It goes on while [`next`](Self::next) or [`finish`](Self::finish) is polled.
///
/// A run whose steps are all done has not ended before its report is out: that is what [`finish`](Self::finish) takes a function for. A process that is
/// killed before then, or drops the run, leaves one that goes on: the next one does no step again, tells the report again, and ends it. Were it ended
/// first, a supervisor that starts the batch again would begin a new run, which sends everything again.
pub struct Run {
    work: Pin<Box<dyn Future<Output = Done> + Send>>,
    events: mpsc::Receiver<Event>,
    done: Option<Done>,
}

/// A run whose work is over, and that still holds its folder.
struct Done {
    context: Context,
    report: Report,
}

impl Run {
    /// What happens next; `None` when nothing is left but to [`finish`](Self::finish).
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if self.done.is_some() {
                return self.events.try_recv().ok();
            }
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => return Some(event),
                done = &mut self.work => self.done = Some(done),
            }
        }
    }

    /// Runs to the end. `tell` gets the report and brings it to where it must be; then the run is noted as ended, if nothing is left to do in it.
    ///
    /// The report that is given back differs from the one told only when `tell` failed or the end could not be noted: it has the error, and the next run
    /// does nothing again, tells the report and ends this one.
    pub async fn finish(mut self, tell: impl FnOnce(&Report) -> Result<()>) -> Report {
        while self.next().await.is_some() {}
        let Done { context, mut report } = match self.done {
            Some(done) => done,
            None => self.work.await,
        };
        if let Err(error) = tell(&report) {
            report.finished = false;
            report.error = Some(error);
        }
        if report.finished {
            let kind = report.check().err().map(|e| e.kind().to_string());
            if let Err(error) = context.ledger.commit(vec![Fact::Ended { kind }], Vec::new()).await {
                report.finished = false;
                report.error = Some(error);
            }
        }
        report
    }
}

impl Batch {
    /// Takes the run folder and begins, or goes on with an unfinished run.
    ///
    /// # Errors
    /// `state` when another process holds the folder, the disk refuses, the journal is damaged, or what the run does has changed; `usage` when
    /// there is nothing to retry.
    pub fn run(self: Arc<Self>, options: RunOptions) -> Result<Run> {
        let root = self.run_folder(options.state.as_deref());
        let info = RunInfo {
            version: info::VERSION,
            run: run_id(),
            name: self.plan.name.clone(),
            file: self.plan.file.clone(),
            started: now(),
            host: options.host.clone(),
            pid: std::process::id(),
            opnode: env!("CARGO_PKG_VERSION").to_owned(),
            fingerprints: self.plan.fingerprints.clone(),
        };
        let beginning = Beginning {
            fresh: options.fresh,
            accept_changes: options.accept_changes,
            retry_failed: options.retry_failed,
        };
        let outline = self.plan.outline();
        let Opened { store, info, state, resumed, notes } = Folder::open(&root, &outline, info, beginning)?;
        // A run that was killed while it tried failed items again goes on with that.
        let retry_failed = options.retry_failed || state.again;
        let (events, receiver) = mpsc::channel(EVENTS);
        let ledger = Arc::new(Ledger::new(Arc::clone(&store), state, options.cancel.clone()));
        let context = Context {
            plan: Arc::clone(&self.plan),
            effects: Arc::clone(&self.effects),
            store,
            info,
            resumed,
            ledger,
            hard: Cancel::default(),
            events,
            retry_failed,
        };
        Ok(Run { work: Box::pin(run_all(context, notes)), events: receiver, done: None })
    }

    /// Refuses when another process is at its run folder.
    ///
    /// # Errors
    /// `state`, with the name of that process.
    pub fn check_free(&self, state: Option<&std::path::Path>) -> Result<()> {
        held::check(&self.run_folder(state))
    }

    /// Where the state of its runs is kept.
    #[must_use]
    pub fn run_folder(&self, state: Option<&std::path::Path>) -> PathBuf {
        let runs = state.map_or_else(|| self.plan.folder.join(".opnode").join("runs"), std::path::Path::to_owned);
        runs.join(&self.plan.name)
    }
}

/// Everything a job's steps share.
struct JobRun<'r> {
    context: &'r Context,
    job: &'r MatrixJob,
    number: usize,
    permits: &'r Semaphore,
    watermarks: &'r Watermarks,
}

impl JobRun<'_> {
    fn place(&self, step: &Step) -> StepPlace {
        StepPlace { job: self.job.name.clone(), step: step.id.clone() }
    }
}

async fn run_all(context: Context, notes: Vec<String>) -> Done {
    let info = context.info.clone();
    context.tell(Event::Begun { run: info.run.clone(), resumed: context.resumed, started: info.started.clone() }).await;
    for message in notes {
        context.tell(Event::Note { message }).await;
    }
    tell_in_doubt(&context).await;
    tell_done(&context).await;
    let batch = Arc::clone(&context.plan);
    let permits = Semaphore::new(batch.concurrency);
    let watermarks = context.store.watermarks();
    let jobs = batch.jobs.iter().enumerate().map(|(number, job)| {
        let job_run = JobRun { context: &context, job, number, permits: &permits, watermarks: &watermarks };
        async move { (number, run_job(job_run).await) }
    });
    let jobs: Vec<_> = jobs.collect();
    let all = async { stream::iter(jobs).buffer_unordered(batch.concurrency).collect::<Vec<_>>().await };
    let hard = context.hard.clone();
    let (stop, clock) = (context.ledger.stop.clone(), Arc::clone(context.effects.clock()));
    let grace = async move {
        stop.cancelled().await;
        clock.sleep(GRACE).await;
        hard.cancel();
        std::future::pending::<()>().await;
    };
    let mut jobs = tokio::select! {
        jobs = all => jobs,
        () = grace => Vec::new(),
    };
    jobs.sort_by_key(|(number, _)| *number);
    let steps: Vec<StepReport> = jobs.into_iter().flat_map(|(_, steps)| steps).collect();
    let report = conclude(&context, steps).await;
    Done { context, report }
}

/// Makes everything safe that was noted, and makes the report.
async fn conclude(context: &Context, steps: Vec<StepReport>) -> Report {
    let info = &context.info;
    let finished =
        steps.iter().all(|s| matches!(s.status, StepStatus::Done | StepStatus::Partial | StepStatus::Skipped));
    let mut report = Report {
        run: info.run.clone(),
        name: info.name.clone(),
        started: info.started.clone(),
        ended: now(),
        resumed: context.resumed,
        finished,
        steps,
        error: None,
    };
    if context.ledger.stop.is_cancelled() && !finished {
        report.error = Some(stopped());
    }
    let text = serde_json::to_vec_pretty(&report).unwrap_or_default();
    // When the report cannot be kept, the run does not end, and goes on here instead of beginning anew.
    let reported = context.store.keep_report(&text);
    let kept = context.ledger.commit(Vec::new(), Vec::new()).await;
    if let Err(error) = reported.and(kept) {
        report.finished = false;
        report.error = Some(error);
    }
    report
}

/// The steps of one job.
async fn run_job(job_run: JobRun<'_>) -> Vec<StepReport> {
    let JobRun { context, job, .. } = job_run;
    let batch = &context.plan;
    let mut reports: Vec<Option<StepReport>> = batch.steps.iter().map(|_| None).collect();
    let mut begun = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    let mut broken = false;
    loop {
        let ended = |number: usize| reports.get(number).is_some_and(Option::is_some);
        let next = if broken { Vec::new() } else { decide::ready(batch, &begun, ended) };
        for number in next {
            let Some(step) = batch.steps.get(number).filter(|_| !context.ledger.stop.is_cancelled()) else { break };
            begun.insert(number);
            let job_run = &job_run;
            running.push(async move { (number, run_step(job_run, number, step).await) });
        }
        let Some((number, report)) = running.next().await else { break };
        broken |= matches!(report.status, StepStatus::Failed);
        if let Some(place) = reports.get_mut(number) {
            *place = Some(report);
        }
    }
    let unfinished = reports.iter().any(Option::is_none) || broken;
    if !unfinished && let Err(error) = finish_job(&job_run).await {
        let last = reports.last_mut().and_then(Option::as_mut);
        if let Some(report) = last {
            report.status = StepStatus::Failed;
            report.error = Some(error);
        }
    }
    let blank = |step: &Step| StepReport {
        name: StepName { job: job.name.clone(), step: step.id.clone() },
        operation: step.operation.id.clone(),
        status: StepStatus::NotBegun,
        earlier: false,
        complete: None,
        counts: StepCounts::default(),
        saved: None,
        failures: None,
        error: None,
    };
    reports.into_iter().zip(&batch.steps).map(|(report, step)| report.unwrap_or_else(|| blank(step))).collect()
}

/// Keeps the job's watermarks, and then notes that the job is done.
async fn finish_job(job_run: &JobRun<'_>) -> Result<()> {
    let JobRun { context, job, .. } = job_run;
    let (done, seen) = {
        let state: std::sync::MutexGuard<'_, RunState> = context.ledger.state();
        let marked = context.plan.steps.iter().filter(|s| s.watermark.is_some()).map(|s| s.key(job));
        let seen: Watermarks =
            marked.filter_map(|key| state.steps.get(&key)?.mark.clone().map(|mark| (key.clone(), mark))).collect();
        (state.jobs.contains(&job.name), seen)
    };
    if done {
        return Ok(());
    }
    if !seen.is_empty() {
        context.store.store_watermarks(&job.name, seen)?;
    }
    context.ledger.commit(vec![Fact::Job { job: job.name.clone() }], Vec::new()).await
}

/// One step of a job, from wherever it was.
async fn run_step(job_run: &JobRun<'_>, number: usize, step: &Step) -> StepReport {
    let JobRun { context, job, permits, .. } = job_run;
    let key = step.key(job);
    let name = StepName { job: job.name.clone(), step: step.id.clone() };
    let earlier = context.ledger.state().step(&key);
    // A job that is done is done, also within a run that tries failed items again.
    let is_over = {
        let state = context.ledger.state();
        state.again && state.jobs.contains(&job.name)
    };
    let again = context.retry_failed && !earlier.failed.is_empty() && !is_over;
    let is_done = earlier.done && earlier.saved && !again;
    let ended = match permits.acquire().await {
        Ok(_permit) if is_done => Ok(match target(job_run, step) {
            Some(Ok(save::Place::File(path, _))) => Some(path.display().to_string()),
            _ => None,
        }),
        Ok(_permit) => {
            context.tell(Event::StepBegun { step: name.clone() }).await;
            execute(job_run, number, step, key.clone(), &earlier, again).await
        }
        Err(closed) => Err(Error::new(ErrorKind::Internal, format!("the run's permits are closed: {closed}"))),
    };
    let report = report(job_run, step, &key, name, ended, is_done);
    context.tell(Event::StepEnded(report.clone())).await;
    report
}

fn target(job_run: &JobRun<'_>, step: &Step) -> Option<Result<save::Place>> {
    let batch = &job_run.context.plan;
    let save = step.save.as_ref()?;
    Some(save::target(save, &base_scope(job_run), &batch.folder))
}

fn base_scope(job_run: &JobRun<'_>) -> Scope {
    let (context, batch) = (job_run.context, &job_run.context.plan);
    run_values::scope(&batch.vars, context.effects.environment(), job_run.job, &context.info.run, &batch.name)
}

/// What the step's expressions see.
fn scope(job_run: &JobRun<'_>, number: usize, step: &Step, key: &str) -> Scope {
    let (context, batch) = (job_run.context, &job_run.context.plan);
    let mut scope = base_scope(job_run);
    let state = context.ledger.state();
    let view = |needed: &Step| {
        let done = state.step(&needed.key(job_run.job));
        let place = job_run.place(needed);
        let rows = StepRows::new(Arc::clone(&context.store), place, done.marks.all().into());
        StepView { rows: Arc::new(rows), receipt: done.receipt.to_string().into() }
    };
    let earlier = batch.steps.iter().take(number).enumerate().filter(|(n, _)| step.needs.contains(n));
    scope.steps = Arc::new(earlier.map(|(_, s)| (s.id.clone(), view(s))).collect());
    scope.watermark = step.watermark.as_ref().map(|w| {
        let kept = job_run.watermarks.get(key).map(watermark::Mark::json);
        Arc::from(kept.unwrap_or_else(|| w.start.clone()))
    });
    scope
}

/// Does what is left of a step. Gives the file with its rows.
async fn execute(
    job_run: &JobRun<'_>,
    number: usize,
    step: &Step,
    key: String,
    earlier: &StepState,
    again: bool,
) -> Result<Option<String>> {
    let JobRun { context, job, .. } = job_run;
    context.check_stop()?;
    let scope = scope(job_run, number, step, &key);
    if !earlier.done || again {
        let skipped = match &step.when {
            Some(when) if !again => !when.truth(&scope)?,
            _ => false,
        };
        if skipped {
            context.store.clear(&job_run.place(step))?;
            let (receipt, extent) = (serde_json::Value::Null, Extent::default());
            let fact = Fact::Done { step: key.clone(), skipped, items_in: 0, extent, tally: Usage::default(), receipt };
            let facts = vec![fact, Fact::Saved { step: key }];
            context.ledger.commit(facts, Vec::new()).await?;
            return Ok(None);
        }
        let connection = step.connections.get(job_run.number);
        let missing = || Error::new(ErrorKind::Internal, format!("the step {} has no connection", step.id));
        let connection = connection.ok_or_else(missing)?;
        if !earlier.started {
            context.ledger.note(vec![Fact::Started { step: key.clone() }], Vec::new());
        }
        let task = Task { context, step, job, key: key.clone(), connection, scope, place: job_run.place(step) };
        match step.method {
            Method::Query => read::run(&task).await?,
            Method::Mutate | Method::Delete => send::run(&task).await?,
        }
    }
    finish_step(job_run, step, key).await
}

/// Puts the rows into their place, and the failures into theirs.
async fn finish_step(job_run: &JobRun<'_>, step: &Step, key: String) -> Result<Option<String>> {
    let context = job_run.context;
    let state = context.ledger.state().step(&key);
    let at = job_run.place(step);
    let lost = context.store.settle_failures(&at, &state.failed.union(&state.unknown).copied().collect())?;
    if lost > 0 {
        let (shown, _) = context.store.failures_shown(&at);
        let message =
            format!("{key}: {shown} was changed: {lost} of the items that did not succeed are not in it any more");
        context.tell(Event::Note { message }).await;
    }
    let mut saved = None;
    if let (Some(save), Some(place)) = (&step.save, target(job_run, step)) {
        let place = place?;
        let name = StepName { job: job_run.job.name.clone(), step: step.id.clone() };
        if let Some(note) = save::write(
            context.store.rows(&at, state.marks.all().into())?,
            &place,
            &save.columns,
            &|| context.effects.stdout(),
            &|| context.check_stop(),
        )? {
            context.tell(Event::Note { message: format!("{name}: {note}") }).await;
        }
        if let save::Place::File(path, _) = place {
            let path = path.display().to_string();
            context.tell(Event::Saved { step: name, path: path.clone() }).await;
            saved = Some(path);
        }
    }
    context.ledger.commit(vec![Fact::Saved { step: key }], Vec::new()).await?;
    Ok(saved)
}

fn report(
    job_run: &JobRun<'_>,
    step: &Step,
    key: &str,
    name: StepName,
    ended: Result<Option<String>>,
    earlier: bool,
) -> StepReport {
    let state = job_run.context.ledger.state().step(key);
    let outcomes = state.counts();
    let items_in =
        if state.done { state.items_in } else { state.items.max(outcomes.ok + outcomes.failed + outcomes.unknown) };
    let counts = StepCounts {
        items_in,
        items_out: state.extent().rows,
        failed: outcomes.failed,
        unknown: outcomes.unknown,
        usage: state.tally,
    };
    let bad = outcomes.failed + outcomes.unknown;
    let all = if reads_elements(step) { state.element } else { items_in };
    let (failures, kept) = job_run.context.store.failures_shown(&job_run.place(step));
    let (status, saved, error) = match ended {
        Err(error) => (
            StepStatus::Failed,
            None,
            Some(error.with(|d| {
                d.message = format!("{name}: {}", d.message);
                d.operation.get_or_insert_with(|| step.operation.id.clone());
            })),
        ),
        Ok(_) if state.skipped => (StepStatus::Skipped, None, None),
        Ok(saved) if bad > 0 => (StepStatus::Partial, saved, Some(bad_items(step, &name, &outcomes, all))),
        Ok(saved) => (StepStatus::Done, saved, None),
    };
    let failures = (bad > 0 && kept).then_some(failures);
    let complete = state.receipt.get("complete").and_then(serde_json::Value::as_bool);
    StepReport { name, operation: step.operation.id.clone(), status, earlier, complete, counts, saved, failures, error }
}
