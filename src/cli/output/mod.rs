//! Items to bytes to a place: the forms and the target. One page in memory at a time.

mod sink;
mod table;
mod target;

pub(crate) use sink::{Flow, Look, Output, TOGETHER};
pub(crate) use target::{Earlier, Target, apart};
