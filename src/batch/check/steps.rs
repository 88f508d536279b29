//! Checks the steps: names, operations, literal options, expressions, targets. Reports all faults at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::call_step::call_step;
use super::context::CheckContext;
use super::here::{StepHere, limits};
use super::local_step::{http_step, is_local, local_step};
use super::names::StepIds;
use super::row_fields;
use super::upsert::{self, UpsertPart};
use crate::authoring::Checker;
use crate::batch::file::{BatchFile, StepFile};
use crate::batch::local_file::UpsertFile;
use crate::batch::run_plan::{Phase, Step};
use crate::definition::Fields;
use crate::error::Advice;

/// Checks all steps. A fault in one does not hide faults in the next. Returns the valid ones with their places in the
/// file.
pub(in crate::batch) fn steps(
    c: &mut Checker<'_>,
    file: &BatchFile,
    context: &CheckContext<'_>,
) -> Vec<(String, Step)> {
    if file.steps.is_empty() {
        c.fault("/steps", "the batch has no steps", None);
    }
    let all = placed_steps(file);
    let ids = StepIds::new(all.iter().map(|placed| placed.file.id.as_str()));
    let mut steps = Vec::new();
    let (mut rows, mut kept) = (Rc::default(), BTreeMap::new());
    for (number, placed) in all.iter().enumerate() {
        let PlacedStep { at, phase, file: step, part } = placed;
        check_id(c, placed, number, &ids);
        let here = StepHere { at, number, phase: *phase, ids: &ids, rows: &rows, kept: &kept, context };
        let (checked, gives) = match (part, &step.upsert) {
            (Some((upsert, part)), _) if *part != UpsertPart::Plain => {
                let limits = limits(c, at, step, context);
                upsert::made_step(c, &here, step, (upsert, *part), limits)
            }
            (None, Some(_)) => (None, Fields::Any),
            _ if step.http.is_some() => http_step(c, &here, step),
            _ if is_local(step) => local_step(c, &here, step),
            _ => call_step(c, &here, step),
        };
        if let Some((_, operation)) = &checked {
            let names = operation.as_ref().map(|o| o.kept_names().map(str::to_owned).collect());
            kept.insert(step.id.clone(), names.unwrap_or_default());
        }
        // No other reference to the rows exists now, so they are not copied.
        Rc::make_mut(&mut rows).insert(step.id.clone(), gives);
        steps.extend(checked.map(|(step, operation)| (number, step, operation)));
    }
    row_fields::push_columns_down(&mut steps);
    let place = |number: usize| all.get(number).map(|placed| placed.at.clone()).unwrap_or_default();
    let steps: Vec<(String, Step)> = steps.into_iter().map(|(number, step, _)| (place(number), step)).collect();
    let lists = [("steps", &file.steps), ("on_failure", &file.on_failure), ("finally", &file.finally)];
    for (key, list) in lists {
        for (at, step) in list.iter().enumerate().filter(|(_, step)| step.upsert.is_some()) {
            upsert::refuse_keys(c, &format!("/{key}/{at}"), step);
        }
    }
    steps
}

/// A step in the order in which it runs.
struct PlacedStep<'f> {
    at: String,
    phase: Phase,
    file: Cow<'f, StepFile>,
    /// The upsert of which it is a part.
    part: Option<(&'f UpsertFile, UpsertPart)>,
}

/// All steps in the order in which they run, with their places; an upsert is several steps.
fn placed_steps(file: &BatchFile) -> Vec<PlacedStep<'_>> {
    let lists = [
        ("steps", Phase::Main, &file.steps),
        ("on_failure", Phase::OnFailure, &file.on_failure),
        ("finally", Phase::Finally, &file.finally),
    ];
    let mut placed = Vec::new();
    for (key, phase, list) in lists {
        for (index, step) in list.iter().enumerate() {
            let at = format!("/{key}/{index}");
            match &step.upsert {
                None => placed.push(PlacedStep { at, phase, file: Cow::Borrowed(step), part: None }),
                Some(upsert) => {
                    let parts = upsert::expanded(step, upsert);
                    placed.extend(parts.into_iter().map(|(inner, file, part)| PlacedStep {
                        at: format!("{at}{inner}"),
                        phase,
                        file: Cow::Owned(file),
                        part: Some((upsert, part)),
                    }));
                }
            }
        }
    }
    placed
}

fn check_id(c: &mut Checker<'_>, placed: &PlacedStep<'_>, number: usize, ids: &StepIds<'_>) {
    let (Some(id), at) = (ids.get(number), &placed.at) else { return };
    if placed.file.include.is_some() {
        c.fault(&format!("{at}/include"), "an entry with `include` has no other keys", None);
    }
    if id.is_empty() {
        c.fault(at, "a step needs an `id`", Some("add `id: NAME`".into()));
        return;
    }
    if placed.part.is_some_and(|(_, part)| part != UpsertPart::Result) && id.contains(upsert::PART) {
        return;
    }
    if id.contains(upsert::PART) {
        c.fault(&format!("{at}/id"), format!("`{id}` is not a valid id: two `_` are for parts of an upsert"), None);
    }
    let plain = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !plain {
        let better: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let advice = (!better.is_empty() && better != id).then(|| Advice::from(format!("such as {better}")));
        c.fault(&format!("{at}/id"), format!("`{id}` is not a valid id: use letters, digits and _"), advice);
    }
    if ids.position(id).is_some_and(|first| first < number) {
        c.fault(&format!("{at}/id"), format!("`{id}` is already the id of an earlier step"), None);
    }
}
