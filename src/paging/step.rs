//! What follows a page: another one, or the end and how it was seen. Plain data.

use crate::receipt::{EndSeen, StopReason};
use crate::request::Cursor;

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    More(Cursor),
    Stop(Ended),
    /// The same page once more: to stop here would contradict what the server has announced.
    Again,
}

/// The end of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) reason: StopReason,
    /// How the end was seen; `None` where one reply is everything.
    pub(crate) seen: Option<EndSeen>,
    pub(crate) complete: bool,
    /// Something that the server had promised firmly did not come, or what should tell of the end was in no reply: an error for who is strict.
    pub(crate) broken: bool,
}

impl Ended {
    pub(super) fn seen(reason: StopReason, seen: EndSeen) -> Ended {
        Ended { reason, seen: Some(seen), complete: seen != EndSeen::Assumed, broken: false }
    }
}

impl Step {
    pub(super) fn stop(reason: StopReason, seen: EndSeen) -> Step {
        Step::Stop(Ended::seen(reason, seen))
    }
}

/// What is done with a page that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Take,
    /// It begins within the page before, so the server counts rows that it leaves out: this one is asked for instead.
    Instead(Cursor),
}
