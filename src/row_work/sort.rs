//! Sorts rows by the values of fields. Stable.

use super::fields::{RowName, values_at};
use super::key::put_sort_key;
use super::plan::{FieldPath, SortPlan};
use super::sorter::Sorter;
use super::{RowOutput, RowStream, Workspace, text_of};
use crate::error::Result;

/// Passes the rows in order to `each`: booleans, numbers by exact value, texts by code point; times are texts. Rows with
/// equal values keep their order.
///
/// # Errors
/// `invalid_items` with the number of a row whose field is a list or an object; otherwise as for
/// [`WorkPlan::run`](super::WorkPlan::run).
pub(crate) fn sort(
    rows: &mut RowStream<'_>,
    plan: &SortPlan,
    work: &Workspace,
    each: &mut RowOutput<'_>,
) -> Result<()> {
    plan.check()?;
    let paths: Vec<&FieldPath> = plan.by.iter().map(|key| &key.path).collect();
    let mut sorter = Sorter::new(work, work.budget());
    let mut key = Vec::new();
    for (number, row) in (1..).zip(rows) {
        let (row, name) = (row?, RowName::row(number));
        work.tick()?;
        key.clear();
        for (value, by) in values_at(&row, &paths, name)?.into_iter().zip(&plan.by) {
            put_sort_key(&mut key, value, by, name)?;
        }
        sorter.add(&key, row.as_bytes())?;
    }
    let mut sorted = sorter.sorted()?;
    while let Some((_, row)) = sorted.next_record()? {
        each(text_of(row)?)?;
    }
    Ok(())
}
