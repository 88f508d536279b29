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
use crate::row_work::{FieldPath, KeyTypes, other_type, put_key};
use crate::run_store::ItemContent;
use crate::send::Cancel;

/// What was found out about an item.
pub(in crate::batch) enum FoundRecord {
    /// It took effect; the record, if there is one.
    Done(Option<String>),
    /// It did not take effect.
    NotDone,
    /// What was found proves nothing: why.
    Undecided(String),
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
    let (wanted, undecided) = wanted(look_up, known);
    let mut found: BTreeMap<(u64, u64), FoundRecord> =
        undecided.into_iter().map(|(key, why)| (key, FoundRecord::Undecided(why))).collect();
    let mut rows = ComparedRows::new(verify);
    if !verify.is_per_item && !wanted.is_empty() {
        look_up.query(&options(scope)?, &mut |row| rows.compare(&wanted, row)).await?;
    }
    for (key, item) in wanted.values().flatten() {
        if verify.is_per_item {
            rows = ComparedRows::new(verify);
            let options = options(&scope.with_item(item, key.1))?;
            look_up.query(&options, &mut |row| rows.compare(&wanted, row)).await?;
        }
        rows.check(key.1, item)?;
        let record = key_of(verify, item).ok().and_then(|key| rows.found.get(&key)).cloned();
        found.insert(*key, look_up.judged(item, record));
    }
    Ok(found)
}

/// Items by the key of their record, as bytes that are equal for equal values.
type WantedItems<'i> = BTreeMap<Vec<u8>, Vec<((u64, u64), &'i str)>>;

/// Items that cannot be looked up, with the reason.
type UndecidedItems = Vec<((u64, u64), String)>;

/// The items that can be looked up; and those of which a record would prove nothing, with the reason.
fn wanted<'i>(look_up: &LookUp<'_>, items: Vec<(&(u64, u64), &'i str)>) -> (WantedItems<'i>, UndecidedItems) {
    let (mut wanted, mut undecided) = (WantedItems::new(), UndecidedItems::new());
    for (key, item) in items {
        match key_of(look_up.verify, item) {
            Ok(bytes) => wanted.entry(bytes).or_default().push((*key, item)),
            Err(why) => undecided.push((*key, why)),
        }
    }
    if look_up.method != Method::Delete {
        let several: Vec<_> = wanted.extract_if(.., |_, items| items.len() > 1).flat_map(|(_, items)| items).collect();
        let why = "several items have its key, and a record shows only one";
        undecided.extend(several.into_iter().map(|(key, _)| (key, why.to_owned())));
    }
    (wanted, undecided)
}

/// The key of an item; `Err` with the reason if it has none.
fn key_of(verify: &Verify, item: &str) -> Result<Vec<u8>, String> {
    let items = Items::from_array(format!("[{item}]")).unwrap_or_default();
    let mut bytes = Vec::new();
    for path in &verify.key {
        let name = path.join("/");
        let value = items.get(0).and_then(|item| value_at(item, path)).filter(|value| *value != "null");
        let value = value.ok_or_else(|| format!("the item has no `{name}`"))?;
        put_key(&mut bytes, value).map_err(|why| format!("its `{name}` {why}"))?;
    }
    Ok(bytes)
}

/// The rows of a query, compared with keys.
struct ComparedRows<'v> {
    verify: &'v Verify,
    found: BTreeMap<Vec<u8>, String>,
    types: Vec<KeyTypes>,
    /// Whether a row was read, and whether one had the whole key.
    seen: (bool, bool),
}

impl<'v> ComparedRows<'v> {
    fn new(verify: &'v Verify) -> ComparedRows<'v> {
        let types = vec![KeyTypes::default(); verify.key.len()];
        ComparedRows { verify, found: BTreeMap::new(), types, seen: (false, false) }
    }

    fn compare(&mut self, wanted: &WantedItems<'_>, row: Item<'_>) {
        self.types.iter_mut().zip(&self.verify.key).for_each(|(types, path)| types.add(value_at(row, path)));
        let key = key_of(self.verify, row.as_str());
        self.seen = (true, self.seen.1 || key.is_ok());
        if let Ok(key) = key
            && wanted.contains_key(&key)
        {
            self.found.entry(key).or_insert_with(|| row.as_str().to_owned());
        }
    }

    /// Whether the keys of the rows can be compared with that of an item.
    ///
    /// # Errors
    /// `bad_response` when no row has the key; `invalid_items` when the keys are of different types.
    fn check(&self, index: u64, item: &str) -> Result<()> {
        if self.seen == (true, false) {
            let key: Vec<String> = self.verify.key.iter().map(|path| format!("`{}`", path.join("/"))).collect();
            let id = &self.verify.operation.id;
            let message = format!("verify: no record of {id} has {}, so nothing can be found", key.join(" and "));
            return Err(Error::new(ErrorKind::BadResponse, message).advise("name a field of the records as `key`"));
        }
        check_types(self.verify, &self.types, (index, item))
    }
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
            (_, Some(record)) if is_same_value(item, &record) => FoundRecord::Done(Some(record)),
            (_, Some(_)) if self.verify.is_compared => FoundRecord::NotDone,
            // It may be an older one.
            (_, Some(_)) => FoundRecord::Undecided("a record has its key, but not all of its values".to_owned()),
        }
    }
}

fn incomplete(verify: &Verify) -> Error {
    let message =
        format!("verify: the list of {} is incomplete, so a missing record proves nothing", verify.operation.id);
    Error::new(ErrorKind::BadResponse, message).advise("use a query that returns all records, or one record by its key")
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

/// Lines about what was found.
pub(super) fn told(unknown: usize, found: &BTreeMap<(u64, u64), FoundRecord>, is_sent_again: bool) -> Vec<String> {
    let plural = if unknown == 1 { "" } else { "s" };
    let left = if is_sent_again { "sent again" } else { "left as failed" };
    let number = |is_one: fn(&FoundRecord) -> bool| found.values().filter(|found| is_one(found)).count();
    let done = number(|found| matches!(found, FoundRecord::Done(_)));
    let again = number(|found| matches!(found, FoundRecord::NotDone));
    let mut lines =
        vec![format!("of {unknown} unknown item{plural}, {done} took effect, {again} did not and are {left}")];
    lines.extend(found.iter().filter_map(|((_, index), found)| match found {
        FoundRecord::Undecided(why) => Some(format!("item {index} stays unknown: {why}")),
        FoundRecord::Done(_) | FoundRecord::NotDone => None,
    }));
    lines
}

/// The keys of the items that did not take effect.
pub(super) fn not_done(found: &BTreeMap<(u64, u64), FoundRecord>) -> BTreeSet<(u64, u64)> {
    found.iter().filter(|(_, found)| matches!(found, FoundRecord::NotDone)).map(|(key, _)| *key).collect()
}
