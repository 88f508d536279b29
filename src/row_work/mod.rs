//! Operations on rows on disk: sort, dedupe, join, aggregate, flatten, and an index of rows by key.
//!
//! Rows are JSON texts in a stream. Each operation holds at most the budget of its [`Workspace`] in memory, and one row;
//! more goes to temporary files. Its time is linear, or n log n. The same input gives the same output, byte for byte.
//! Rows are numbered from 1 in errors.

mod aggregate;
mod dedupe;
mod fields;
mod flatten;
mod group;
mod join;
mod key;
mod key_index;
mod key_types;
mod matches;
#[cfg(test)]
mod model_tests;
mod plan;
mod records;
mod sort;
mod sorter;
mod temporary;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

pub(crate) use aggregate::aggregate;
pub(crate) use dedupe::dedupe;
pub(crate) use flatten::{BOTH, flatten, flatten_row};
pub(crate) use join::join;
pub(crate) use key::put_key;
pub(crate) use key_index::{KeyIndex, NdjsonFile, RowsAt};
pub(crate) use key_types::{KeyTypes, other_type};
pub(crate) use plan::{
    AggregateFunction, AggregatePlan, AggregateValue, DedupePlan, EmptyList, FieldPath, FlattenPlan, GroupField,
    JoinKind, JoinPair, JoinPlan, JoinSides, KeptRow, NullKeys, NullOrder, ParentFields, SeveralMatches, SortKey,
    SortPlan, WorkPlan,
};
pub(crate) use sort::sort;
pub(crate) use temporary::{TemporaryBytes, Workspace};

/// Rows one after the other, each as JSON text.
pub(crate) type RowStream<'r> = dyn Iterator<Item = Result<Arc<str>>> + 'r;

/// Receives the rows of the result.
pub(crate) type RowOutput<'o> = dyn FnMut(&str) -> Result<()> + 'o;

/// The rows that an operation reads.
pub(crate) struct WorkInput<'i, 'r> {
    pub(crate) rows: &'i mut RowStream<'r>,
    /// The right side of a join.
    pub(crate) right: Option<&'i mut RowStream<'r>>,
}

impl WorkPlan {
    /// Passes the rows of the result to `each`.
    ///
    /// # Errors
    /// `invalid_options` for a plan that fails its [`check`](WorkPlan::check); `invalid_items` with the number of a row
    /// that does not fit; `limit` for a list or number that is too long; `state` when a temporary file cannot be written
    /// or read; and those of the rows, of `each` and of the workspace's `check`.
    pub(crate) fn run(&self, input: WorkInput<'_, '_>, work: &Workspace, each: &mut RowOutput<'_>) -> Result<()> {
        let WorkInput { rows, right } = input;
        match self {
            WorkPlan::Sort(plan) => sort(rows, plan, work, each),
            WorkPlan::Dedupe(plan) => dedupe(rows, plan, work, each),
            WorkPlan::Join(plan) => match right {
                Some(right) => join(rows, right, plan, work, each),
                None => Err(Error::new(ErrorKind::Internal, "a join has no rows for its right side")),
            },
            WorkPlan::Aggregate(plan) => aggregate(rows, plan, work, each),
            WorkPlan::Flatten(plan) => flatten(rows, plan, work, each),
        }
    }
}

/// Text that was written to a temporary file.
fn text_of(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| {
        Error::new(ErrorKind::State, "a temporary file is damaged: a row in it is not UTF-8")
            .advise("another process has changed this temporary file: run it again")
    })
}

/// A number that was written as 8 bytes, largest first.
fn number_of(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
