//! A step that reads the items of earlier runs that failed or are in doubt, and that nobody has settled.

use std::path::Path;

use super::context::Task;
use super::item_source::shaped;
use crate::batch::local_plan::LeftPlan;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::receipt::Usage;
use crate::run_store::{Extent, known_steps, left_items};

/// Reads them, except those of this run.
///
/// # Errors
/// `state` when a run cannot be read.
pub(in crate::batch) async fn run(task: &Task<'_>, plan: &LeftPlan) -> Result<()> {
    let context = task.context;
    context.store.clear(&task.place)?;
    let mut rows = context.store.writer(&task.place, Extent::default(), true)?;
    if let Some(missing) = missing(context.runs(), plan)? {
        task.note(missing).await;
    }
    let mut number = 0;
    for item in left_items(context.runs())? {
        let is_meant = item.is_of(&plan.batch) && plan.step.as_ref().is_none_or(|step| *step == item.step);
        if !is_meant || item.run == context.info.run {
            continue;
        }
        let row = serde_json::to_string(&item)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("an item cannot be written: {e}")))?;
        if let Some(row) = shaped(task.step, &task.scope, &row, number)? {
            rows.push(&row);
        }
        number += 1;
    }
    let receipt = |rows| serde_json::json!({ "items": rows, "complete": true });
    task.done(rows, None, Usage::default(), receipt).await
}

/// A note if there is no run of the batch, or none with the step: a name may be misspelt, or the runs are elsewhere.
fn missing(folder: &Path, plan: &LeftPlan) -> Result<Option<String>> {
    let (batches, steps) = known_steps(folder, &plan.batch)?;
    if steps.is_empty() {
        let hint = did_you_mean(&plan.batch, batches.iter().map(String::as_str));
        return Ok(Some(format!("there are no runs of {} in {}{hint}", plan.batch, folder.display())));
    }
    let unknown = plan.step.as_ref().filter(|step| !steps.contains(*step));
    Ok(unknown.map(|step| {
        let hint = did_you_mean(step, steps.iter().map(String::as_str));
        format!("no run of {} in {} has a step `{step}`{hint}", plan.batch, folder.display())
    }))
}
