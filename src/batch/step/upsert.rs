//! What an upsert does with each item, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::context::Task;
use super::same::is_same;
use crate::batch::local_plan::{ComparePlan, UpsertedPlan};
use crate::batch::run::run_values::step_view;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::RowSource;
use crate::json_text::{fields_of, put_object};
use crate::receipt::Usage;
use crate::run_store::{Extent, RowReader, RowStore, RunStore, StepPlace, StepState};

/// Rows of the result between two looks at whether the run must stop.
const ROWS_PER_CHECK: u64 = 4096;

/// The decision for a row with `item` and `found`: the same row with `outcome`, `key` and `send`.
///
/// # Errors
/// `invalid_items` when the item is no object, or the record lacks a field that names it.
pub(super) fn compare(plan: &ComparePlan, row: &str, number: u64) -> Result<String> {
    let wrong = |why: String| Error::new(ErrorKind::InvalidItems, format!("item {number}: {why}"));
    let fields = fields_of(row).unwrap_or_default();
    let field = |name: &str| fields.iter().find(|(own, _)| own == name).map_or("null", |(_, raw)| raw.get());
    let (item, found) = (field("item"), field("found"));
    let own = fields_of(item).ok_or_else(|| wrong("an upsert needs objects".to_owned()))?;
    let key = key_of(plan, item);
    if let Some(path) = plan.key.iter().find(|path| at(item, path.names()) == "null") {
        return Err(wrong(format!("it has no `{}`, by which its record is found", path.names().join("/")))
            .advise("fill it, or leave such items out with `where`"));
    }
    let Some(record) = fields_of(found) else {
        let outcome = if plan.creates { "create" } else { "missing" };
        return Ok(decided(outcome, &key, item, item, found));
    };
    let differs = |(name, raw): &&(String, &RawValue)| {
        let there = record.iter().find(|(own, _)| own == name).map_or("null", |(_, raw)| raw.get());
        !is_same(raw.get(), there)
    };
    let changes: Vec<&(String, &RawValue)> = own.iter().filter(differs).collect();
    if changes.is_empty() {
        return Ok(decided("same", &key, "null", item, found));
    }
    if !plan.updates {
        return Ok(decided("different", &key, "null", item, found));
    }
    let mut sent: Vec<(&str, &str)> = Vec::new();
    for name in &plan.id {
        let id = record.iter().find(|(own, _)| own == name).map(|(_, raw)| raw.get()).filter(|raw| *raw != "null");
        let id = id.ok_or_else(|| {
            wrong(format!("the found record has no `{name}`, which names it"))
                .advise("set `id` of the upsert to the field that names a record")
        })?;
        sent.push((name, id));
    }
    let changed = |name: &str| changes.iter().any(|(own, _)| own == name);
    if plan.is_whole {
        let kept = record.iter().filter(|(name, _)| !plan.id.contains(name) && !changed(name));
        sent.extend(kept.map(|(name, raw)| (name.as_str(), raw.get())));
    }
    sent.extend(
        changes.iter().filter(|(name, _)| !plan.id.contains(name)).map(|(name, raw)| (name.as_str(), raw.get())),
    );
    let mut send = String::new();
    put_object(&mut send, sent, |out, raw| out.push_str(raw));
    Ok(decided("update", &key, &send, item, found))
}

/// The value of a field within fields; null if it is not there.
fn at(item: &str, names: &[String]) -> String {
    let mut raw = item.to_owned();
    for name in names {
        let found = fields_of(&raw).and_then(|fields| fields.into_iter().find(|(own, _)| own == name));
        raw = found.map_or_else(|| "null".to_owned(), |(_, raw)| raw.get().to_owned());
    }
    raw
}

/// The key of an item: its value, or a list of values.
fn key_of(plan: &ComparePlan, item: &str) -> String {
    let values: Vec<String> = plan.key.iter().map(|path| at(item, path.names())).collect();
    match values.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(",")),
    }
}

fn decided(outcome: &str, key: &str, send: &str, item: &str, found: &str) -> String {
    let mut out = String::new();
    let outcome = format!("\"{outcome}\"");
    let fields = [("outcome", outcome.as_str()), ("key", key), ("send", send), ("item", item), ("found", found)];
    put_object(&mut out, fields, |out, raw| out.push_str(raw));
    out
}

/// The writes of one kind, in the order of the items.
pub(super) struct WrittenItems {
    failed: BTreeSet<u64>,
    unknown: BTreeSet<u64>,
    settled: BTreeSet<u64>,
    /// The records that were returned, if there is one for each item that succeeded.
    records: Option<WrittenRecords>,
    next: u64,
}

/// Records in the order in which the items succeeded: items that were sent again come last.
struct WrittenRecords {
    rows: Arc<dyn RowSource>,
    reader: Box<dyn RowReader>,
    /// The row that the reader gives next.
    at: u64,
    /// The first of neighbouring items, their number, and the row of the first; by item.
    order: Vec<(u64, u64, u64)>,
}

impl WrittenRecords {
    /// The record of an item.
    fn of(&mut self, index: u64) -> Result<Option<String>> {
        let part = self.order.partition_point(|(first, _, _)| *first <= index).checked_sub(1);
        let Some((first, count, row)) = part.and_then(|part| self.order.get(part)).copied() else { return Ok(None) };
        if index - first >= count {
            return Ok(None);
        }
        let row = row + (index - first);
        if row == self.at {
            self.at += 1;
            return Ok(self.reader.next_row()?.map(str::to_owned));
        }
        Ok(self.rows.row(row)?.map(|row| row.as_ref().to_owned()))
    }
}

impl WrittenItems {
    fn open(task: &Task<'_>, id: Option<&String>) -> Result<WrittenItems> {
        let none = BTreeSet::new;
        let nothing = WrittenItems { failed: none(), unknown: none(), settled: none(), records: None, next: 0 };
        let Some(id) = id else { return Ok(nothing) };
        let state: StepState = task.context.ledger.state().step(&format!("{}/{id}", task.job.name));
        let place = StepPlace { job: task.job.name.clone(), step: id.to_owned() };
        WrittenItems::of(&task.context.store, &place, &state)
    }

    /// The items of a write.
    pub(super) fn of(store: &Arc<dyn RunStore>, place: &StepPlace, state: &StepState) -> Result<WrittenItems> {
        let index = |keys: &BTreeSet<(u64, u64)>| keys.iter().map(|(_, index)| *index).collect::<BTreeSet<u64>>();
        let settled = state.settled.keys().map(|(_, index)| *index).collect();
        let is_one_each = state.extent().rows == state.ok;
        let records = if is_one_each { Some(WrittenItems::records(store, place, state)?) } else { None };
        Ok(WrittenItems { failed: index(&state.failed), unknown: index(&state.unknown), settled, records, next: 0 })
    }

    fn records(store: &Arc<dyn RunStore>, place: &StepPlace, state: &StepState) -> Result<WrittenRecords> {
        let store: Arc<dyn RowStore> = Arc::clone(store) as Arc<dyn RowStore>;
        let reader = store.rows(place, state.marks.all().into())?;
        let rows = step_view(store, place.clone(), state, None).rows;
        let mut order: Vec<(u64, u64, u64)> = Vec::new();
        let mut row = 0;
        for (first, count) in &state.written {
            order.push((*first, *count, row));
            row += count;
        }
        order.sort_unstable();
        Ok(WrittenRecords { rows, reader, at: 0, order })
    }

    /// What became of the next item, and the record that was returned.
    pub(super) fn next(&mut self, done: &'static str) -> Result<(&'static str, Option<String>)> {
        let index = self.next;
        self.next += 1;
        if self.failed.contains(&index) {
            return Ok(("failed", None));
        }
        if self.unknown.contains(&index) {
            return Ok(("unknown", None));
        }
        if self.settled.contains(&index) {
            return Ok(("settled", None));
        }
        let record = self.records.as_mut().map(|records| records.of(index)).transpose()?;
        Ok((done, record.flatten()))
    }
}

/// Reports what became of each item: a row with `outcome`, `key`, `record` and `item`.
///
/// # Errors
/// `state` when the disk fails.
pub(in crate::batch) async fn run(task: &Task<'_>, plan: &UpsertedPlan) -> Result<()> {
    let store = &task.context.store;
    store.clear(&task.place)?;
    let mut rows = store.writer(&task.place, Extent::default(), true)?;
    let (mut created, mut changed) =
        (WrittenItems::open(task, plan.create.as_ref())?, WrittenItems::open(task, plan.update.as_ref())?);
    let decided = task.scope.steps.get(&plan.plan).map(|view| view.rows.rows()).transpose()?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (number, row) in (1_u64..).zip(decided.into_iter().flatten()) {
        let row = row?;
        let fields = fields_of(&row).unwrap_or_default();
        let field = |name: &str| fields.iter().find(|(own, _)| own == name).map_or("null", |(_, raw)| raw.get());
        let (outcome, record) = match field("outcome") {
            "\"create\"" => created.next("created")?,
            "\"update\"" => changed.next("changed")?,
            "\"same\"" => ("same", None),
            "\"different\"" => ("different", None),
            _ => ("missing", None),
        };
        *counts.entry(outcome).or_default() += 1;
        let record = record.unwrap_or_else(|| field("found").to_owned());
        let mut out = String::new();
        let outcome = format!("\"{outcome}\"");
        let fields =
            [("outcome", outcome.as_str()), ("key", field("key")), ("record", &*record), ("item", field("item"))];
        put_object(&mut out, fields, |out, raw| out.push_str(raw));
        rows.push(&out);
        if number.is_multiple_of(ROWS_PER_CHECK) {
            task.check_stop()?;
            tokio::task::yield_now().await;
        }
    }
    if let Some(id) = &plan.looked_up {
        let known = task.context.ledger.state().step(&format!("{}/{id}", task.job.name));
        let unread = known.elements_left_out().count() as u64;
        counts.extend((unread > 0).then_some(("not looked up", unread)));
    }
    let receipt = |rows| serde_json::json!({ "items": rows, "results": counts });
    task.done(rows, None, Usage::default(), receipt).await
}
