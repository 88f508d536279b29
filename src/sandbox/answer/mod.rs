//! Answers a request as the real system would: options, items, page, envelope. Pure.

mod envelope;
mod forms;
mod input;
mod jobs;
mod options;
mod paging;
mod play;
mod sent;

pub(super) use input::check_required;
pub(super) use jobs::{JobStep, MockJobs, RESULT_PATH, STATE_PATH};
pub(super) use play::MatchedRecord;
