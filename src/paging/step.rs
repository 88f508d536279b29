//! What follows a page: another one, or the end and how it was seen. Plain data.

use crate::receipt::{EndSeen, StopReason};
use crate::request::Cursor;

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PagingStep {
    More(Cursor),
    Stop(Ended),
    /// The same page once more: a stop here would contradict the server's announcements.
    Again,
}

/// The end of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) reason: StopReason,
    /// How the end was seen; `None` if one reply is everything.
    pub(crate) seen: Option<EndSeen>,
    pub(crate) complete: bool,
    /// A firm announcement was not fulfilled, or no reply contained a sign of the end: an error in strict calls.
    pub(crate) broken: bool,
}

impl Ended {
    pub(super) fn seen(reason: StopReason, seen: EndSeen) -> Ended {
        Ended { reason, seen: Some(seen), complete: seen != EndSeen::Assumed, broken: false }
    }
}

impl PagingStep {
    pub(super) fn stop(reason: StopReason, seen: EndSeen) -> PagingStep {
        PagingStep::Stop(Ended::seen(reason, seen))
    }
}

/// What to do with a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Take,
    /// It overlaps the previous page, so the server counts rows that it omits: request this one instead.
    Instead(Cursor),
}
