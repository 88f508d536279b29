//! Steps that call no operation of a connector: load, transform, batch, http.

use std::collections::BTreeSet;

use super::expressions::{expression, shape, source};
use super::here::{CheckedStep, StepHere, after, limits};
use super::save::saves;
use super::saved_record::SavedRecord;
use super::{inner, local, names, upsert};
use crate::authoring::Checker;
use crate::batch::file::{OnErrorFile, StepFile};
use crate::batch::local_file::LoadPart;
use crate::batch::local_plan::LocalWork;
use crate::batch::row_source::ItemSource;
use crate::batch::run_plan::Step;
use crate::batch::webhook;
use crate::definition::{Fields, Method};
use crate::expression::Shape;

/// Whether a step sends no requests.
pub(super) fn is_local(file: &StepFile) -> bool {
    file.load.is_some() || file.transform.is_some() || file.batch.is_some()
}

/// A step that sends no requests.
pub(super) fn local_step(c: &mut Checker<'_>, here: &StepHere<'_>, file: &StepFile) -> CheckedStep {
    let StepHere { at, number, ids, .. } = *here;
    let (mut needs, mut awaits) = (BTreeSet::new(), BTreeSet::new());
    let mut names = here.names(file, &mut needs, &mut awaits);
    let of_row = names::Allowed { item: true, ..names::Allowed::default() };
    let nothing = names::Allowed::default();
    let before = c.faults.len();
    let (local, mut gives) = match (&file.load, &file.transform, &file.batch) {
        (Some(LoadPart::Left(left)), None, None) => (local::left(c, &format!("{at}/load"), left), Fields::Any),
        (Some(load), None, None) => {
            (local::load(c, &format!("{at}/load"), load, &mut names).map(LocalWork::Load), Fields::Any)
        }
        (None, None, Some(part)) => {
            let connections = inner::connections(file, here.context);
            (inner::inner(c, &format!("{at}/batch"), part, &mut names, &connections).map(LocalWork::Inner), Fields::Any)
        }
        (None, Some(transform), None) => match local::transform(
            c,
            &format!("{at}/transform"),
            (transform, file.id.contains(upsert::PART)),
            &mut names,
        ) {
            Some((plan, fields)) => (Some(LocalWork::Transform(plan)), fields),
            None => (None, Fields::Any),
        },
        (_, _, _) => {
            c.fault(at, format!("the step `{}` does two things", file.id), Some("split it into two steps".into()));
            (None, Fields::Any)
        }
    };
    if let (Some(part), OnErrorFile::Continue) = (&file.batch, file.on_error) {
        let advice = format!("write it in the steps of {}", part.path());
        let message = "`on_error: continue` has no effect in a batch step: its rows are those of whole steps";
        c.fault(&format!("{at}/on_error"), message, Some(advice.into()));
    }
    for (key, given) in file.keys_of_calls() {
        if given && !(key == "connection" && file.batch.is_some()) {
            c.fault(&format!("{at}/{key}"), format!("`{key}` is for a step that calls an operation"), None);
        }
    }
    names.sources.item = gives.clone();
    let keep = file.keep.as_ref().and_then(|value| expression(c, &format!("{at}/where"), value, &mut names, of_row));
    let map = file.map.as_ref().map(|value| shape(c, &format!("{at}/map"), &value.0, &mut names, of_row));
    if let Some(map) = &map {
        gives = names.sources.of_shape(map);
    }
    names.sources.item = Fields::Any;
    let when = file.when.as_ref().and_then(|value| expression(c, &format!("{at}/when"), value, &mut names, nothing));
    after(c, at, file, ids, number, names.needs);
    let shaped = map.as_ref().or(local.as_ref().and_then(LocalWork::last_map));
    let record = SavedRecord { fields: &gives, map: shaped, operation: None, is_partial: false, has_outcomes: false };
    let save = saves(c, at, file, &record, &mut names);
    let limits = limits(c, at, file, here.context);
    let Some(local) = local.filter(|_| c.faults.len() == before) else { return (None, gives) };
    let step = Step { keep, map, when, needs, awaits, save, limits, ..Step::local(file, local, here.phase) };
    (Some((step, None)), gives)
}

/// A step that posts to an address.
pub(super) fn http_step(c: &mut Checker<'_>, here: &StepHere<'_>, file: &StepFile) -> CheckedStep {
    let StepHere { at, number, ids, .. } = *here;
    let Some(http) = &file.http else { return (None, Fields::Any) };
    let (mut needs, mut awaits) = (BTreeSet::new(), BTreeSet::new());
    let mut names = here.names(file, &mut needs, &mut awaits);
    let (loops, nothing) = (file.each.is_some(), names::Allowed::default());
    let of_element = names::Allowed { item: loops, ..nothing };
    let before = c.faults.len();
    for (key, given) in file.keys_of_calls() {
        if given && !matches!(key, "for" | "parallel" | "on_unknown" | "retry" | "wait_up_to") {
            c.fault(&format!("{at}/{key}"), format!("`{key}` has no effect in an http step"), None);
        }
    }
    for (key, given) in [("where", file.keep.is_some()), ("map", file.map.is_some()), ("save", file.save.is_some())] {
        if given {
            c.fault(&format!("{at}/{key}"), format!("`{key}` has no effect in an http step"), None);
        }
    }
    let each = file.each.as_ref().and_then(|value| source(c, &format!("{at}/for"), value, &mut names, nothing));
    names.sources.item = names.sources.of_source(each.as_ref());
    let body = shape(c, &format!("{at}/http/body"), &http.body.0, &mut names, of_element);
    names.sources.item = Fields::Any;
    let when = file.when.as_ref().and_then(|value| expression(c, &format!("{at}/when"), value, &mut names, nothing));
    after(c, at, file, ids, number, names.needs);
    let limits = limits(c, at, file, here.context);
    if c.faults.len() > before {
        return (None, Fields::Any);
    }
    let step = Step {
        connections: vec![webhook::connection_name(&file.id); here.context.jobs.len()],
        items: Some(ItemSource::Shape(Shape::List(vec![body]))),
        each,
        when,
        needs,
        awaits,
        parallel: usize::from(file.parallel.max(1)),
        known_fields: false,
        limits,
        ..Step::new(file, (Method::Mutate, webhook::operation()), here.phase)
    };
    (Some((step, None)), Fields::Any)
}
