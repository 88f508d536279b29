//! A run: jobs side by side, steps in order, one after the other or as far as they do not need each other. Ends with a report, however it ends.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::{Semaphore, mpsc};

use super::job::{JobRun, run_job};
use crate::batch::event::{Event, Report, StepReport, StepStatus};
use crate::batch::run_plan::Batch;
use crate::batch::step::{Context, Ledger, stopped, tell_done, tell_in_doubt};
use crate::error::Result;
use crate::run_store::{Beginning, Fact, Folder, INFO_VERSION, Opened, RunInfo, check_free, now, run_id};
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
            version: INFO_VERSION,
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
        check_free(&self.run_folder(state))
    }

    /// Where the state of its runs is kept.
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
