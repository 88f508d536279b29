//! A request that has ended, for the metrics. Plain data.

use std::time::Duration;

/// A request that has ended.
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "nothing is recorded"))]
pub(super) struct EndedRequest<'a> {
    pub(super) operation: &'a str,
    pub(super) verb: &'a http::Method,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) status: Option<u16>,
    pub(super) error: Option<&'a str>,
    pub(super) took: Duration,
}
