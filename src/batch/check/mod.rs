//! Turns a batch file into checked steps: resolves every name, option and expression, or reports a fault at its place.

mod call_step;
mod context;
mod expressions;
mod here;
mod inner;
mod literal;
mod local;
mod local_step;
mod names;
mod options;
mod row_fields;
mod save;
mod save_table;
mod saved_record;
pub(super) mod steps;
pub(super) mod targets;
mod upsert;
mod verify;

pub(super) use context::{CheckContext, InnerBatches, KnownConnections, find};
pub(super) use here::StatedLimits;
