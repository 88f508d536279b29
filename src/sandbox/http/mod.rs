//! HTTP as the sandbox sees it: received requests, replies, refusals, and path patterns. Pure.

mod call;
mod refusal;
pub(super) mod reply;
mod route;

pub(super) use call::{BODY_MAX, QueryPair, SandboxCall};
pub(super) use refusal::{Refusal, RefusalKind, Wording};
pub(super) use reply::{ReplyContent, SandboxReply};
pub(super) use route::{PARAMETER, Pattern, values};
