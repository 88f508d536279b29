//! A run: jobs in parallel, steps in order or as far as they are independent. Always ends with a report.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::{Semaphore, mpsc};

use super::job::{JobRun, run_job};
use super::{run_values, save};
use crate::batch::event::{Event, Report, StepReport, StepStatus};
use crate::batch::run_plan::Batch;
use crate::batch::step::{Context, RunLedger, stopped, tell_done, tell_in_doubt};
use crate::error::{Error, ErrorKind, Result};
use crate::real_path::real_path;
use crate::run_store::{Beginning, Fact, Folder, INFO_VERSION, Opened, RunInfo, check_free, now, run_id};
use crate::send::Cancel;

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
    /// Resume although the batch or its definitions have changed since the run started.
    pub accept_changes: bool,
    /// Send only the failed items of the last run.
    pub retry_failed: bool,
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
    context: Context,
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
    /// Locks the run folder and starts a run, or resumes an unfinished one.
    ///
    /// # Errors
    /// `state` when another process holds the folder, the disk fails, the journal is damaged, or the inputs of the run
    /// have changed; `usage` when there is nothing to retry.
    pub fn run(self: Arc<Self>, options: RunOptions) -> Result<Run> {
        let root = self.run_folder(options.state.as_deref());
        self.refuse_results_in(&root)?;
        let info = RunInfo {
            version: INFO_VERSION,
            run: run_id(),
            name: self.plan.name.clone(),
            file: self.plan.file.clone(),
            started: now(),
            host: options.host.clone(),
            pid: std::process::id(),
            opnode: env!("CARGO_PKG_VERSION").to_owned(),
            planned_steps: (self.plan.jobs.len() * self.plan.steps.len()) as u64,
            fingerprints: self.plan.fingerprints.clone(),
        };
        let beginning = Beginning {
            fresh: options.fresh,
            accept_changes: options.accept_changes,
            retry_failed: options.retry_failed,
        };
        let outline = self.plan.outline();
        let Opened { store, info, state, resumed, notes } = Folder::open(&root, &outline, info, beginning)?;
        // A run that was killed while it retried failed items continues with that.
        let retry_failed = options.retry_failed || state.again;
        let (events, receiver) = mpsc::channel(EVENTS);
        let ledger = Arc::new(RunLedger::new(Arc::clone(&store), state, options.cancel.clone()));
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

    /// Refuses results that would be written among the files of the run.
    fn refuse_results_in(&self, root: &Path) -> Result<()> {
        let inside = |path: &Path| real_path(path).starts_with(real_path(root));
        for (job, step) in self.plan.jobs.iter().flat_map(|job| self.plan.steps.iter().map(move |step| (job, step))) {
            let Some(save) = &step.save else { continue };
            let scope = run_values::scope(&self.plan.vars, self.effects.environment(), job, "RUN", &self.plan.name);
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
        check_free(&self.run_folder(state))
    }

    /// The folder with the state of its runs.
    #[must_use]
    pub fn run_folder(&self, state: Option<&std::path::Path>) -> PathBuf {
        let runs = state.map_or_else(|| self.plan.folder.join(".opnode").join("runs"), std::path::Path::to_owned);
        runs.join(&self.plan.name)
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

/// Makes all recorded facts durable, and creates the report.
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
    // If the report cannot be stored, the run does not end, and resumes here instead of starting over.
    let reported = context.store.keep_report(&text);
    let kept = context.ledger.commit(Vec::new(), Vec::new()).await;
    if let Err(error) = reported.and(kept) {
        report.finished = false;
        report.error = Some(error);
    }
    report
}
