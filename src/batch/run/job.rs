//! One job of a run: starts, resumes or skips its steps in order, and reports them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;

use super::run_values::{self, StepRows};
use super::save;
use crate::batch::event::{Event, StepCounts, StepName, StepReport, StepStatus};
use crate::batch::run_plan::{MatrixJob, Step};
use crate::batch::step::{Context, Task, bad_items, decide, read, reads_elements, send};
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::{Scope, StepView};
use crate::json_text::text_of;
use crate::receipt::Usage;
use crate::run_store::{Extent, Fact, Mark, RunState, StepPlace, StepState, Watermarks};

/// Context that a job's steps share.
pub(super) struct JobRun<'r> {
    pub(super) context: &'r Context,
    pub(super) job: &'r MatrixJob,
    pub(super) number: usize,
    pub(super) permits: &'r Semaphore,
    pub(super) watermarks: &'r Watermarks,
}

impl JobRun<'_> {
    fn place(&self, step: &Step) -> StepPlace {
        StepPlace { job: self.job.name.clone(), step: step.id.clone() }
    }
}

/// The steps of one job.
pub(super) async fn run_job(job_run: JobRun<'_>) -> Vec<StepReport> {
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
        broken |= matches!(report.status, StepStatus::Failed | StepStatus::Stopped);
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
        status: StepStatus::NotStarted,
        earlier: false,
        complete: None,
        counts: StepCounts::default(),
        saved: None,
        failures: None,
        error: None,
    };
    reports.into_iter().zip(&batch.steps).map(|(report, step)| report.unwrap_or_else(|| blank(step))).collect()
}

/// Stores the job's watermarks, and then records that the job is done.
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

/// One step of a job, from its current state.
async fn run_step(job_run: &JobRun<'_>, number: usize, step: &Step) -> StepReport {
    let JobRun { context, job, permits, .. } = job_run;
    let key = step.key(job);
    let name = StepName { job: job.name.clone(), step: step.id.clone() };
    let earlier = context.ledger.state().step(&key);
    // A finished job stays finished, also in a run that retries failed items.
    let is_over = {
        let state = context.ledger.state();
        state.again && state.jobs.contains(&job.name)
    };
    let again = context.retry_failed && !earlier.failed.is_empty() && !is_over;
    let is_done = earlier.done && earlier.saved && !again;
    let ended = match permits.acquire().await {
        Ok(_permit) if is_done => Ok(match target(job_run, step) {
            Some(Ok(save::SavePlace::File(path, _))) => Some(path.display().to_string()),
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

fn target(job_run: &JobRun<'_>, step: &Step) -> Option<Result<save::SavePlace>> {
    let batch = &job_run.context.plan;
    let save = step.save.as_ref()?;
    Some(save::target(save, &base_scope(job_run), &batch.folder))
}

fn base_scope(job_run: &JobRun<'_>) -> Scope {
    let (context, batch) = (job_run.context, &job_run.context.plan);
    run_values::scope(&batch.vars, context.effects.environment(), job_run.job, &context.info.run, &batch.name)
}

/// How far a step has come, as in reports.
fn status(step: &StepState) -> &'static str {
    match () {
        () if step.skipped => "skipped",
        () if step.done && step.failed.is_empty() && step.unknown.is_empty() => "done",
        () if step.done => "partial",
        () if step.started => "failed",
        () => "not_started",
    }
}

/// The scope of the step's expressions.
fn scope(job_run: &JobRun<'_>, number: usize, step: &Step, key: &str) -> Scope {
    let (context, batch) = (job_run.context, &job_run.context.plan);
    let mut scope = base_scope(job_run);
    let state = context.ledger.state();
    let view = |needed: &Step| {
        let done = state.step(&needed.key(job_run.job));
        let place = job_run.place(needed);
        let rows = StepRows::new(Arc::clone(&context.store), place, done.marks.all().into());
        let kept = done.kept.iter().map(|(name, json)| (name.clone(), json.as_str().into())).collect();
        StepView {
            rows: Arc::new(rows),
            receipt: done.receipt.to_string().into(),
            kept: Arc::new(kept),
            status: text_of(status(&done)).into(),
            counts: serde_json::to_string(&done.counts()).unwrap_or_else(|_| "null".to_owned()).into(),
            ..StepView::default()
        }
    };
    let earlier = batch.steps.iter().take(number).enumerate().filter(|(n, _)| step.needs.contains(n));
    scope.steps = Arc::new(earlier.map(|(_, s)| (s.id.clone(), view(s))).collect());
    scope.watermark = step.watermark.as_ref().map(|w| {
        let kept = job_run.watermarks.get(key).map(Mark::json);
        Arc::from(kept.unwrap_or_else(|| w.start.clone()))
    });
    scope
}

/// Runs the rest of a step. Returns the file with its rows.
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
        let (place, noted) = (job_run.place(step), Mutex::default());
        let task = Task { context, step, job, key: key.clone(), connection, scope, place, noted };
        match step.method {
            Method::Query => read::run(&task).await?,
            Method::Mutate | Method::Delete => send::run(&task).await?,
        }
    }
    finish_step(job_run, step, key).await
}

/// Writes the rows and the failures to their files.
async fn finish_step(job_run: &JobRun<'_>, step: &Step, key: String) -> Result<Option<String>> {
    let context = job_run.context;
    let state = context.ledger.state().step(&key);
    let at = job_run.place(step);
    let lost = context.store.settle_failures(&at, &state.failed.union(&state.unknown).copied().collect())?;
    if lost > 0 {
        let (shown, _) = context.store.failures_shown(&at);
        let message =
            format!("{key}: {shown} has changed: {lost} of the items that did not succeed are no longer in it");
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
        if let save::SavePlace::File(path, _) = place {
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
            if error.kind() == ErrorKind::Cancelled { StepStatus::Stopped } else { StepStatus::Failed },
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
