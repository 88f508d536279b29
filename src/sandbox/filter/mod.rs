//! Filters: read from conditions or from terms, and held against a record. Pure.

mod conditions;
mod matching;
pub(super) mod terms;

pub(super) use conditions::Filter;
