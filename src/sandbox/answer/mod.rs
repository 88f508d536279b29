//! Answers a request as the real system would: options, items, page, envelope. Pure.

mod envelope;
mod forms;
mod input;
mod options;
mod paging;
mod play;
mod sent;

pub(super) use input::check_required;
pub(super) use play::MatchedRecord;
