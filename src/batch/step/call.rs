//! One call of a step: its options and items, and recording items before they are sent.

use std::sync::Arc;

use super::context::{Intent, Task, stopped};
use crate::batch::file::OnErrorFile;
use crate::batch::run_plan::Step;
use crate::call::{CallOptions, Request};
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::item::Items;
use crate::json_error;
use crate::options::Options;
use crate::receipt::{Outcome, OutcomeStatus};
use crate::send::{Cancel, Gate};
use crate::write::Writes;

/// The options of a step, with the values of their expressions.
pub(in crate::batch) fn options(step: &Step, scope: &Scope) -> Result<Options> {
    let json = step.operation.conditions.json(&step.options, scope)?;
    Options::read(&json).map_err(|e| {
        Error::new(ErrorKind::InvalidOptions, format!("the options cannot be read: {}", json_error::words(&e, &json)))
    })
}

pub(super) fn refused_item(index: u64, error: Error) -> Outcome {
    Outcome {
        index,
        status: OutcomeStatus::Failed,
        http_status: None,
        items: Items::default(),
        location: None,
        error: Some(error),
        attempts: 0,
    }
}

fn items_of(items: &[String]) -> Result<Items> {
    Items::from_array(format!("[{}]", items.join(",")))
}

/// Checks a part before it is sent; `first` is the index of its first item.
pub(super) fn check_part(writes: &Writes, first: u64, part: &[String]) -> Result<()> {
    let numbered =
        |e: Error| if first == 0 { e } else { e.with(|d| d.message = format!("after item {first}: {}", d.message)) };
    writes.check(&items_of(part)?).map_err(numbered)
}

/// Opens the write of a step, or of one of its elements: its items are given in parts.
pub(in crate::batch) fn open(task: &Task<'_>, stop: &Cancel, element: u64, options: &Options) -> Result<Writes> {
    let intent = Intent::of(task, element, stop.clone());
    let with = CallOptions {
        cancel: task.context.hard.clone(),
        gate: Some(Arc::new(intent) as Arc<dyn Gate>),
        key: Some(format!("{}/{}/{element}", task.context.info.run, task.key)),
        jobs: task.state().jobs_of(element),
        keep_jobs: true,
        attempts: task.step.limits.attempts,
        timeout: task.time_left(),
        ..CallOptions::default()
    };
    let request = Request {
        stop_on_error: task.step.on_error == OnErrorFile::Stop,
        known_fields: task.step.known_fields,
        ..Request::new(task.step.method, task.step.operation.id.clone(), options)
    };
    task.context.effects.call_in_parts(task.connection, &request, &with)
}

/// Gives a part to a write, unless the run or the step must stop.
pub(in crate::batch) fn give(
    task: &Task<'_>,
    stop: &Cancel,
    writes: &mut Writes,
    first: u64,
    items: Option<&[String]>,
) -> Result<()> {
    if stop.is_cancelled() {
        return Err(stopped());
    }
    task.check_stop()?;
    writes.add(first, items.map(items_of).transpose()?)
}
