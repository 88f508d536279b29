//! Filters: parsed from conditions or terms, and evaluated on records. Pure.

mod conditions;
mod matching;
pub(super) mod terms;

pub(super) use conditions::RecordFilter;
