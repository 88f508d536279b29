//! Steps that run again in a resumed run: closing steps, and steps whose input has grown since.

use super::job_run::JobRun;
use crate::batch::event::Event;
use crate::batch::file::OnErrorFile;
use crate::batch::local_plan::{Action, LocalWork};
use crate::batch::row_source::ItemSource;
use crate::batch::run_plan::{Phase, RunPlan, Step};
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::row_work::{JoinSides, WorkPlan};
use crate::run_store::{Fact, JobStart, StepState};

/// Closing steps of a resumed run report its new end: they run again, unless only they are left. One with items whose
/// outcome is unknown waits until these are settled.
///
/// # Errors
/// `state` when the disk fails.
pub(super) async fn reset_closing_steps(job_run: &JobRun<'_>) -> Result<()> {
    let context = job_run.context;
    if context.start != JobStart::Resume || context.only.is_some() {
        return Ok(());
    }
    let facts: Vec<Fact> = {
        let state = context.ledger.state();
        let of = |step: &Step| state.step(&step.key(context.job()));
        let steps = || context.plan.steps.iter();
        let is_left = |step: &Step| {
            let known = of(step);
            !known.done || !known.saved || context.retries(step, &known)
        };
        if !steps().any(|step| step.phase == Phase::Main && is_left(step)) {
            return Ok(());
        }
        // What may have taken effect is not sent again.
        let is_known = |step: &Step| of(step).unknown.is_empty() && of(step).in_doubt() == 0;
        let closing = steps().filter(|step| step.phase != Phase::Main && is_known(step));
        let begun = closing.filter(|step| of(step).started || of(step).done);
        begun.map(|step| Fact::Reset { step: step.key(context.job()) }).collect()
    };
    if facts.is_empty() { Ok(()) } else { context.ledger.commit(facts, Vec::new()).await }
}

/// The state of a step, opened again if the rows that it was done with have grown: failed items of an earlier step have
/// succeeded since.
///
/// # Errors
/// `state` when the disk fails.
pub(super) async fn reopened(job_run: &JobRun<'_>, step: &Step) -> Result<StepState> {
    let (context, key) = (job_run.context, step.key(job_run.context.job()));
    let known = context.ledger.state().step(&key);
    if !known.started && !known.done {
        if step.phase != Phase::Main {
            // The rows of a closing step that was reset.
            context.store.clear(&job_run.place(step))?;
        }
        return Ok(known);
    }
    let grown: Vec<String> = {
        let inputs = context.inputs_of(step);
        let changed = inputs.iter().filter(|(id, rows)| known.inputs.get(*id).is_some_and(|before| before != *rows));
        changed.map(|(id, _)| id.clone()).collect()
    };
    if !known.done || grown.is_empty() {
        return Ok(known);
    }
    let reads_on = |source: &Option<ItemSource>| {
        source.as_ref().is_none_or(|source| matches!(source, ItemSource::Step(id) if grown.contains(id)))
    };
    let fact = match step.method {
        Method::Query => Fact::Reset { step: key.clone() },
        Method::Mutate | Method::Delete
            if reads_on(&step.each) && reads_on(&step.items) && !grown.iter().all(|id| appends(&context.plan, id)) =>
        {
            let message = format!("the rows of {} are others than those that were sent", grown.join(", "));
            return Err(Error::new(ErrorKind::Partial, message)
                .advise("send what is new in a batch of its own; --fresh sends all rows again"));
        }
        Method::Mutate | Method::Delete if reads_on(&step.each) && reads_on(&step.items) => {
            Fact::Reopened { step: key.clone(), by_element: step.each.is_some() }
        }
        Method::Mutate | Method::Delete => {
            let message = format!(
                "{key}: {} has more rows now, but what was sent depends on all of them: nothing more is sent",
                grown.join(", ")
            );
            context.tell(Event::Note { message }).await;
            return Ok(known);
        }
    };
    let is_reset = matches!(fact, Fact::Reset { .. });
    context.ledger.commit(vec![fact], Vec::new()).await?;
    if is_reset {
        context.store.clear(&job_run.place(step))?;
    }
    Ok(context.ledger.state().step(&key))
}

/// Whether the rows of a step that runs again begin with its earlier rows: new ones are at the end.
fn appends(plan: &RunPlan, id: &str) -> bool {
    let Some(step) = plan.steps.iter().find(|step| step.id == *id) else { return false };
    match &step.local {
        None | Some(LocalWork::Load(_) | LocalWork::Left(_)) => true,
        Some(LocalWork::Upserted(_) | LocalWork::Inner(_)) => false,
        Some(LocalWork::Transform(transform)) => {
            let is_one = |action: &Action| match action {
                Action::Filter(_) | Action::Map(_) | Action::Wrap(_) | Action::Compare(_) => true,
                Action::Work(work) => matches!(work, WorkPlan::Flatten(_)),
                Action::Join(WorkPlan::Join(join), _) if join.sides == JoinSides::Items => true,
                // Look-ups that succeed later come last.
                Action::Join(_, with) => transform.looked_up.is_some() || of_source(with, |id| stays(plan, id)),
            };
            of_source(&transform.from, |id| appends(plan, id)) && transform.actions.iter().all(is_one)
        }
    }
}

/// Whether the rows of a step that is done stay as they are: nothing of it can have failed.
fn stays(plan: &RunPlan, id: &str) -> bool {
    let Some(step) = plan.steps.iter().find(|step| step.id == *id) else { return false };
    match &step.local {
        None => step.on_error == OnErrorFile::Stop || (step.method == Method::Query && step.each.is_none()),
        Some(LocalWork::Load(_) | LocalWork::Left(_)) => true,
        Some(LocalWork::Upserted(_) | LocalWork::Inner(_)) => false,
        Some(LocalWork::Transform(transform)) => {
            let joined = transform.actions.iter().filter_map(|action| match action {
                Action::Join(_, with) => Some(with),
                _ => None,
            });
            std::iter::once(&transform.from).chain(joined).all(|source| of_source(source, |id| stays(plan, id)))
        }
    }
}

fn of_source(source: &ItemSource, is_so: impl Fn(&str) -> bool) -> bool {
    match source {
        ItemSource::Step(id) => is_so(id),
        ItemSource::Shape(_) | ItemSource::Combinations(_) => true,
    }
}
