//! One error for the items of a step that did not succeed. Pure.

use crate::batch::event::StepName;
use crate::batch::run_plan::Step;
use crate::definition::Method;
use crate::error::{Advice, Error, ErrorKind};
use crate::receipt::OutcomeCounts;

pub(in crate::batch) fn reads_elements(step: &Step) -> bool {
    step.each.is_some() && step.method == Method::Query
}

/// One error for the items that did not succeed.
pub(in crate::batch) fn bad_items(step: &Step, name: &StepName, outcomes: &OutcomeCounts, all: u64) -> Error {
    let what = if reads_elements(step) { "element" } else { "item" };
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let again = match step.local {
        None => Advice::RetryFailed,
        // Its rows are not read again.
        Some(_) => "correct them, and run it with --fresh to read all rows again".into(),
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
