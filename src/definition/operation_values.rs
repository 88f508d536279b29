//! The fields of an operation, and the query that returns what one may be. Pure.

use std::sync::Arc;

use super::operation::{Operation, Record};
use super::option_rule::ValueSource;
use super::record_fields::{RecordField, record_fields};
use crate::authoring::Json;

/// The fields of the items of an operation, then those of the record that it returns which these do not have.
#[must_use]
pub fn operation_fields(operation: &Operation) -> Vec<RecordField> {
    let record = operation.record();
    let items = operation.items.as_ref().map(|rule| Record {
        name: record.map_or_else(|| operation.id.clone(), |record| record.name.clone()),
        title: String::new(),
        schema: Json::from(rule.schema.clone()),
        sample: Json("{}".to_owned()),
    });
    let mut fields = items.as_ref().map(record_fields).unwrap_or_default();
    let known: std::collections::HashSet<String> = fields.iter().map(|field| field.path.clone()).collect();
    let others = record.map(record_fields).unwrap_or_default();
    fields.extend(others.into_iter().filter(|field| !known.contains(&field.path)));
    fields
}

/// The values of the field of this name. Those of a reference are those of its key: `board` and `board/id` have the same,
/// whichever of them the definition gives them to.
#[must_use]
pub fn field_values(fields: &[RecordField], name: &str) -> Option<Arc<ValueSource>> {
    let of = |path: &str| fields.iter().find(|field| field.path == path)?.values.clone();
    let is_key = |values: &ValueSource, last: &str| values.value.tokens().last().is_some_and(|token| token == last);
    if let Some(values) = of(name) {
        return Some(values);
    }
    if let Some((above, last)) = name.rsplit_once('/')
        && let Some(values) = of(above)
    {
        return Some(values).filter(|values| is_key(values, last));
    }
    let within = fields.iter().filter_map(|field| Some((field.path.strip_prefix(name)?.strip_prefix('/')?, field)));
    within.filter_map(|(last, field)| field.values.clone().filter(|values| is_key(values, last))).next()
}
