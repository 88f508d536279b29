//! A step that runs another batch file. Its run has a folder of its own, and the id of the run that it is a part of:
//! when that run is resumed, the inner one goes on where it stopped.

use super::context::Task;
use super::item_source::shaped;
use crate::authoring::Json;
use crate::batch::effects::InnerCall;
use crate::batch::event::{Event, Report, StepName, StepReport};
use crate::batch::local_plan::InnerPlan;
use crate::error::{Error, Result};
use crate::json_text::fields_of;
use crate::receipt::Usage;
use crate::run_store::Extent;

/// Runs it to its end.
///
/// # Errors
/// The most severe error of the inner run.
pub(in crate::batch) async fn run(task: &Task<'_>, plan: &InnerPlan) -> Result<()> {
    let context = task.context;
    let json = plan.inputs.needed(&task.scope)?;
    let inputs = fields_of(&json).unwrap_or_default().into_iter().map(|(name, raw)| (name, Json(raw.get().to_owned())));
    // The id of this run is durable before the inner one has it.
    context.ledger.commit(Vec::new(), Vec::new()).await?;
    let name = plan.run_name(&context.plan.name, &task.step.id, &task.job.name);
    let mut inner = context.effects.inner(InnerCall {
        plan,
        job: context.number,
        inputs: inputs.collect(),
        name: name.clone(),
        runs: context.runs(),
        run: &context.info.run,
        host: &context.info.host,
        cancel: context.ledger.stop.clone(),
        time_left: task.time_left(),
        accept_changes: context.accept_changes,
    })?;
    while let Some(event) = inner.next().await {
        if let Some(event) = forwarded(&task.name(), event) {
            context.tell(event).await;
        }
    }
    context.store.clear(&task.place)?;
    let mut rows = context.store.writer(&task.place, Extent::default(), true)?;
    let (mut number, mut wrong) = (0, None);
    let mut add = |row: &str| {
        match shaped(task.step, &task.scope, row, number) {
            Ok(row) => row.iter().for_each(|row| rows.push(row)),
            Err(error) => drop(wrong.get_or_insert(error)),
        }
        number += 1;
    };
    let report = inner.finish(plan.items.as_deref(), &mut add).await;
    if plan.items.is_none() {
        report.steps.iter().for_each(|step| add(&summary(step)));
    }
    report.check().map_err(|error| failed(plan, &name, &report, &error))?;
    if let Some(error) = wrong {
        return Err(error);
    }
    let receipt = |rows| serde_json::json!({ "items": rows, "complete": true });
    task.done(rows, None, usage(&report), receipt).await
}

/// The requests of its steps, and its own time.
fn usage(report: &Report) -> Usage {
    let sum = report.steps.iter().map(|step| step.counts.usage).fold(Usage::default(), |sum, own| sum + own);
    Usage { elapsed_ms: report.elapsed_ms, ..sum }
}

/// What happens in the inner run, as events of this step.
fn forwarded(name: &StepName, event: Event) -> Option<Event> {
    let inner = |step: StepName| StepName { job: name.job.clone(), step: format!("{}.{}", name.step, step.step) };
    Some(match event {
        Event::Note { message } => Event::Note { message: format!("{name}: {message}") },
        Event::Loading { step, table, rows, total } => Event::Loading { step: inner(step), table, rows, total },
        Event::Waiting { step, state } => Event::Waiting { step: inner(step), state },
        Event::Outage { step, connection, error, next_ms, left_ms } => {
            Event::Outage { step: inner(step), connection, error, next_ms, left_ms }
        }
        Event::ItemFailed { step, index, status, error } => {
            Event::ItemFailed { step: inner(step), index, status, error }
        }
        Event::Saved { step, path } => Event::Saved { step: inner(step), path },
        Event::Progress { counts, total, .. } => Event::Progress { step: name.clone(), counts, total },
        Event::Begun { .. } | Event::StepBegun { .. } | Event::StepEnded(_) => return None,
    })
}

/// The error of the step: what failed in the inner batch, and where its items are.
fn failed(plan: &InnerPlan, run: &str, report: &Report, error: &Error) -> Error {
    let bad: u64 = report.steps.iter().map(|step| step.counts.failed + step.counts.unknown).sum();
    let kept = match bad {
        0 => String::new(),
        1 => format!("; its item is kept in the run of {run}"),
        _ => format!("; {bad} items are kept in the run of {run}"),
    };
    error.clone().with(|d| d.message = format!("{}: {}{kept}", plan.path.display(), d.message))
}

/// A row about a step of the inner run.
fn summary(step: &StepReport) -> String {
    serde_json::json!({
        "step": step.name.step,
        "job": step.name.job,
        "operation": step.operation,
        "status": step.status.name(),
        "items_in": step.counts.items_in,
        "items_out": step.counts.items_out,
        "failed": step.counts.failed,
        "unknown": step.counts.unknown,
    })
    .to_string()
}
