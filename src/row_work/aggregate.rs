//! Computes values over groups of rows: the needed fields are sorted by group, and each group is read once.

use super::fields::{RowName, values_at};
use super::group::Accumulator;
use super::key::{present, put_key, put_keys};
use super::plan::{AggregateFunction, AggregatePlan, AggregateValue, FieldPath};
use super::records::{self, KeyedRecord};
use super::sorter::{Sorted, Sorter};
use super::{RowOutput, RowStream, Workspace, number_of, text_of};
use crate::error::Result;
use crate::json_text::put_object;

/// Passes one row for each group to `each`, in order of the groups' values: the fields of the group as its first row has
/// them, then the values. Without fields to group by there is one row, also without any input.
///
/// # Errors
/// `invalid_items` with the number of a row whose field has the wrong type; `limit` for a list with too many elements;
/// otherwise as for [`WorkPlan::run`](super::WorkPlan::run).
pub(crate) fn aggregate(
    rows: &mut RowStream<'_>,
    plan: &AggregatePlan,
    work: &Workspace,
    each: &mut RowOutput<'_>,
) -> Result<()> {
    plan.check()?;
    let is_large = |function| matches!(function, AggregateFunction::CountDistinct | AggregateFunction::List);
    let share = work.budget() / (1 + plan.values.iter().filter(|value| is_large(value.function)).count());
    let mut sorters = GroupSorters::new(plan, work, share);
    for (number, row) in (1_u64..).zip(rows) {
        work.tick()?;
        sorters.add(&row?, number)?;
    }
    let mut distinct = Vec::new();
    for sorter in sorters.distinct {
        distinct.push(match sorter {
            Some(sorter) => Some(DistinctKeys::new(sorter.sorted()?)?),
            None => None,
        });
    }
    Groups { plan, distinct, list_max: share, out: String::new() }.emit(sorters.rows.sorted()?, each)
}

/// The rows by group.
struct GroupSorters<'p, 'w> {
    plan: &'p AggregatePlan,
    paths: Vec<&'p FieldPath>,
    /// The needed fields of the rows.
    rows: Sorter<'w>,
    /// For each value that counts distinct ones, these.
    distinct: Vec<Option<Sorter<'w>>>,
    key: Vec<u8>,
    record: Vec<u8>,
}

impl<'p, 'w> GroupSorters<'p, 'w> {
    fn new(plan: &'p AggregatePlan, work: &'w Workspace<'w>, share: usize) -> GroupSorters<'p, 'w> {
        let by = plan.by.iter().map(|group| &group.path);
        let paths = by.chain(plan.values.iter().filter_map(|value| value.path.as_ref())).collect();
        let distinct = |value: &AggregateValue| {
            (value.function == AggregateFunction::CountDistinct).then(|| Sorter::new(work, share))
        };
        let (rows, distinct) = (Sorter::new(work, share), plan.values.iter().map(distinct).collect());
        GroupSorters { plan, paths, rows, distinct, key: Vec::new(), record: Vec::new() }
    }

    fn add(&mut self, row: &str, number: u64) -> Result<()> {
        let name = RowName::row(number);
        let read = values_at(row, &self.paths, name)?;
        let by = self.plan.by.len();
        self.key.clear();
        put_keys(&mut self.key, read.get(..by).unwrap_or_default(), &self.paths, name)?;
        self.record.clear();
        self.record.extend_from_slice(&number.to_be_bytes());
        for value in read.iter().take(by) {
            put_field(&mut self.record, present(*value))?;
        }
        let mut read = read.into_iter().skip(by);
        for (value, distinct) in self.plan.values.iter().zip(&mut self.distinct) {
            let found = match &value.path {
                Some(_) => present(read.next().flatten()),
                // The number of rows.
                None => Some(""),
            };
            match (value.function, distinct, found) {
                (AggregateFunction::Count, _, found) => put_field(&mut self.record, found.map(|_| ""))?,
                (_, Some(sorter), Some(json)) => {
                    let length = self.key.len();
                    let path = value.path.as_ref();
                    let fit = put_key(&mut self.key, json);
                    fit.map_err(|why| name.misfit(path.unwrap_or(&FieldPath::default()), why))?;
                    sorter.add(&self.key, &[])?;
                    self.key.truncate(length);
                    put_field(&mut self.record, None)?;
                }
                (_, Some(_), None) => put_field(&mut self.record, None)?,
                (_, None, found) => put_field(&mut self.record, found)?,
            }
        }
        self.rows.add(&self.key, &self.record)
    }
}

/// The length of a field that is null.
const NULL: u32 = u32::MAX;

fn put_field(record: &mut Vec<u8>, json: Option<&str>) -> Result<()> {
    let length = json.map_or(Ok(NULL), |json| records::length_of(json.as_bytes()))?;
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(json.unwrap_or_default().as_bytes());
    Ok(())
}

/// Removes the first field of a record.
fn take_field<'r>(record: &mut &'r [u8]) -> Result<Option<&'r str>> {
    let (head, rest) = record.split_at_checked(4).unwrap_or_default();
    let length = head.iter().fold(0, |length, byte| (length << 8) | u32::from(*byte));
    if length == NULL {
        *record = rest;
        return Ok(None);
    }
    let (field, rest) = rest.split_at_checked(length as usize).unwrap_or_default();
    *record = rest;
    text_of(field).map(Some)
}

/// Distinct values, in order of their groups.
struct DistinctKeys<'w> {
    sorted: Sorted<'w>,
    next: KeyedRecord,
    has_next: bool,
}

impl<'w> DistinctKeys<'w> {
    fn new(mut sorted: Sorted<'w>) -> Result<DistinctKeys<'w>> {
        let mut next = KeyedRecord::default();
        let has_next = sorted.next_into(&mut next)?;
        Ok(DistinctKeys { sorted, next, has_next })
    }

    /// How many a group has. Groups must be asked for in their order.
    fn count(&mut self, group: &[u8]) -> Result<u64> {
        let mut count = 0;
        let mut last = Vec::new();
        while self.has_next && self.next.key.starts_with(group) {
            // A key is never empty: it has at least the type of the value.
            if self.next.key != last {
                count += 1;
                std::mem::swap(&mut last, &mut self.next.key);
            }
            self.has_next = self.sorted.next_into(&mut self.next)?;
        }
        Ok(count)
    }
}

/// Writes a row for each group.
struct Groups<'p, 'w> {
    plan: &'p AggregatePlan,
    distinct: Vec<Option<DistinctKeys<'w>>>,
    list_max: usize,
    out: String,
}

/// The group that is read: its key, the JSON of its fields, and its values.
struct OpenGroup {
    key: Vec<u8>,
    by: Vec<String>,
    values: Vec<Accumulator>,
}

impl Groups<'_, '_> {
    fn emit(mut self, mut rows: Sorted, each: &mut RowOutput<'_>) -> Result<()> {
        let mut open: Option<OpenGroup> = self.plan.by.is_empty().then(|| self.open(&[], Vec::new()));
        let mut record = KeyedRecord::default();
        while rows.next_into(&mut record)? {
            let number = number_of(&record.value);
            let mut fields = record.value.get(8..).unwrap_or_default();
            let mut by = Vec::with_capacity(self.plan.by.len());
            for _ in &self.plan.by {
                by.push(take_field(&mut fields)?);
            }
            let mut group = match open.take() {
                Some(group) if group.key == record.key => group,
                before => {
                    if let Some(before) = before {
                        self.close(before, each)?;
                    }
                    self.open(&record.key, by)
                }
            };
            for (value, plan) in group.values.iter_mut().zip(&self.plan.values) {
                value.add(take_field(&mut fields)?, plan, RowName::row(number))?;
            }
            open = Some(group);
        }
        open.map_or(Ok(()), |last| self.close(last, each))
    }

    fn open(&self, key: &[u8], by: Vec<Option<&str>>) -> OpenGroup {
        let values = self.plan.values.iter().map(|value| Accumulator::new(value, self.list_max)).collect();
        let by = by.into_iter().map(|json| json.unwrap_or("null").to_owned()).collect();
        OpenGroup { key: key.to_owned(), by, values }
    }

    fn close(&mut self, group: OpenGroup, each: &mut RowOutput<'_>) -> Result<()> {
        let mut results = Vec::with_capacity(group.values.len());
        for ((value, plan), distinct) in group.values.into_iter().zip(&self.plan.values).zip(&mut self.distinct) {
            results.push(match distinct {
                Some(distinct) => distinct.count(&group.key)?.to_string(),
                None => value.into_json(plan.function),
            });
        }
        self.out.clear();
        let by = self.plan.by.iter().map(|by| &*by.name).zip(&group.by);
        let values = self.plan.values.iter().map(|value| &*value.name).zip(&results);
        put_object(&mut self.out, by.chain(values), |out, json| out.push_str(json));
        each(&self.out)
    }
}
