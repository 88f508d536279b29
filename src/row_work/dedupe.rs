//! Keeps one row of those with equal keys, in the order of the input.

use super::fields::{RowName, values_at};
use super::key::put_keys;
use super::plan::{DedupePlan, FieldPath, KeptRow, NullKeys};
use super::records::{self, KeyedRecord, RecordReader};
use super::sorter::{Sorted, Sorter};
use super::temporary::TemporaryBytes;
use super::{RowOutput, RowStream, Workspace, number_of, text_of};
use crate::error::Result;

/// Passes the kept rows to `each`.
///
/// All rows are stored; their numbers are sorted by key, which finds the rows to keep; these numbers are sorted, and the
/// stored rows are read once more.
///
/// # Errors
/// `invalid_items` with the number of a row whose key is a list or an object; otherwise as for
/// [`WorkPlan::run`](super::WorkPlan::run).
pub(crate) fn dedupe(
    rows: &mut RowStream<'_>,
    plan: &DedupePlan,
    work: &Workspace,
    each: &mut RowOutput<'_>,
) -> Result<()> {
    plan.check()?;
    let share = work.budget() / 3;
    let paths: Vec<&FieldPath> = plan.by.iter().collect();
    let mut stored = TemporaryBytes::new(work, share);
    let mut by_key = Sorter::new(work, share);
    let mut kept = Sorter::new(work, share);
    let mut key = Vec::new();
    for (number, row) in (1_u64..).zip(rows) {
        let (row, name) = (row?, RowName::row(number));
        work.tick()?;
        key.clear();
        let has_null = put_keys(&mut key, &values_at(&row, &paths, name)?, &paths, name)?;
        records::append(&mut stored, &[], row.as_bytes(), work)?;
        match (has_null, plan.nulls) {
            (true, NullKeys::Distinct) => kept.add(&number.to_be_bytes(), &[])?,
            (true, NullKeys::Equal) | (false, NullKeys::Distinct | NullKeys::Equal) => {
                by_key.add(&key, &number.to_be_bytes())?;
            }
        }
    }
    stored.seal(work)?;
    keep_one_of_each(by_key.sorted()?, plan.keep, &mut kept)?;
    emit(stored, kept.sorted()?, work, each)
}

/// Adds the number of one row of each key.
fn keep_one_of_each(mut by_key: Sorted, keep: KeptRow, kept: &mut Sorter) -> Result<()> {
    // The row of the current key that is kept.
    let mut current: Option<KeyedRecord> = None;
    let mut next = KeyedRecord::default();
    while by_key.next_into(&mut next)? {
        match &mut current {
            Some(current) if current.key == next.key => match keep {
                KeptRow::First => {}
                KeptRow::Last => std::mem::swap(current, &mut next),
            },
            Some(current) => {
                kept.add(&current.value, &[])?;
                std::mem::swap(current, &mut next);
            }
            None => current = Some(std::mem::take(&mut next)),
        }
    }
    current.map_or(Ok(()), |last| kept.add(&last.value, &[]))
}

fn emit(stored: TemporaryBytes, mut kept: Sorted, work: &Workspace, each: &mut RowOutput<'_>) -> Result<()> {
    let mut rows = RecordReader::all(stored, work.budget() / 8, work);
    let mut row = KeyedRecord::default();
    let mut number = 0;
    while let Some((wanted, _)) = kept.next_record()? {
        let wanted = number_of(wanted);
        while number < wanted && rows.next_into(&mut row)? {
            number += 1;
        }
        each(text_of(&row.value)?)?;
    }
    Ok(())
}
