//! HTTP as the sandbox sees it: received requests, replies, refusals, and path patterns. Pure.

mod call;
mod refusal;
pub(super) mod reply;
mod route;

pub(super) use call::{BODY_MAX, Call, Pair};
pub(super) use refusal::{Kind, Refusal, Wording};
pub(super) use reply::{Content, Reply};
pub(super) use route::{Last, Pattern, values};
