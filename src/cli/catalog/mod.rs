//! Connectors, operations and templates as lists and texts, and the examples in help.

pub(crate) mod describe;
pub(crate) mod fields;
pub(crate) mod help;
pub(crate) mod list;
pub(crate) mod record;
mod search;
mod shared;
pub(crate) mod snippet;
pub(crate) mod template;
