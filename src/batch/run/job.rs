//! One job of a run: starts, resumes or skips its steps in order, and reports them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tracing::Instrument as _;

use super::job_run::JobRun;
use super::save_step::{SavedFiles, save_step, saved_before};
use super::stored_rows::base_scope;
use super::table_step::check_tables;
use super::{again, run_values, watermarks};
use crate::batch::event::{Event, StepCounts, StepName, StepReport, StepStatus};
use crate::batch::file::OnErrorFile;
use crate::batch::local_plan::LocalWork;
use crate::batch::run_plan::{Phase, Step};
use crate::batch::step::decide::{Ready, StepEnd};
use crate::batch::step::{
    Context, Task, bad_items, decide, inner, left, load, read, reads_elements, send, transform, upsert,
};
use crate::definition::Method;
use crate::error::{Error, ErrorKind, FileOwner, Result};
use crate::expression::Scope;
use crate::receipt::Usage;
use crate::run_store::{Extent, Fact, JobStart, RowStore, StepState};
use crate::step_tag;
use crate::telemetry::{StepSpan, TracedItems};

/// How long a closing step may take when the time of the run is over.
const CLOSING_TIME: Duration = Duration::from_secs(5 * 60);

/// How the steps of a job have ended, by their number.
type Ends = BTreeMap<usize, StepReport>;

/// After an unknown outcome, a step that stops at failures has not succeeded, also when a resumed run has sent the rest.
fn end_of(step: &Step, report: &StepReport) -> StepEnd {
    match report.status {
        StepStatus::Partial if report.counts.unknown > 0 && step.on_error == OnErrorFile::Stop => StepEnd::Failed,
        StepStatus::Done | StepStatus::Partial | StepStatus::Skipped => StepEnd::Usable,
        StepStatus::Failed | StepStatus::Stopped | StepStatus::NotStarted => StepEnd::Failed,
    }
}

/// The steps of one job.
pub(super) async fn run_job(job_run: JobRun<'_>) -> Vec<StepReport> {
    let context = job_run.context;
    let steps = &context.plan.steps;
    let mut ends = Ends::new();
    if let Err(error) = again::reset_closing_steps(&job_run).await {
        return steps.iter().map(|step| not_started(&job_run, step, Some(error.clone()))).collect();
    }
    let (mut begun, mut running) = (vec![false; steps.len()], FuturesUnordered::new());
    let mut is_concluded = false;
    let left_out = left_out(&job_run);
    loop {
        let is_main_over = steps.iter().enumerate().all(|(n, s)| s.phase != Phase::Main || ends.contains_key(&n));
        if is_main_over && !std::mem::replace(&mut is_concluded, true) {
            conclude_main(&job_run, &mut ends).await;
        }
        let mut has_moved = false;
        for (number, step) in steps.iter().enumerate() {
            if begun.get(number).copied().unwrap_or(true) || is_stopping(context, &ends) {
                continue;
            }
            let next = decide::ready(&context.plan, number, |n| Some(end_of(steps.get(n)?, ends.get(&n)?)));
            if next == Ready::Wait || context.until.is_some_and(|until| number >= until) {
                continue;
            }
            begun.get_mut(number).into_iter().for_each(|begun| *begun = true);
            has_moved = true;
            let closed = match next {
                _ if left_out.get(number).copied().unwrap_or(false) => Some(as_it_is(&job_run, step)),
                Ready::Blocked(needed) => Some(blocked(&job_run, step, steps.get(needed))),
                _ if step.phase == Phase::OnFailure && !has_failure(&ends) => Some(no_failure(&job_run, step)),
                Ready::Start | Ready::Wait => None,
            };
            match closed {
                Some(report) => drop(ends.insert(number, report)),
                None => {
                    let (job_run, ends) = (&job_run, ends_of(step, &ends));
                    let tag = job_run.name(step).to_string();
                    let work = async move { (number, run_step(job_run, number, step, &ends).await) };
                    running.push(step_tag::of_step(tag, work));
                }
            }
        }
        if has_moved {
            continue;
        }
        let Some((number, report)) = running.next().await else { break };
        ends.insert(number, report);
    }
    let all = steps.iter().enumerate();
    all.map(|(number, step)| ends.remove(&number).unwrap_or_else(|| not_started(&job_run, step, None))).collect()
}

/// Whether no further step starts: the run was stopped, or the files of its folder cannot be used.
fn is_stopping(context: &Context, ends: &Ends) -> bool {
    let is_of_run = |e: &Error| match e.kind() {
        ErrorKind::State => e.file_owner != Some(FileOwner::User),
        kind => kind == ErrorKind::Internal,
    };
    let is_fatal =
        |report: &StepReport| report.error.as_ref().is_some_and(is_of_run) && report.status == StepStatus::Failed;
    context.ledger.stop.is_cancelled() || ends.values().any(is_fatal)
}

/// The ends of the steps that a step names.
fn ends_of(step: &Step, ends: &Ends) -> Ends {
    let named = step.needs.iter().chain(&step.awaits);
    named.filter_map(|number| Some((*number, ends.get(number)?.clone()))).collect()
}

/// Whether a step failed, or has items that failed or are in doubt.
fn has_failure(ends: &Ends) -> bool {
    ends.values().any(|report| !matches!(report.status, StepStatus::Done | StepStatus::Skipped))
}

fn not_started(job_run: &JobRun<'_>, step: &Step, error: Option<Error>) -> StepReport {
    StepReport {
        name: job_run.name(step),
        operation: step.operation.id.clone(),
        status: StepStatus::NotStarted,
        earlier: false,
        complete: None,
        counts: StepCounts::default(),
        results: None,
        needs: None,
        saved: Vec::new(),
        partitions: Vec::new(),
        failures: None,
        error,
    }
}

/// Whether each step is left as it is: the job is finished, or only some items are sent again. Then only their steps and
/// those that use their rows run; closing steps do not report an end that a person is watching.
fn left_out(job_run: &JobRun<'_>) -> Vec<bool> {
    let context = job_run.context;
    let steps = &context.plan.steps;
    let Some(only) = context.only.as_ref() else { return vec![context.start == JobStart::Leave; steps.len()] };
    let mut left_out: Vec<bool> = Vec::new();
    for step in steps {
        let is_named = only.iter().any(|item| item.step == step.id && item.job == context.job().name);
        let uses = |needed: &usize| left_out.get(*needed) == Some(&false);
        let runs = step.phase == Phase::Main && (is_named || step.needs.iter().any(uses));
        left_out.push(!runs || context.start == JobStart::Leave);
    }
    left_out
}

/// The report of a step that does not run now.
fn as_it_is(job_run: &JobRun<'_>, step: &Step) -> StepReport {
    report(job_run, step, &step.key(job_run.job()), job_run.name(step), Ok(saved_before(job_run, step)), true)
}

/// The report of a step that cannot run because another failed.
fn blocked(job_run: &JobRun<'_>, step: &Step, needed: Option<&Step>) -> StepReport {
    StepReport { needs: needed.map(|needed| needed.id.clone()), ..not_started(job_run, step, None) }
}

/// The report of a step for failures when there are none.
fn no_failure(job_run: &JobRun<'_>, step: &Step) -> StepReport {
    StepReport { status: StepStatus::Skipped, ..not_started(job_run, step, None) }
}

/// Once all main steps have succeeded, their watermarks are stored.
async fn conclude_main(job_run: &JobRun<'_>, ends: &mut Ends) {
    let steps = &job_run.context.plan.steps;
    let is_failed = |(number, report): (&usize, &StepReport)| {
        steps.get(*number).is_none_or(|step| end_of(step, report) == StepEnd::Failed)
    };
    if ends.iter().any(is_failed) {
        return;
    }
    if let Err(error) = watermarks::finish_job(job_run).await
        && let Some(mut last) = ends.last_entry()
    {
        last.get_mut().status = StepStatus::Failed;
        last.get_mut().error = Some(error);
    }
}

/// One step of a job, from its current state.
async fn run_step(job_run: &JobRun<'_>, number: usize, step: &Step, ends: &Ends) -> StepReport {
    let JobRun { context, permits, .. } = job_run;
    let (key, name) = (step.key(job_run.job()), job_run.name(step));
    let (mut is_done, mut span) = (false, None);
    let ended = match permits.acquire().await {
        Ok(_permit) => match again::reopened(job_run, step).await {
            Ok(earlier) => {
                let again = context.retries(step, &earlier);
                is_done = earlier.done && earlier.saved && !again;
                if is_done {
                    Ok(saved_before(job_run, step))
                } else {
                    context.tell(Event::StepBegun { step: name.clone() }).await;
                    let opened = StepSpan::begin(&step.id, &step.operation.id, traced_items(step, &earlier));
                    let work = execute(job_run, (number, step), key.clone(), (&earlier, again), ends);
                    let ended = work.instrument(opened.span()).await;
                    span = Some(opened);
                    ended
                }
            }
            Err(error) => Err(error),
        },
        Err(closed) => Err(Error::new(ErrorKind::Internal, format!("the run's permits are closed: {closed}"))),
    };
    let report = report(job_run, step, &key, name, ended, is_done);
    if let Some(span) = span {
        let items = traced_items(step, &context.ledger.state().step(&key));
        let error = report.error.as_ref().map(Error::kind);
        span.end((&context.plan.name, &step.id), report.status.name(), items, error);
    }
    context.tell(Event::StepEnded(report.clone())).await;
    report
}

/// The items of a step for its trace: outcomes of a write, else rows that were read.
fn traced_items(step: &Step, state: &StepState) -> TracedItems {
    let counts = state.counts();
    let ok = match (&step.local, step.method) {
        (None, Method::Mutate | Method::Delete) => counts.ok,
        (Some(_), _) | (None, Method::Query) => state.items.max(state.items_in),
    };
    TracedItems { ok, failed: counts.failed, unknown: counts.unknown }
}

/// The scope of the step's expressions.
fn scope(job_run: &JobRun<'_>, number: usize, step: &Step, key: &str, ends: &Ends) -> Scope {
    let (context, batch) = (job_run.context, &job_run.context.plan);
    let mut scope = base_scope(job_run);
    let state = context.ledger.state();
    let view = |number: usize, needed: &Step| {
        let known = state.step(&needed.key(job_run.job()));
        let store: Arc<dyn RowStore> = Arc::clone(&context.store) as Arc<dyn RowStore>;
        run_values::step_view(store, job_run.place(needed), &known, ends.get(&number))
    };
    let is_named = |number: &usize| step.needs.contains(number) || step.awaits.contains(number);
    let earlier = batch.steps.iter().take(number).enumerate().filter(|(number, _)| is_named(number));
    scope.steps = Arc::new(earlier.map(|(number, s)| (s.id.clone(), view(number, s))).collect());
    scope.watermark = step.watermark.as_ref().map(|w| Arc::from(w.begin(job_run.watermarks.get(key))));
    scope
}

/// Runs the rest of a step. Returns the files with its rows.
async fn execute(
    job_run: &JobRun<'_>,
    (number, step): (usize, &Step),
    key: String,
    (earlier, again): (&StepState, bool),
    ends: &Ends,
) -> Result<SavedFiles> {
    let (context, job) = (job_run.context, job_run.job());
    context.check_stop()?;
    let scope = scope(job_run, number, step, &key, ends);
    if !earlier.done || again {
        let skipped = match &step.when {
            Some(when) if !again => !when.truth(&scope)?,
            _ => false,
        };
        if skipped {
            context.store.clear(&job_run.place(step))?;
            let (receipt, extent) = (serde_json::Value::Null, Extent::default());
            let tally = Usage::default();
            let fact =
                Fact::Done { step: key.clone(), skipped, items_in: 0, extent, tally, receipt, inputs: BTreeMap::new() };
            let facts = vec![fact, Fact::Saved { step: key }];
            context.ledger.commit(facts, Vec::new()).await?;
            return Ok(SavedFiles::default());
        }
        let connection = match (&step.local, step.connections.get(context.number)) {
            (Some(_), _) => "",
            (None, Some(connection)) => connection,
            (None, None) => {
                return Err(Error::new(ErrorKind::Internal, format!("the step {} has no connection", step.id)));
            }
        };
        if !earlier.started {
            context.ledger.note(vec![Fact::Started { step: key.clone() }], Vec::new());
        }
        let (place, noted) = (job_run.place(step), Mutex::default());
        let now = context.effects.clock().now();
        let own = step.limits.timeout.map(|timeout| now + timeout);
        let of_run = context.deadline.map(|at| if step.phase == Phase::Main { at } else { at.max(now + CLOSING_TIME) });
        let deadline = own.into_iter().chain(of_run).min();
        let scope = scope.clone();
        let task = Task { context, step, job, key: key.clone(), connection, scope, place, deadline, noted };
        check_tables(job_run, step).await?;
        work(&task).await.map_err(|error| task.in_time(error))?;
    }
    finish_step(job_run, (step, &scope), key).await
}

/// What the step does, by its kind.
async fn work(task: &Task<'_>) -> Result<()> {
    match (&task.step.local, task.step.method) {
        (Some(LocalWork::Load(plan)), _) => load::run(task, plan).await,
        (Some(LocalWork::Transform(plan)), _) => transform::run(task, plan).await,
        (Some(LocalWork::Upserted(plan)), _) => upsert::run(task, plan).await,
        (Some(LocalWork::Left(plan)), _) => left::run(task, plan).await,
        (Some(LocalWork::Inner(plan)), _) => inner::run(task, plan).await,
        (None, Method::Query) => read::run(task).await,
        (None, Method::Mutate | Method::Delete) => send::run(task).await,
    }
}

/// Writes the rows and the failures to their files.
async fn finish_step(job_run: &JobRun<'_>, (step, scope): (&Step, &Scope), key: String) -> Result<SavedFiles> {
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
    save_step(job_run, (step, scope), key).await
}

fn report(
    job_run: &JobRun<'_>,
    step: &Step,
    key: &str,
    name: StepName,
    ended: Result<SavedFiles>,
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
            SavedFiles::default(),
            Some(error.with(|d| {
                d.message = format!("{name}: {}", d.message);
                d.operation.get_or_insert_with(|| step.operation.id.clone());
            })),
        ),
        // It is left as it is: only items of others are sent.
        Ok(_) if earlier && !state.done => {
            let status = if state.started { StepStatus::Failed } else { StepStatus::NotStarted };
            (status, SavedFiles::default(), None)
        }
        Ok(_) if state.skipped => (StepStatus::Skipped, SavedFiles::default(), None),
        Ok(saved) if bad > 0 => (StepStatus::Partial, saved, Some(bad_items(step, &name, &outcomes, all))),
        Ok(saved) => (StepStatus::Done, saved, None),
    };
    let failures = (bad > 0 && kept).then_some(failures);
    let complete = state.receipt.get("complete").and_then(serde_json::Value::as_bool);
    let results = state.receipt.get("results").and_then(|results| serde_json::from_value(results.clone()).ok());
    let operation = step.operation.id.clone();
    let SavedFiles { paths: saved, partitions } = saved;
    StepReport {
        name,
        operation,
        status,
        earlier,
        complete,
        counts,
        results,
        needs: None,
        saved,
        partitions,
        failures,
        error,
    }
}
