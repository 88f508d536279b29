//! Items with an unknown outcome: the step looks whether their records are there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::context::{Task, stopped};
use super::same::is_same as is_same_value;
use crate::batch::effects::Effects;
use crate::batch::run_plan::Verify;
use crate::call::{CallOptions, Request};
use crate::definition::Method;
use crate::engine::Running;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::item::{Item, Items};
use crate::options::Options;
use crate::row_work::{FieldPath, KeyTypes, other_type};
use crate::run_store::ItemContent;
use crate::send::Cancel;

/// What was found out about an item.
pub(in crate::batch) enum FoundRecord {
    /// It took effect; the record, if there is one.
    Done(Option<String>),
    /// It did not take effect.
    NotDone,
}

/// Where records are looked for.
pub(in crate::batch) struct LookUp<'l> {
    pub(in crate::batch) effects: &'l dyn Effects,
    pub(in crate::batch) connection: &'l str,
    /// The method of the items.
    pub(in crate::batch) method: Method,
    pub(in crate::batch) verify: &'l Verify,
    pub(in crate::batch) scope: &'l Scope,
    pub(in crate::batch) cancel: &'l Cancel,
    pub(in crate::batch) attempts: Option<u32>,
    pub(in crate::batch) timeout: Option<Duration>,
}

impl Task<'_> {
    /// Where the step looks for the records of its items.
    pub(super) fn look_up<'l>(&'l self, verify: &'l Verify) -> LookUp<'l> {
        LookUp {
            effects: self.context.effects.as_ref(),
            connection: self.connection,
            method: self.step.method,
            verify,
            scope: &self.scope,
            cancel: &self.context.ledger.stop,
            attempts: self.step.limits.attempts,
            timeout: self.time_left(),
        }
    }
}

/// Looks for the records of items, by element and index. Items whose content is not known are left out.
///
/// # Errors
/// Those of the query.
pub(in crate::batch) async fn look(
    look_up: &LookUp<'_>,
    items: &BTreeMap<(u64, u64), ItemContent>,
) -> Result<BTreeMap<(u64, u64), FoundRecord>> {
    let LookUp { verify, scope, cancel, .. } = *look_up;
    let known: Vec<(&(u64, u64), &str)> =
        items.iter().filter_map(|(key, content)| Some((key, content.item.as_deref()?))).collect();
    if known.is_empty() {
        return Ok(BTreeMap::new());
    }
    tokio::select! {
        () = look_up.effects.clock().sleep(verify.wait) => {}
        () = cancel.cancelled() => return Err(stopped()),
    }
    let options = |scope: &Scope| verify.operation.conditions.json(&verify.options, scope);
    let mut found = BTreeMap::new();
    if verify.is_per_item {
        for (key, item) in known {
            let mut record = None;
            let mut types = types_of(verify);
            look_up
                .query(&options(&scope.with_item(item, key.1))?, &mut |row| {
                    add_types(&mut types, verify, row);
                    if is_same(verify, item, row) {
                        record.get_or_insert_with(|| row.as_str().to_owned());
                    }
                })
                .await?;
            check_types(verify, &types, (key.1, item))?;
            found.insert(*key, look_up.judged(item, record));
        }
        return Ok(found);
    }
    let mut records: BTreeMap<(u64, u64), String> = BTreeMap::new();
    let mut types = types_of(verify);
    look_up
        .query(&options(scope)?, &mut |row| {
            add_types(&mut types, verify, row);
            for (key, _) in known.iter().filter(|(_, item)| is_same(verify, item, row)) {
                records.entry(**key).or_insert_with(|| row.as_str().to_owned());
            }
        })
        .await?;
    for (key, item) in &known {
        check_types(verify, &types, (key.1, item))?;
    }
    for (key, item) in known {
        found.insert(*key, look_up.judged(item, records.remove(key)));
    }
    Ok(found)
}

impl LookUp<'_> {
    /// Runs the query; each row is given to `each`.
    async fn query(&self, options: &str, each: &mut (dyn FnMut(Item<'_>) + Send)) -> Result<()> {
        let LookUp { verify, cancel, .. } = *self;
        if cancel.is_cancelled() {
            return Err(stopped());
        }
        let options = Options::read(options).map_err(|e| {
            Error::new(ErrorKind::InvalidOptions, format!("the options of `verify` cannot be read: {e}"))
        })?;
        let request = Request::new(Method::Query, verify.operation.id.clone(), &options);
        let with = CallOptions {
            // What is not in an incomplete list may be there.
            strict: true,
            cancel: cancel.clone(),
            attempts: self.attempts,
            timeout: self.timeout,
            ..CallOptions::default()
        };
        let Running::Read(mut walk) = self.effects.call(self.connection, &request, &with)? else {
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

    /// What a found record means, or its absence.
    fn judged(&self, item: &str, record: Option<String>) -> FoundRecord {
        match (self.method, record) {
            (Method::Delete, None) => FoundRecord::Done(None),
            (Method::Delete, Some(_)) | (_, None) => FoundRecord::NotDone,
            (_, Some(record)) if self.verify.is_compared && !is_same_value(item, &record) => FoundRecord::NotDone,
            (_, Some(record)) => FoundRecord::Done(Some(record)),
        }
    }
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

/// The types of the keys of the records, by part; none yet.
fn types_of(verify: &Verify) -> Vec<KeyTypes> {
    vec![KeyTypes::default(); verify.key.len()]
}

fn add_types(types: &mut [KeyTypes], verify: &Verify, row: Item<'_>) {
    types.iter_mut().zip(&verify.key).for_each(|(types, path)| types.add(value_at(row, path)));
}

/// A record of an item whose key has a type that no record has cannot be found: its absence proves nothing.
fn check_types(verify: &Verify, types: &[KeyTypes], (index, item): (u64, &str)) -> Result<()> {
    let Ok(own) = Items::from_array(format!("[{item}]")) else { return Ok(()) };
    for (path, types) in verify.key.iter().zip(types) {
        let json = own.get(0).and_then(|item| value_at(item, path));
        if let Some(json) = json.filter(|json| types.lacks(Some(json))) {
            let (name, path) = (format!("verify: item {index}"), FieldPath::from(path.clone()));
            let settle = "or look at the records, and use `opnode items settle`";
            let error = other_type(&name, (&path, json), ("the records", &path), *types);
            return Err(error.with(|d| d.advice = d.advice.take().map(|own| own.and(settle))));
        }
    }
    Ok(())
}

/// The value at a path; an item that is no object is its own key.
fn value_at<'i>(item: Item<'i>, path: &[String]) -> Option<&'i str> {
    if item.as_str().starts_with(['{', '[']) { item.raw(path) } else { Some(item.as_str()) }
}

/// The error of an item whose record is not there.
pub(in crate::batch) fn not_there() -> Error {
    Error::new(ErrorKind::Rejected, "its record is not there: it did not take effect")
}

/// A line about what was found.
pub(super) fn told(unknown: usize, (found, again): (usize, usize), is_sent_again: bool) -> String {
    let plural = if unknown == 1 { "" } else { "s" };
    let left = if is_sent_again { "sent again" } else { "left as failed" };
    format!("of {unknown} unknown item{plural}, {} took effect, {again} did not and are {left}", found - again)
}

/// The keys of the items that did not take effect.
pub(super) fn not_done(found: &BTreeMap<(u64, u64), FoundRecord>) -> BTreeSet<(u64, u64)> {
    found.iter().filter(|(_, found)| matches!(found, FoundRecord::NotDone)).map(|(key, _)| *key).collect()
}
