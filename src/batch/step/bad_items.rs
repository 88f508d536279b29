//! One error for the items of a step that did not succeed. Pure.

use crate::batch::event::StepName;
use crate::batch::local_plan::LocalWork;
use crate::batch::run_plan::Step;
use crate::definition::Method;
use crate::error::{Advice, Error, ErrorKind};
use crate::receipt::OutcomeCounts;

pub(in crate::batch) fn reads_elements(step: &Step) -> bool {
    step.each.is_some() && step.method == Method::Query
}

/// How to send rows of a file that were corrected, and no others.
const CORRECTED: &str = "to send only the corrected rows, put them alone into the file, settle the failed ones with `opnode items settle`, and run it again";

/// One error for the items that did not succeed.
pub(in crate::batch) fn bad_items(step: &Step, name: &StepName, outcomes: &OutcomeCounts, all: u64) -> Error {
    let what = match &step.local {
        Some(LocalWork::Load(_)) => "row",
        _ if reads_elements(step) => "element",
        _ => "item",
    };
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let again = match step.local {
        None => Advice::RetryFailed,
        // Its rows are not read again.
        Some(_) => {
            let others = all.saturating_sub(outcomes.failed);
            let fresh = format!("--fresh reads all rows again, and later steps send the other {others} again too");
            Advice::from(CORRECTED).and(fresh)
        }
    };
    let error = match outcomes.unknown {
        0 => {
            Error::new(ErrorKind::Partial, format!("{name}: {} of {all} {what}{} failed", outcomes.failed, plural(all)))
                .advise(again)
        }
        unknown => Error::new(
            ErrorKind::UnknownOutcome,
            format!("{name}: it is not known whether {unknown} {what}{} took effect", plural(unknown)),
        )
        .advise(Advice::CheckUnknown),
    };
    error.with(|d| d.operation = Some(step.operation.id.clone()))
}
