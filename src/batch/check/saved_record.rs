//! What is known of the rows of a step that are saved.

use crate::batch::file::StepFile;
use crate::definition::{Fields, Method, Operation};
use crate::expression::Shape;

/// What is known of the rows that are saved.
pub(super) struct SavedRecord<'r> {
    pub(super) fields: &'r Fields,
    pub(super) map: Option<&'r Shape>,
    pub(super) operation: Option<&'r Operation>,
    /// Whether the rows are only those since a watermark.
    pub(super) is_partial: bool,
    /// Whether there is an outcome for each item: the step writes, once for all its items.
    pub(super) has_outcomes: bool,
}

impl<'r> SavedRecord<'r> {
    /// Of a step that calls an operation.
    pub(super) fn of(
        (fields, map): (&'r Fields, Option<&'r Shape>),
        operation: Option<&'r Operation>,
        file: &StepFile,
    ) -> SavedRecord<'r> {
        let is_query = operation.is_none_or(|operation| operation.method == Method::Query);
        SavedRecord {
            fields,
            map: map.filter(|_| is_query),
            operation,
            is_partial: file.watermark.is_some(),
            has_outcomes: !is_query && file.each.is_none(),
        }
    }
}
