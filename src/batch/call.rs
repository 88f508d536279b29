//! One call of the engine from a step: its options and items, and the noting of what is about to be sent.

use std::sync::Arc;

use super::context::{Intent, Task, stopped};
use super::file::OnErrorFile;
use super::model::Step;
use crate::definition::Method;
use crate::engine::CallOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::item::Items;
use crate::options::Options;
use crate::receipt::{Outcome, OutcomeStatus};
use crate::send::{Cancel, Gate};
use crate::write::{Writes, check_items};

/// The options of a step, each value with the text that its expression or the file gives it.
pub(super) fn options(step: &Step, scope: &Scope) -> Result<Options> {
    let json = step.options.needed(scope)?;
    Options::read(&json).map_err(|e| Error::new(ErrorKind::InvalidOptions, format!("the options cannot be read: {e}")))
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

pub(super) fn check_part(task: &Task<'_>, options: &Options, first: u64, part: Vec<String>) -> Result<()> {
    let numbered =
        |e: Error| if first == 0 { e } else { e.with(|d| d.message = format!("after item {first}: {}", d.message)) };
    let unknown = check_items(&task.step.operation, options, Some(&items_of(&part)?)).map_err(numbered)?;
    if unknown.is_empty() || !task.step.known_fields {
        return Ok(());
    }
    Err(numbered(task.step.operation.refuse_fields(ErrorKind::InvalidItems, unknown)))
}

/// Begins a call of the engine.
pub(super) fn begin(
    task: &Task<'_>,
    stop: &Cancel,
    element: u64,
    options: &Options,
    first: u64,
    items: Option<&[String]>,
) -> Result<Writes> {
    if stop.is_cancelled() {
        return Err(stopped());
    }
    task.context.check_stop()?;
    let intent =
        Intent { ledger: Arc::clone(&task.context.ledger), step: task.key.clone(), element, stop: stop.clone() };
    let with = CallOptions {
        cancel: task.context.hard.clone(),
        stop_on_error: task.step.on_error == OnErrorFile::Stop,
        known_fields: task.step.known_fields,
        gate: Some(Arc::new(intent) as Arc<dyn Gate>),
        first,
        key: Some(format!("{}/{}/{element}", task.context.folder.info.run, task.key)),
        ..CallOptions::default()
    };
    let items = items.map(items_of).transpose()?;
    let (session, id) = (task.session, &task.step.operation.id);
    match task.step.method {
        Method::Delete => session.delete(id, options, items, &with),
        Method::Mutate | Method::Query => session.mutate(id, options, items, &with),
    }
}
