//! A build without metrics.

use super::ended_request::EndedRequest;

/// Whether metrics are recorded.
pub(super) fn is_on() -> bool {
    false
}

pub(super) fn request(_: &EndedRequest<'_>) {}

pub(super) fn retry(_: &str) {}

#[cfg(feature = "batch")]
pub(super) fn items(_: &str, _: &str, _: &[(&'static str, u64)]) {}

#[cfg(feature = "batch")]
pub(super) fn run(_: &str, _: &'static str) {}
