//! The commands `query`, `mutate`, `delete` and `call`.

pub(crate) mod arguments;
pub(crate) mod ask;
mod columns;
mod curl;
mod plan;
mod prepare;
mod progress;
pub(crate) mod query;
pub(crate) mod raw;
pub(crate) mod write;
