//! What crosses the boundary to C: handles, places for results, buffers, status numbers; and the guard around each
//! call.

mod advice;
mod buffer;
pub(super) mod guard;
pub(super) mod handle;
pub(super) mod places;
pub(super) mod process;
pub(super) mod status;
mod stop;

pub(super) use buffer::{Buffer, HostFailure};
pub(super) use guard::{guarded, quiet};
pub(super) use places::OutPlace;
pub(super) use stop::Stop;
