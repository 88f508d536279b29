//! A run: jobs in parallel, steps in order or as far as they are independent. Always ends with a report.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::{Semaphore, mpsc};
use tracing::{Instrument as _, Span};

use super::job::run_job;
use super::job_run::JobRun;
use super::run_values;
use super::save_step::refuse_run_folder;
use crate::batch::event::{Archived, Event, JobBegun, JobReport, Report, StepReport, StepStatus, shown_id};
use crate::batch::item_key::ItemKey;
use crate::batch::log;
use crate::batch::row_source::MAIN;
use crate::batch::run_plan::{Batch, MatrixJob};
use crate::batch::step::{Context, Outages, RunLedger, stopped, tell_done, tell_in_doubt};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::run_store::{
    ArchivedRun, Asked, INFO_VERSION, JobStart, LockedFolder, NewRun, Opened, ResumePolicy, RunInfo, RunOutline,
    RunState, StepPlace, check_free, now, refuse_unfinished, run_id, seconds, starts,
};
use crate::send::Cancel;
use crate::telemetry::{job_span, run_ended, run_span};

/// How long requests in flight may continue after a stop.
const GRACE: Duration = Duration::from_millis(700);
/// Maximum number of queued events.
const EVENTS: usize = 256;

/// Options of a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The folder of run folders; default: `.opnode/runs` beside the batch file.
    pub state: Option<PathBuf>,
    /// Start over, and archive an unfinished run.
    pub fresh: bool,
    /// Overrides `run: { resume }` of the batch file.
    pub resume: Option<ResumePolicy>,
    /// Resume although the batch or its definitions have changed since the run started.
    pub accept_changes: bool,
    /// Only go on with jobs that have failed items, whatever the policy.
    pub retry_failed: bool,
    /// With `retry_failed`: only these of the failed items.
    pub only: Option<BTreeSet<ItemKey>>,
    /// Stop before this step.
    pub until: Option<String>,
    /// Stops the run: no further request, those in flight get a moment to finish, the state is kept.
    pub cancel: Cancel,
    /// The exit code of this process once a signal has stopped it, such as 143; 0 before. It is stored with the run.
    pub signal: Arc<AtomicU8>,
    /// The name of this machine, shown to other processes that want the run's lock.
    pub host: String,
}

/// A run in progress. It advances while [`next`](Self::next) or [`finish`](Self::finish) is polled.
///
/// A run whose steps are all done ends only after its report was delivered: [`finish`](Self::finish) takes a function
/// for that. If a process is killed before then, or drops the run, the next run repeats no step, delivers the report
/// again and ends. If the end were recorded first, a supervisor that restarts the batch would start a new run, which
/// sends everything again.
pub struct Run {
    work: Pin<Box<dyn Future<Output = Done> + Send>>,
    events: mpsc::Receiver<Event>,
    done: Option<Done>,
    signal: Arc<AtomicU8>,
}

/// A run that has done its work and still holds its folder.
struct Done {
    contexts: Vec<Context>,
    report: Report,
}

impl Run {
    /// The next event; `None` when only [`finish`](Self::finish) is left.
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

    /// Runs to the end, as a part of another run; `pass` gets the rows of a step.
    pub(in crate::batch) async fn finish_part(
        mut self,
        step: Option<&str>,
        pass: &mut (dyn for<'r> FnMut(&'r str) + std::marker::Send),
    ) -> Report {
        while self.next().await.is_some() {}
        if let (Some(id), Some(done)) = (step, &self.done) {
            let passed = done.contexts.iter().try_for_each(|context| pass_rows(context, id, pass));
            if let Err(error) = passed {
                let mut report = self.finish(|_| Ok(())).await;
                report.error.get_or_insert(error);
                return report;
            }
        }
        self.finish(|_| Ok(())).await
    }

    /// Runs to the end. `tell` receives the report and delivers it; then the end of the run is recorded, if nothing is
    /// left to do.
    ///
    /// The returned report differs from the delivered one only if `tell` failed or the end could not be recorded: it
    /// contains that error, and the next run repeats nothing, delivers the report and ends this one.
    pub async fn finish(mut self, tell: impl FnOnce(&Report) -> Result<()>) -> Report {
        while self.next().await.is_some() {}
        let Done { contexts, mut report } = match self.done {
            Some(done) => done,
            None => self.work.await,
        };
        let signal = self.signal.load(Ordering::SeqCst);
        let before: Vec<u8> = contexts.iter().map(|c| report.of_job(&c.job().name, signal).exit_code).collect();
        let told = tell(&report);
        for context in &contexts {
            let is_finished = told.is_ok() && report.is_job_finished(&context.job().name);
            if let Err(error) = context.conclude(is_finished, report.kind_of(&context.job().name)).await {
                report.unfinish(Some(&context.job().name), error);
            }
        }
        if let Err(error) = told {
            report.unfinish(None, error);
        }
        report.set_exit_code(signal);
        for (context, before) in contexts.iter().zip(before) {
            let own = report.of_job(&context.job().name, signal);
            if own.exit_code != before {
                // The report of the run is not worse than before if this fails.
                let _best_effort = context.store.keep_report(&serde_json::to_vec_pretty(&own).unwrap_or_default());
            }
            context.log(|at| Some((log::ended(&own, at), true)));
        }
        report
    }
}

impl Batch {
    /// Locks the run folders of all jobs, and begins or resumes the run of each.
    ///
    /// # Errors
    /// `state` when another process holds a folder, the disk fails, a journal is damaged, or the inputs of an unfinished
    /// run have changed; `usage` when there is nothing to retry, or there is no step to stop before.
    pub fn run(self: Arc<Self>, options: RunOptions) -> Result<Run> {
        self.run_as(options, None)
    }

    /// The same as a part of the run with this id: continues its own part, and leaves those of others.
    pub(in crate::batch) fn run_part(self: Arc<Self>, options: RunOptions, run: &str) -> Result<Run> {
        self.run_as(options, Some(run))
    }

    fn run_as(self: Arc<Self>, options: RunOptions, part_of: Option<&str>) -> Result<Run> {
        let root = self.run_folder(options.state.as_deref());
        self.refuse_results_in(&root)?;
        let until = options.until.as_deref().map(|id| self.step_number(id)).transpose()?;
        let opened = self.open_jobs(&root, &options, part_of)?;
        let (events, receiver) = mpsc::channel(EVENTS);
        let (hard, outages) = (Cancel::default(), Arc::new(Outages::default()));
        let only = options.only.clone().map(Arc::new);
        let deadline = self.plan.timeout.map(|timeout| self.effects.clock().now() + timeout);
        let (mut contexts, mut begun, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (start, opened)) in opened.into_iter().enumerate() {
            let Opened { store, info, state, archived, notes: own } = opened;
            notes.extend(own);
            begun.push(self.begun(number, start, &info, &state, archived));
            // Also those of steps that were done while another one was not; but not if only the end is left to report.
            let retry_failed = start == JobStart::Resume && (state.again || !self.plan.outline(number).is_done(&state));
            let clock = Arc::clone(self.effects.clock());
            let ledger = Arc::new(RunLedger::new(Arc::clone(&store), state, options.cancel.clone(), clock));
            contexts.push(Context {
                plan: Arc::clone(&self.plan),
                effects: Arc::clone(&self.effects),
                number,
                store,
                root: root.clone(),
                info,
                start,
                ledger,
                hard: hard.clone(),
                events: events.clone(),
                retry_failed,
                only: only.clone(),
                accept_changes: options.accept_changes,
                outages: Arc::clone(&outages),
                deadline,
                until,
            });
        }
        let stop = StopSignal { cancel: options.cancel, code: Arc::clone(&options.signal) };
        let run = contexts.first().map(|context| context.info.run.as_str()).unwrap_or_default();
        let (span, name) = (run_span(&self.plan.name, run), self.plan.name.clone());
        let work = run_all(contexts, begun, notes, stop).instrument(span.clone());
        let work = Box::pin(async move {
            let done = work.await;
            run_ended(&span, &name, done.report.check().err().map(|error| error.kind()));
            done
        });
        Ok(Run { work, events: receiver, done: None, signal: options.signal })
    }

    /// Locks the folder of each job, decides how each starts, and opens it.
    fn open_jobs(&self, root: &Path, options: &RunOptions, part_of: Option<&str>) -> Result<Vec<(JobStart, Opened)>> {
        let wall = self.effects.clock().wall();
        self.refuse_earlier_layout(root)?;
        let outlines: Vec<RunOutline> = (0..self.plan.jobs.len()).map(|number| self.plan.outline(number)).collect();
        let folders: Vec<PathBuf> = self.plan.jobs.iter().map(|job| job.folder(root)).collect();
        let locked = folders.iter().map(|folder| LockedFolder::hold(folder, &options.host, now(wall)));
        let locked = locked.collect::<Result<Vec<LockedFolder>>>()?;
        let asked = Asked {
            policy: options.resume.unwrap_or(self.plan.resume),
            fresh: options.fresh,
            retry_failed: options.retry_failed,
            part_of,
        };
        let states = locked.iter().map(|folder| if asked.fresh { Ok(None) } else { folder.state() });
        let states = states.collect::<Result<Vec<Option<&RunState>>>>()?;
        let jobs: Vec<_> = outlines.iter().zip(states).collect();
        let mut starts = starts(&jobs, asked, seconds(wall))?;
        if let Some(only) = &options.only {
            // The other jobs stay as they are.
            let is_named = |job: &MatrixJob| only.iter().any(|item| item.job == job.name);
            let others = starts.iter_mut().zip(&self.plan.jobs).filter(|(_, job)| !is_named(job));
            others.filter(|(start, _)| **start == JobStart::Resume).for_each(|(start, _)| *start = JobStart::Leave);
        }
        let run = part_of.map_or_else(|| run_id(wall), str::to_owned);
        let parts = locked.into_iter().zip(starts).zip(&self.plan.jobs).zip(&outlines);
        let open = |(((folder, start), job), outline): (((LockedFolder, JobStart), &MatrixJob), &RunOutline)| {
            let info = RunInfo {
                version: INFO_VERSION,
                run: run.clone(),
                name: self.plan.name.clone(),
                job: job.name.clone(),
                file: self.plan.file.clone(),
                started: now(wall),
                host: options.host.clone(),
                pid: std::process::id(),
                opnode: env!("CARGO_PKG_VERSION").to_owned(),
                planned_steps: self.plan.steps.len() as u64,
                inputs: self.plan.inputs.clone(),
                vars: self.plan.given_vars.clone(),
                fingerprints: outline.fingerprints.clone(),
            };
            let new = NewRun { outline, info, accept_changes: options.accept_changes, now: seconds(wall) };
            Ok((start, folder.start(start, new)?))
        };
        parts.map(open).collect()
    }

    /// What is told about the start of a job.
    fn begun(
        &self,
        number: usize,
        start: JobStart,
        info: &RunInfo,
        state: &RunState,
        archived: Option<ArchivedRun>,
    ) -> JobBegun {
        let name = self.plan.jobs.get(number).map(|job| job.name.clone()).unwrap_or_default();
        let done = state.steps.values().filter(|step| step.done && step.saved).count() as u64;
        let archived = archived.zip(start.reason()).map(|(old, reason)| Archived {
            reason,
            run: old.run,
            started: old.started,
            steps_done: old.steps_done,
            has_ended: old.has_ended,
            left: old.left,
            folder: old.folder.display().to_string(),
        });
        JobBegun {
            job: name,
            run: info.run.clone(),
            started: info.started.clone(),
            is_resumed: start == JobStart::Resume,
            is_left: start == JobStart::Leave,
            is_finished: state.is_over(),
            steps_done: (done, self.plan.steps.len() as u64),
            archived,
        }
    }

    /// Runs of earlier builds kept all jobs of a matrix in one folder.
    fn refuse_earlier_layout(&self, root: &Path) -> Result<()> {
        match self.plan.jobs.iter().all(|job| job.folder(root) != root) {
            true => refuse_unfinished(root),
            false => Ok(()),
        }
    }

    /// The number of a step; of an upsert, that of its first write.
    fn step_number(&self, id: &str) -> Result<usize> {
        let shown: Vec<String> = self.plan.steps.iter().map(|step| shown_id(&step.id)).collect();
        let position = |id: &str| shown.iter().position(|own| own == id);
        let writes = ["create", "update"].iter().filter_map(|part| position(&format!("{id}.{part}"))).min();
        writes.or_else(|| position(id)).ok_or_else(|| {
            let hint = did_you_mean(id, shown.iter().map(String::as_str));
            Error::new(ErrorKind::Usage, format!("there is no step `{id}`{hint}"))
                .advise(format!("the steps are {}", shown.join(", ")))
        })
    }

    /// Refuses results that would be written among the files of the run.
    fn refuse_results_in(&self, root: &Path) -> Result<()> {
        let plan = &self.plan;
        plan.jobs.iter().try_for_each(|job| {
            let scope =
                run_values::scope((&plan.vars, &plan.inputs), self.effects.environment(), job, "RUN", &plan.name);
            plan.steps.iter().try_for_each(|step| refuse_run_folder(step, &scope, &plan.folder, root))
        })
    }

    /// Refuses if another process holds its run folder.
    ///
    /// # Errors
    /// `state`, with the name of that process.
    pub fn check_free(&self, state: Option<&std::path::Path>) -> Result<()> {
        let root = self.run_folder(state);
        self.plan.jobs.iter().try_for_each(|job| check_free(&job.folder(&root)))
    }

    /// The folder with the state of its runs.
    #[must_use]
    pub fn run_folder(&self, state: Option<&std::path::Path>) -> PathBuf {
        let runs = state.map_or_else(|| self.plan.folder.join(".opnode").join("runs"), std::path::Path::to_owned);
        runs.join(&self.plan.name)
    }
}

/// The rows of a step of a job.
fn pass_rows(context: &Context, id: &str, pass: &mut (dyn for<'r> FnMut(&'r str) + std::marker::Send)) -> Result<()> {
    let Some(step) = context.plan.steps.iter().find(|step| step.id == id) else { return Ok(()) };
    let state = context.ledger.state().step(&step.key(context.job()));
    let place = StepPlace { job: context.job().name.clone(), step: id.to_owned() };
    let mut rows = context.store.rows(&place, state.marks.all().into())?;
    while let Some(row) = rows.next_row()? {
        pass(row);
    }
    Ok(())
}

/// What stops a run from outside.
struct StopSignal {
    cancel: Cancel,
    /// The exit code for it; 0 if it is not a signal.
    code: Arc<AtomicU8>,
}

async fn run_all(contexts: Vec<Context>, begun: Vec<JobBegun>, notes: Vec<String>, signal: StopSignal) -> Done {
    let stop = signal.cancel.clone();
    let Some(first) = contexts.first() else { return Done { contexts, report: Report::default() } };
    let (plan, clock) = (Arc::clone(&first.plan), Arc::clone(first.effects.clock()));
    let since = clock.now();
    contexts.iter().zip(&begun).for_each(|(context, job)| context.log(|at| Some((log::begun(job, at), true))));
    first.tell(Event::Begun { jobs: begun }).await;
    for message in notes {
        first.tell(Event::Note { message }).await;
    }
    for context in &contexts {
        tell_in_doubt(context).await;
        tell_done(context).await;
    }
    let permits = Semaphore::new(plan.concurrency);
    let jobs: Vec<_> = contexts
        .iter()
        .map(|context| {
            let permits = &permits;
            async move {
                let watermarks = context.store.watermarks();
                // Only a job of a matrix has a span of its own.
                let is_matrix = context.job().name != MAIN;
                let span = if is_matrix { job_span(&context.job().name) } else { Span::none() };
                let job = run_job(JobRun { context, permits, watermarks: &watermarks });
                (context.number, job.instrument(span).await)
            }
        })
        .collect();
    let all = async { stream::iter(jobs).buffer_unordered(plan.concurrency).collect::<Vec<_>>().await };
    let hard = first.hard.clone();
    let (stopped, waiting) = (stop.clone(), Arc::clone(&clock));
    let grace = async move {
        stopped.cancelled().await;
        waiting.sleep(GRACE).await;
        hard.cancel();
        std::future::pending::<()>().await;
    };
    let mut jobs = tokio::select! {
        jobs = all => jobs,
        () = grace => Vec::new(),
    };
    jobs.sort_by_key(|(number, _)| *number);
    let steps: Vec<StepReport> = jobs.into_iter().flat_map(|(_, steps)| steps).collect();
    let elapsed_ms = clock.now().saturating_sub(since).as_millis() as u64;
    let report = conclude(&contexts, steps, elapsed_ms, &signal).await;
    Done { contexts, report }
}

/// Makes all recorded facts durable, and creates the report.
async fn conclude(contexts: &[Context], steps: Vec<StepReport>, elapsed_ms: u64, signal: &StopSignal) -> Report {
    let is_done = |s: &StepReport| matches!(s.status, StepStatus::Done | StepStatus::Partial | StepStatus::Skipped);
    let jobs = contexts.iter().map(|context| {
        let mut own = steps.iter().filter(|step| step.name.job == context.job().name).peekable();
        JobReport {
            job: context.job().name.clone(),
            run: context.info.run.clone(),
            started: context.info.started.clone(),
            resumed: context.start == JobStart::Resume,
            finished: own.peek().is_some() && own.all(is_done),
        }
    });
    let jobs: Vec<JobReport> = jobs.collect();
    let first = jobs.first();
    let ended = contexts.first().map(|context| now(context.effects.clock().wall())).unwrap_or_default();
    let mut report = Report {
        run: first.map(|job| job.run.clone()).unwrap_or_default(),
        name: contexts.first().map(|context| context.plan.name.clone()).unwrap_or_default(),
        started: first.map(|job| job.started.clone()).unwrap_or_default(),
        ended,
        elapsed_ms,
        exit_code: 0,
        resumed: jobs.iter().any(|job| job.resumed),
        finished: jobs.iter().all(|job| job.finished),
        jobs,
        steps,
        error: None,
    };
    if signal.cancel.is_cancelled() && !report.finished {
        report.error = Some(stopped());
    }
    let code = signal.code.load(Ordering::SeqCst);
    report.set_exit_code(code);
    for context in contexts {
        let text = serde_json::to_vec_pretty(&report.of_job(&context.job().name, code)).unwrap_or_default();
        // If the report cannot be stored, the run does not end, and resumes here instead of starting over.
        let reported = context.store.keep_report(&text);
        let kept = context.ledger.commit(Vec::new(), Vec::new()).await;
        if let Err(error) = reported.and(kept) {
            report.unfinish(Some(&context.job().name), error);
            report.set_exit_code(0);
        }
    }
    report
}
