//! A step that reads the items of earlier runs that failed or are in doubt, and that nobody has settled.

use super::context::Task;
use crate::batch::local_plan::LeftPlan;
use crate::error::{Error, ErrorKind, Result};
use crate::receipt::Usage;
use crate::run_store::{Extent, left_items};

/// Reads them, except those of this run.
///
/// # Errors
/// `state` when a run cannot be read.
pub(in crate::batch) async fn run(task: &Task<'_>, plan: &LeftPlan) -> Result<()> {
    let context = task.context;
    context.store.clear(&task.place)?;
    let mut rows = context.store.writer(&task.place, Extent::default(), true)?;
    for item in left_items(context.runs())? {
        let is_meant = item.batch == plan.batch && plan.step.as_ref().is_none_or(|step| *step == item.step);
        if !is_meant || item.run == context.info.run {
            continue;
        }
        let row = serde_json::to_string(&item)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("an item cannot be written: {e}")))?;
        rows.push(&row);
    }
    rows.flush()?;
    let receipt = serde_json::json!({ "items": rows.measure().rows(), "complete": true });
    task.done(rows, None, Usage::default(), receipt).await
}
