//! Joins two sides by key: each row of the left side gets the matching row of the right side.

use super::fields::{RowName, put_with_field, type_of, values_at};
use super::key::put_keys;
use super::key_types::{KeyTypes, other_type};
use super::matches::{Matches, RIGHT};
use super::plan::{FieldPath, JoinKind, JoinPair, JoinPlan, JoinSides, SeveralMatches};
use super::records::{self, KeyedRecord, RecordReader};
use super::sorter::{Sorted, Sorter};
use super::temporary::TemporaryBytes;
use super::{RowOutput, RowStream, Workspace, number_of, text_of};
use crate::error::{Error, Result};

const LEFT: &str = "row of the left side";

/// Passes the rows of the left side to `each`, in their order, with the matching row as another field.
///
/// Both sides are sorted by key; what the rows of the left side get is sorted by their number, and the stored rows of the
/// left side are read once more.
///
/// # Errors
/// `invalid_items` with the number of a row whose key is a list or an object, of a row of the left side that has the new
/// field already or is not an object, that has several matches, or whose key has a type that no key of the right side
/// has; otherwise as for
/// [`WorkPlan::run`](super::WorkPlan::run).
pub(crate) fn join(
    left: &mut RowStream<'_>,
    right: &mut RowStream<'_>,
    plan: &JoinPlan,
    work: &Workspace,
    each: &mut RowOutput<'_>,
) -> Result<()> {
    plan.check()?;
    let share = work.budget() / 5;
    let (right, types) = right_by_key(right, plan, work, share)?;
    let mut stored = TemporaryBytes::new(work, share);
    let left = left_by_key(left, (plan, &types), work, &mut stored)?;
    stored.seal(work)?;
    let found = found(left, Matches::new(right, plan, share)?, work, plan)?;
    emit(stored, found, plan, work, each)
}

/// A row of the left side in messages. Items are counted from 0.
fn left_name(plan: &JoinPlan, number: u64) -> RowName {
    match plan.sides {
        JoinSides::Rows => RowName { side: LEFT, number },
        JoinSides::Records | JoinSides::Items => RowName { side: "item", number: number.saturating_sub(1) },
    }
}

/// The rows of the right side with their numbers, by key; and the types of each part of the keys.
fn right_by_key<'w>(
    right: &mut RowStream<'_>,
    plan: &JoinPlan,
    work: &'w Workspace,
    share: usize,
) -> Result<(Sorted<'w>, Vec<KeyTypes>)> {
    let paths: Vec<&FieldPath> = plan.on.iter().map(|pair| &pair.right).collect();
    let mut types = vec![KeyTypes::default(); paths.len()];
    let mut sorter = Sorter::new(work, share);
    let (mut key, mut value) = (Vec::new(), Vec::new());
    for (number, row) in (1_u64..).zip(right) {
        let (row, name) = (row?, RowName { side: RIGHT, number });
        work.tick()?;
        key.clear();
        let values = values_at(&row, &paths, name)?;
        if put_keys(&mut key, &values, &paths, name)? {
            continue;
        }
        types.iter_mut().zip(&values).for_each(|(types, json)| types.add(*json));
        value.clear();
        value.extend_from_slice(&number.to_be_bytes());
        if plan.kind != JoinKind::Missing {
            value.extend_from_slice(row.as_bytes());
        }
        sorter.add(&key, &value)?;
    }
    Ok((sorter.sorted()?, types))
}

/// The numbers of the rows of the left side by key; the rows are stored.
fn left_by_key<'w>(
    left: &mut RowStream<'_>,
    (plan, types): (&JoinPlan, &[KeyTypes]),
    work: &'w Workspace,
    stored: &mut TemporaryBytes,
) -> Result<Sorted<'w>> {
    let field = plan.field.iter().map(|name| FieldPath::from(vec![name.clone()])).next();
    let paths: Vec<&FieldPath> = plan.on.iter().map(|pair| &pair.left).collect();
    let read: Vec<&FieldPath> = paths.iter().copied().chain(&field).collect();
    let mut sorter = Sorter::new(work, work.budget() / 5);
    let mut key = Vec::new();
    for (number, row) in (1_u64..).zip(left) {
        let (row, name) = (row?, left_name(plan, number));
        work.tick()?;
        let values = values_at(&row, &read, name)?;
        if let Some(field) = &field {
            check_room(&row, values.last().copied().flatten(), field, name)?;
        }
        records::append(stored, &[], row.as_bytes(), work)?;
        key.clear();
        if !put_keys(&mut key, &values, &paths, name)? {
            check_types(&values, (plan, types), name)?;
            sorter.add(&key, &number.to_be_bytes())?;
        }
    }
    sorter.sorted()
}

/// A key must have a type that the other side has at each of its parts.
fn check_types(values: &[Option<&str>], (plan, types): (&JoinPlan, &[KeyTypes]), name: RowName) -> Result<()> {
    for ((pair, types), json) in plan.on.iter().zip(types).zip(values) {
        if let Some(json) = json.filter(|json| types.lacks(Some(json))) {
            let (own, side) = shown(pair, plan.sides);
            return Err(other_type(&name.to_string(), (&own, json), (side, &pair.right), *types));
        }
    }
    Ok(())
}

/// The field of the left side as its author knows it, and the name of the right side.
fn shown(pair: &JoinPair, sides: JoinSides) -> (FieldPath, &'static str) {
    match sides {
        JoinSides::Rows => (pair.left.clone(), "the right side"),
        JoinSides::Records | JoinSides::Items => {
            (pair.left.names().iter().skip(1).cloned().collect::<Vec<_>>().into(), "the records")
        }
    }
}

/// A row of the left side must be able to get the new field.
pub(super) fn check_room(row: &str, present: Option<&str>, field: &FieldPath, name: RowName) -> Result<()> {
    let fault = |why: String| -> Result<(), Error> {
        Err(name.misfit(field, why).advise("give `as` another name, or change the rows with `map` first"))
    };
    match present {
        _ if !row.starts_with('{') => fault(format!("cannot be added, because the row is {}", type_of(row))),
        Some(_) => fault("is in the row already".to_owned()),
        None => Ok(()),
    }
}

/// What rows of the left side get, by their numbers.
fn found<'w>(mut left: Sorted, mut matches: Matches, work: &'w Workspace, plan: &JoinPlan) -> Result<Sorted<'w>> {
    let mut found = Sorter::new(work, work.budget() / 5);
    while let Some((key, number)) = left.next_record()? {
        let name = left_name(plan, number_of(number));
        match plan.kind {
            JoinKind::Matching | JoinKind::All => {
                if let Some(text) = matches.find(key, name)? {
                    found.add(number, text.as_bytes())?;
                }
            }
            JoinKind::Missing => {
                if matches.is_there(key)? {
                    found.add(number, &[])?;
                }
            }
        }
    }
    found.sorted()
}

fn emit(
    stored: TemporaryBytes,
    mut found: Sorted,
    plan: &JoinPlan,
    work: &Workspace,
    each: &mut RowOutput<'_>,
) -> Result<()> {
    let mut rows = RecordReader::all(stored, work.budget() / 10, work);
    let mut row = KeyedRecord::default();
    let mut next = KeyedRecord::default();
    let mut has_next = found.next_into(&mut next)?;
    let none = if plan.several == SeveralMatches::List { "[]" } else { "null" };
    let field = plan.field.as_deref().unwrap_or_default();
    let mut out = String::new();
    let mut number = 0;
    while rows.next_into(&mut row)? {
        number += 1;
        let row = text_of(&row.value)?;
        let is_found = has_next && number_of(&next.key) == number;
        out.clear();
        match (plan.kind, is_found) {
            (JoinKind::Matching | JoinKind::All, true) => {
                put_with_field(&mut out, row, field, text_of(&next.value)?);
                each(&out)?;
            }
            (JoinKind::All, false) => {
                put_with_field(&mut out, row, field, none);
                each(&out)?;
            }
            (JoinKind::Missing, false) => each(row)?,
            (JoinKind::Matching, false) | (JoinKind::Missing, true) => {}
        }
        if is_found {
            has_next = found.next_into(&mut next)?;
        }
    }
    Ok(())
}
