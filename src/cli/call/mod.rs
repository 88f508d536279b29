//! The commands `query`, `mutate`, `delete`, `call` and `values`.

pub(crate) mod arguments;
pub(crate) mod ask;
mod columns;
pub(crate) mod curl;
mod download;
mod plan;
mod prepare;
mod progress;
pub(crate) mod query;
pub(crate) mod raw;
pub(crate) mod values;
pub(crate) mod write;
