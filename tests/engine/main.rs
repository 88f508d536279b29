//! The library against fictitious systems: use of tokens, walks, the number of requests to a failing system, and
//! batches in a Rust host.

#[path = "../cleanup/mod.rs"]
#[cfg_attr(unix, expect(dead_code, reason = "only a part of it is used here"))]
mod cleanup;
#[path = "../scripted/mod.rs"]
mod scripted;
#[path = "../server/mod.rs"]
#[expect(dead_code, unused_imports, reason = "only a part of it is used here")]
mod server;

mod accounts;
#[cfg(all(feature = "batch", feature = "sandbox"))]
mod batch;
#[cfg(feature = "batch")]
mod look_ups;
mod paging;
mod shared_limits;
mod styles;
mod tokens;
mod volume;
