//! A run: jobs in parallel, steps in order or as far as they are independent. Always ends with a report.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::{Semaphore, mpsc};
use tracing::{Instrument as _, Span};

use super::job::run_job;
use super::job_run::JobRun;
use super::{run_values, save};
use crate::batch::event::{Archived, Event, JobBegun, JobReport, Report, StepReport, StepStatus};
use crate::batch::run_plan::{Batch, MAIN, MatrixJob};
use crate::batch::step::{Context, Outages, RunLedger, stopped, tell_done, tell_in_doubt};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::real_path::real_path;
use crate::run_store::{
    ArchivedRun, Asked, INFO_VERSION, JobStart, LockedFolder, NewRun, Opened, ResumePolicy, RunInfo, RunOutline,
    RunState, check_free, now, refuse_unfinished, run_id, seconds, starts,
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
    /// Stop before this step.
    pub until: Option<String>,
    /// Stops the run: no further request, those in flight get a moment to finish, the state is kept.
    pub cancel: Cancel,
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
        let told = tell(&report);
        for context in &contexts {
            let is_finished = told.is_ok() && report.is_job_finished(&context.job().name);
            if let Err(error) = context.conclude(is_finished, report.kind_of(&context.job().name)).await {
                report.finished = false;
                report.error = Some(error);
            }
        }
        if let Err(error) = told {
            report.finished = false;
            report.error = Some(error);
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
        let root = self.run_folder(options.state.as_deref());
        self.refuse_results_in(&root)?;
        let until = options.until.as_deref().map(|id| self.step_number(id)).transpose()?;
        let opened = self.open_jobs(&root, &options)?;
        let (events, receiver) = mpsc::channel(EVENTS);
        let (hard, outages) = (Cancel::default(), Arc::new(Outages::default()));
        let deadline = self.plan.timeout.map(|timeout| self.effects.clock().now() + timeout);
        let (mut contexts, mut begun, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (start, opened)) in opened.into_iter().enumerate() {
            let Opened { store, info, state, archived, notes: own } = opened;
            notes.extend(own);
            begun.push(self.begun(number, start, &info, &state, archived));
            // A run that was killed while it retried failed items continues with that.
            let retry_failed = state.again;
            let clock = Arc::clone(self.effects.clock());
            let ledger = Arc::new(RunLedger::new(Arc::clone(&store), state, options.cancel.clone(), clock));
            contexts.push(Context {
                plan: Arc::clone(&self.plan),
                effects: Arc::clone(&self.effects),
                number,
                store,
                info,
                start,
                ledger,
                hard: hard.clone(),
                events: events.clone(),
                retry_failed,
                outages: Arc::clone(&outages),
                deadline,
                until,
            });
        }
        let run = contexts.first().map(|context| context.info.run.as_str()).unwrap_or_default();
        let (span, name) = (run_span(&self.plan.name, run), self.plan.name.clone());
        let work = run_all(contexts, begun, notes, options.cancel).instrument(span.clone());
        let work = Box::pin(async move {
            let done = work.await;
            run_ended(&span, &name, done.report.check().err().map(|error| error.kind()));
            done
        });
        Ok(Run { work, events: receiver, done: None })
    }

    /// Locks the folder of each job, decides how each starts, and opens it.
    fn open_jobs(&self, root: &Path, options: &RunOptions) -> Result<Vec<(JobStart, Opened)>> {
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
        };
        let states = locked.iter().map(|folder| if asked.fresh { Ok(None) } else { folder.state() });
        let states = states.collect::<Result<Vec<Option<&RunState>>>>()?;
        let jobs: Vec<_> = outlines.iter().zip(states).collect();
        let starts = starts(&jobs, asked, seconds(wall))?;
        let run = run_id(wall);
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
            left: old.left,
            folder: old.folder.display().to_string(),
        });
        JobBegun {
            job: name,
            run: info.run.clone(),
            started: info.started.clone(),
            is_resumed: start == JobStart::Resume,
            is_left: start == JobStart::Leave,
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

    /// The number of a step.
    fn step_number(&self, id: &str) -> Result<usize> {
        let ids = || self.plan.steps.iter().map(|step| step.id.as_str());
        ids().position(|own| own == id).ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("there is no step `{id}`{}", did_you_mean(id, ids())))
                .advise(format!("the steps are {}", ids().collect::<Vec<_>>().join(", ")))
        })
    }

    /// Refuses results that would be written among the files of the run.
    fn refuse_results_in(&self, root: &Path) -> Result<()> {
        let inside = |path: &Path| real_path(path).starts_with(real_path(root));
        for (job, step) in self.plan.jobs.iter().flat_map(|job| self.plan.steps.iter().map(move |step| (job, step))) {
            let Some(save) = &step.save else { continue };
            let scope = run_values::scope(
                (&self.plan.vars, &self.plan.inputs),
                self.effects.environment(),
                job,
                "RUN",
                &self.plan.name,
            );
            if let Ok(save::SavePlace::File(path, _)) = save::target(save, &scope, &self.plan.folder)
                && inside(&path)
            {
                let message = format!("{}: {} is in the folder of the run", step.id, path.display());
                return Err(Error::new(ErrorKind::Usage, message).advise("save to a file outside of this folder"));
            }
        }
        Ok(())
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

async fn run_all(contexts: Vec<Context>, begun: Vec<JobBegun>, notes: Vec<String>, stop: Cancel) -> Done {
    let Some(first) = contexts.first() else { return Done { contexts, report: Report::default() } };
    let (plan, clock) = (Arc::clone(&first.plan), Arc::clone(first.effects.clock()));
    let since = clock.now();
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
    let report = conclude(&contexts, steps, elapsed_ms, stop.is_cancelled()).await;
    Done { contexts, report }
}

/// Makes all recorded facts durable, and creates the report.
async fn conclude(contexts: &[Context], steps: Vec<StepReport>, elapsed_ms: u64, is_stopped: bool) -> Report {
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
        resumed: jobs.iter().any(|job| job.resumed),
        finished: jobs.iter().all(|job| job.finished),
        jobs,
        steps,
        error: None,
    };
    if is_stopped && !report.finished {
        report.error = Some(stopped());
    }
    for context in contexts {
        let text = serde_json::to_vec_pretty(&report.of_job(&context.job().name)).unwrap_or_default();
        // If the report cannot be stored, the run does not end, and resumes here instead of starting over.
        let reported = context.store.keep_report(&text);
        let kept = context.ledger.commit(Vec::new(), Vec::new()).await;
        if let Err(error) = reported.and(kept) {
            report.finished = false;
            report.jobs.iter_mut().filter(|job| job.job == context.job().name).for_each(|job| job.finished = false);
            report.error = Some(error);
        }
    }
    report
}
