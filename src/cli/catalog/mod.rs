//! What can be done: connectors, operations and templates as lists and texts, and help with examples from them.

pub(crate) mod describe;
pub(crate) mod fields;
pub(crate) mod help;
pub(crate) mod list;
pub(crate) mod snippet;
pub(crate) mod template;
