//! What a callback of the host gets. Plain data.

use serde_json::Value;

use super::progress::Progress;

/// What is told.
pub(crate) enum Notice {
    Ready(u64),
    Progress(u64, Box<Progress>),
    Event(i32, Value),
}

impl From<(i32, Value)> for Notice {
    fn from((kind, event): (i32, Value)) -> Notice {
        Notice::Event(kind, event)
    }
}
