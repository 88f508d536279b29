//! How the host hears of something: callbacks, a file descriptor, or a wait.

pub(super) mod events;
pub(super) mod hooks;
mod notice;
mod progress;
mod ready;
pub(super) mod signals;
mod wait;
mod wake;

pub(super) use events::{HostLog, LOG, Sink, ToldStore};
pub(super) use hooks::{Hooks, Owed, is_within_callback};
pub(super) use progress::Progress;
pub(super) use ready::{Hears, Ready, ReadyEvent, Teller};
pub(super) use signals::Quiet;
pub(super) use wait::{until, wait};
pub(super) use wake::Wake;
