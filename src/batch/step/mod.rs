//! One step of a run: its elements one after the other, read or sent, each fact noted before the next effect.

mod bad_items;
mod call;
mod context;
pub(super) mod decide;
mod element;
pub(super) mod inner;
mod item_source;
pub(super) mod left;
pub(super) mod load;
mod marking;
mod outage;
mod outages;
mod outcome_rows;
mod prime;
pub(super) mod read;
mod same;
pub(super) mod send;
mod sending;
pub(super) mod transform;
pub(super) mod upsert;
mod verify;

pub(super) use bad_items::{bad_items, reads_elements};
pub(super) use call::options;
pub(super) use context::{Context, RunLedger, Task, stopped, tell_done, tell_in_doubt};
pub(super) use item_source::{Elements, Inputs};
pub(super) use outages::Outages;
pub(super) use outcome_rows::{OutcomeSource, outcome_rows};
pub(super) use verify::{FoundRecord, LookUp, look, not_there};
