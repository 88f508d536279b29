//! From what a batch file says to checked steps: every name, option and expression has its meaning, or a fault at its place.

mod context;
mod expressions;
mod literal;
mod names;
mod options;
mod row_fields;
pub(super) mod steps;
pub(super) mod targets;

pub(super) use context::{CheckContext, Known, find};
