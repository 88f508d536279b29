//! The calls: `query`, `mutate` and `delete`, from what was typed to what came back.

mod arguments;
mod ask;
mod columns;
mod plan;
mod prepare;
mod progress;
pub(crate) mod query;
pub(crate) mod write;
