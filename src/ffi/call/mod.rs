//! Operations for C: their requests, their start, and the work on the threads of the engine.

mod operation;
mod request;
mod start;
mod work;

pub(super) use operation::{Facts, Next, Op};
#[cfg(all(feature = "batch", any(test, feature = "fuzzing")))]
pub(super) use request::{HostRequest, Work};
pub(super) use start::{start, start_checked};
