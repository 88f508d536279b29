//! Items with an unknown outcome: the step looks whether their records are there.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Task, stopped};
use super::same::is_same as is_same_value;
use crate::batch::run_plan::Verify;
use crate::call::{CallOptions, Request};
use crate::definition::Method;
use crate::engine::Running;
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Item, Items};
use crate::options::Options;
use crate::run_store::ItemContent;

/// What was found out about an item.
pub(super) enum FoundRecord {
    /// It took effect; the record, if there is one.
    Done(Option<String>),
    /// It did not take effect.
    NotDone,
}

/// Looks for the records of items, by element and index. Items whose content is not known are left out.
///
/// # Errors
/// Those of the query.
pub(super) async fn look(
    task: &Task<'_>,
    verify: &Verify,
    items: &BTreeMap<(u64, u64), ItemContent>,
) -> Result<BTreeMap<(u64, u64), FoundRecord>> {
    let known: Vec<(&(u64, u64), &str)> =
        items.iter().filter_map(|(key, content)| Some((key, content.item.as_deref()?))).collect();
    if known.is_empty() {
        return Ok(BTreeMap::new());
    }
    tokio::select! {
        () = task.clock().sleep(verify.wait) => {}
        () = task.context.ledger.stop.cancelled() => return Err(stopped()),
    }
    let mut found = BTreeMap::new();
    if verify.is_per_item {
        for (key, item) in known {
            task.check_stop()?;
            let scope = task.scope.with_item(item, key.1);
            let mut record = None;
            query(task, verify, &verify.operation.conditions.json(&verify.options, &scope)?, &mut |row| {
                if is_same(verify, item, row) {
                    record.get_or_insert_with(|| row.as_str().to_owned());
                }
            })
            .await?;
            found.insert(*key, judged(task, verify, item, record));
        }
        return Ok(found);
    }
    let mut records: BTreeMap<(u64, u64), String> = BTreeMap::new();
    query(task, verify, &verify.operation.conditions.json(&verify.options, &task.scope)?, &mut |row| {
        for (key, _) in known.iter().filter(|(_, item)| is_same(verify, item, row)) {
            records.entry(**key).or_insert_with(|| row.as_str().to_owned());
        }
    })
    .await?;
    for (key, item) in known {
        found.insert(*key, judged(task, verify, item, records.remove(key)));
    }
    Ok(found)
}

/// Runs the query; each row is given to `each`.
async fn query(task: &Task<'_>, verify: &Verify, options: &str, each: &mut (dyn FnMut(Item<'_>) + Send)) -> Result<()> {
    let options = Options::read(options)
        .map_err(|e| Error::new(ErrorKind::InvalidOptions, format!("the options of `verify` cannot be read: {e}")))?;
    let request = Request::new(Method::Query, verify.operation.id.clone(), &options);
    let with = CallOptions {
        // What is not in an incomplete list may be there.
        strict: true,
        cancel: task.context.ledger.stop.clone(),
        attempts: task.step.limits.attempts,
        timeout: task.time_left(),
        ..CallOptions::default()
    };
    let Running::Read(mut walk) = task.context.effects.call(task.connection, &request, &with)? else {
        return Err(Error::new(ErrorKind::Internal, "a query returned outcomes"));
    };
    while let Some(page) = walk.next().await {
        match page {
            Ok(page) => page.items.iter().for_each(&mut *each),
            // A record that is asked for by its id.
            Err(error) if error.kind() == ErrorKind::NotFound && verify.is_per_item => return Ok(()),
            Err(error) => return Err(error.with(|d| d.message = format!("verify: {}", d.message))),
        }
    }
    if walk.receipt().complete { Ok(()) } else { Err(incomplete(verify)) }
}

fn incomplete(verify: &Verify) -> Error {
    let message =
        format!("verify: the list of {} is incomplete, so a missing record proves nothing", verify.operation.id);
    Error::new(ErrorKind::BadResponse, message).advise("use a query that returns all records, or one record by its key")
}

/// Whether a row is the record of an item.
fn is_same(verify: &Verify, item: &str, row: Item<'_>) -> bool {
    let Ok(own) = Items::from_array(format!("[{item}]")) else { return false };
    let own = own.get(0);
    verify.key.iter().all(|path| {
        let value = own.and_then(|item| value_at(item, path));
        value.is_some_and(|value| {
            value != "null" && value_at(row, path).is_some_and(|other| is_same_value(value, other))
        })
    })
}

/// The value at a path; an item that is no object is its own key.
fn value_at<'i>(item: Item<'i>, path: &[String]) -> Option<&'i str> {
    if item.as_str().starts_with(['{', '[']) { item.raw(path) } else { Some(item.as_str()) }
}

/// What a found record means, or its absence.
fn judged(task: &Task<'_>, verify: &Verify, item: &str, record: Option<String>) -> FoundRecord {
    match (task.step.method, record) {
        (Method::Delete, None) => FoundRecord::Done(None),
        (Method::Delete, Some(_)) | (_, None) => FoundRecord::NotDone,
        (_, Some(record)) if verify.is_compared && !is_same_value(item, &record) => FoundRecord::NotDone,
        (_, Some(record)) => FoundRecord::Done(Some(record)),
    }
}

/// The keys of the items that did not take effect.
pub(super) fn not_done(found: &BTreeMap<(u64, u64), FoundRecord>) -> BTreeSet<(u64, u64)> {
    found.iter().filter(|(_, found)| matches!(found, FoundRecord::NotDone)).map(|(key, _)| *key).collect()
}
