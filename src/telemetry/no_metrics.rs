//! A build without metrics.

use std::time::Duration;

/// Whether metrics are recorded.
pub(super) fn is_on() -> bool {
    false
}

/// A request that has ended.
#[expect(dead_code, reason = "nothing is recorded")]
pub(super) struct EndedRequest<'a> {
    pub(super) operation: &'a str,
    pub(super) verb: &'a http::Method,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) status: Option<u16>,
    pub(super) error: Option<&'a str>,
    pub(super) took: Duration,
}

pub(super) fn request(_: &EndedRequest<'_>) {}

pub(super) fn retry(_: &str) {}

#[cfg(feature = "batch")]
pub(super) fn items(_: &str, _: &str, _: &[(&'static str, u64)]) {}

#[cfg(feature = "batch")]
pub(super) fn run(_: &str, _: &'static str) {}
