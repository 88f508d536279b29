//! The watermarks of a job at its end. A watermark never moves past an item that nobody has settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::job_run::JobRun;
use crate::batch::event::Event;
use crate::batch::run_plan::Step;
use crate::error::Result;
use crate::run_store::{Fact, JobStart, Mark, SeenRow, StepState, Watermarks};

/// Stores the job's watermarks, and then records that the job is done.
///
/// # Errors
/// `state` when the disk fails, or files are damaged.
pub(super) async fn finish_job(job_run: &JobRun<'_>) -> Result<()> {
    let (context, job) = (job_run.context, job_run.job());
    let is_done = context.ledger.state().jobs.contains(&job.name);
    if is_done || context.start == JobStart::Leave {
        return Ok(());
    }
    let (mut marks, mut seen) = (Watermarks::new(), BTreeMap::new());
    for (number, step) in context.plan.steps.iter().enumerate().filter(|(_, step)| step.watermark.is_some()) {
        let key = step.key(job);
        let known = context.ledger.state().step(&key);
        let Some(mark) = known.mark.clone() else { continue };
        let old = job_run.watermarks.get(&key);
        let left = items_left(job_run, number)?;
        // Of a value that the system keeps, nothing is read twice, so it moves on: its items are kept all the same.
        let is_held = left && step.watermark.as_ref().is_some_and(|rule| rule.pointer.is_some());
        if is_held {
            let at = old.map_or_else(|| "its start".to_owned(), Mark::json);
            let message = format!(
                "{}: the watermark stays at {at}, because items of this or an earlier run are not settled: `opnode items list`",
                step.id
            );
            context.tell(Event::Note { message }).await;
        }
        let next = if is_held { old.cloned() } else { Some(mark) };
        seen.insert(key.clone(), rows_to_remember(job_run, step, &known, next.as_ref())?);
        marks.extend(next.map(|mark| (key, mark)));
    }
    if !seen.is_empty() {
        context.store.store_watermarks(&job.name, marks, seen)?;
    }
    context.ledger.commit(vec![Fact::Job { job: job.name.clone() }], Vec::new()).await
}

/// Whether the step, or one that uses its rows, has items that nobody has settled, in this run or an archived one.
fn items_left(job_run: &JobRun<'_>, marked: usize) -> Result<bool> {
    let (context, job) = (job_run.context, job_run.job());
    let mut below = BTreeSet::from([marked]);
    for (number, step) in context.plan.steps.iter().enumerate() {
        if step.needs.iter().any(|needed| below.contains(needed)) {
            below.insert(number);
        }
    }
    let steps = || below.iter().filter_map(|number| context.plan.steps.get(*number));
    let is_left = {
        let state = context.ledger.state();
        steps().any(|step| state.step(&step.key(job)).left() > 0)
    };
    if is_left {
        return Ok(true);
    }
    context.store.has_left_before(&job.name, &steps().map(|step| step.id.clone()).collect())
}

/// The rows of earlier runs and of this one that the next run reads again.
fn rows_to_remember(job_run: &JobRun<'_>, step: &Step, known: &StepState, next: Option<&Mark>) -> Result<Vec<SeenRow>> {
    let context = job_run.context;
    let lag = step.watermark.as_ref().map(|rule| rule.lag).unwrap_or_default();
    let first = next.map(|mark| mark.earlier(lag).unwrap_or_else(|| mark.clone()).rank());
    let is_read_again = |row: &SeenRow| first.is_none_or(|first| row.rank >= first);
    let earlier = context.store.seen(&step.key(job_run.job()))?;
    let mut found: Vec<SeenRow> = earlier.into_iter().filter(is_read_again).collect();
    let mut rows = context.store.rows(&job_run.place(step).of_seen(), Arc::from([known.seen]))?;
    while let Some(row) = rows.next_row()? {
        found.extend(serde_json::from_str::<SeenRow>(row).ok().filter(is_read_again));
    }
    Ok(found)
}
