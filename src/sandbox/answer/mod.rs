//! From a request to the answer that the played system would give: options, items, page, envelope. Pure.

mod envelope;
mod input;
mod options;
mod paging;
mod play;

pub(super) use input::check_required;
pub(super) use play::Found;
