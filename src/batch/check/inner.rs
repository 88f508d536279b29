//! Checks a step that runs another batch file: the file, its inputs, and the step whose rows it gives.

use super::context::CheckContext;
use super::expressions::shape;
use super::names::{Allowed, StepNames};
use crate::authoring::{Checker, Json};
use crate::batch::file::{InnerFile, InnerPart, StepFile};
use crate::batch::local_plan::InnerPlan;
use crate::batch::run_plan::{Batch, MatrixJob};
use crate::error::did_you_mean;
use crate::expression::Shape;
use crate::json_pointer::escape;

/// The batch of a step, and its connection for each job; `None` if it has a fault.
pub(super) fn inner(
    c: &mut Checker<'_>,
    at: &str,
    part: &InnerPart,
    names: &mut StepNames<'_, '_>,
    connections: &[Option<String>],
) -> Option<InnerPlan> {
    let before = c.faults.len();
    let whole;
    let (file, place) = match part {
        InnerPart::Path(path) => {
            whole = InnerFile { file: path.clone(), inputs: crate::authoring::Ordered::new(), items: None };
            (&whole, at.to_owned())
        }
        InnerPart::File(file) => (file, format!("{at}/file")),
    };
    let batches = names.context.batches;
    let path = batches.path(&file.file);
    let known = batches.inputs(&path).map_err(|e| tell(c, &place, &e)).ok()?;
    let (mut values, mut given) = (Vec::new(), Vec::new());
    for (name, value) in &file.inputs {
        let at = format!("{at}/inputs/{}", escape(name));
        let shape = shape(c, &at, &value.0, names, Allowed::default());
        let Some(input) = known.iter().find(|input| input.name == *name) else {
            let hint = did_you_mean(name, known.iter().map(|input| input.name.as_str()));
            c.fault(&at, format!("{} has no input `{name}`{hint}", path.display()), None);
            continue;
        };
        let json = match &shape {
            Shape::Fixed(json) => {
                if let Err(message) = input.check(json) {
                    c.fault(&at, message, None);
                }
                json.clone()
            }
            Shape::Value(_) | Shape::Text(_) | Shape::List(_) | Shape::Map(_) => input.sample(),
        };
        given.push((name.clone(), Json(json)));
        values.push((name.clone(), shape));
    }
    for input in known.iter().filter(|input| input.default.is_none() && !file.inputs.contains_key(&input.name)) {
        let message = format!("{} needs a value for its input `{}`", path.display(), input.name);
        c.fault(&place, message, Some(format!("inputs: {{ {}: … }}", input.name).into()));
    }
    if c.faults.len() > before {
        return None;
    }
    let mut meanings = Vec::new();
    for connection in connections {
        match batches.load(&path, given.clone(), connection.as_deref()) {
            Ok(batch) => {
                if let Some(items) = &file.items {
                    check_items(c, &format!("{at}/items"), items, &batch);
                }
                meanings.push(batch.meaning());
            }
            Err(error) => {
                tell(c, &place, &error);
                return None;
            }
        }
    }
    (c.faults.len() == before).then(|| InnerPlan {
        path,
        inputs: Shape::Map(values),
        items: file.items.clone(),
        connections: connections.to_vec(),
        meanings,
    })
}

/// The connection for each job, for files that name none.
pub(super) fn connections(file: &StepFile, context: &CheckContext<'_>) -> Vec<Option<String>> {
    let of_job = |job: &MatrixJob| {
        let chosen = file.connection.as_deref().or(job.connection.as_deref()).or(context.connection);
        chosen.map(str::to_owned)
    };
    context.jobs.iter().map(of_job).collect()
}

fn check_items(c: &mut Checker<'_>, at: &str, items: &str, batch: &Batch) {
    let ids = || batch.plan.steps.iter().map(|step| step.id.as_str());
    if !ids().any(|id| id == items) {
        let hint = did_you_mean(items, ids());
        c.fault(at, format!("{} has no step `{items}`{hint}", batch.plan.file), None);
    }
}

/// The faults of the file, at their own places.
fn tell(c: &mut Checker<'_>, at: &str, error: &crate::error::Error) {
    let faults = error.to_faults();
    let has_place = faults.iter().all(|fault| fault.place.line.is_some());
    if has_place && !faults.is_empty() {
        c.faults.extend(faults);
    } else {
        c.fault(at, error.message.clone(), error.advice.clone());
    }
}
