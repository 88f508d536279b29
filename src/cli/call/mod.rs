//! The commands `query`, `mutate` and `delete`.

mod arguments;
mod ask;
mod columns;
mod download;
mod plan;
mod prepare;
mod progress;
pub(crate) mod query;
pub(crate) mod write;
