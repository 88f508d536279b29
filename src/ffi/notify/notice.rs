//! The arguments of the host's callbacks. Plain data.

use serde_json::Value;

use super::progress::Progress;

/// A notification.
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
