//! The limits of a connection, each with its default. Pure.

use std::time::Duration;

/// Limits of a connection. Each line gives the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Maximum number of requests in flight; default 8
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u16>,
    /// Seconds for one request with its reply; default 120
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// Seconds to connect; default 10
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_s: Option<u32>,
    /// Seconds until the reply starts; default 60
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_s: Option<u32>,
    /// Seconds between two parts of a reply; default 30
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_s: Option<u32>,
    /// Attempts per request, including the first; default 3
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u8>,
    /// Maximum wait in seconds that a server may request; default 120
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u32>,
    /// Maximum pages of one walk; default 10000
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// Maximum bytes of one reply, decompressed; default 64 MiB
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_bytes: Option<u32>,
    /// Maximum items of one reply; default 1000000
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_items: Option<u32>,
    /// Maximum bytes of a reply's headers; default 64 KiB
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_bytes: Option<u32>,
    /// Maximum ratio of decompressed to received bytes; default 200
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inflate_ratio: Option<u32>,
    /// Records per request, within the range of the operation; default: that of the definition
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// Rate limit, instead of the connector's; 0 requests for no limit
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateLimit>,
}

/// A rate limit: requests per time
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Number of requests
    pub requests: u32,
    /// Time in seconds
    pub per_s: u32,
}

impl Limits {
    pub(crate) fn faults(&self) -> Vec<(&'static str, String)> {
        let zero =
            |name, value: Option<u64>| (value == Some(0)).then(|| (name, format!("`{name}` must be at least 1")));
        [
            zero("concurrency", self.concurrency.map(u64::from)),
            zero("timeout_s", self.timeout_s.map(u64::from)),
            zero("connect_s", self.connect_s.map(u64::from)),
            zero("first_byte_s", self.first_byte_s.map(u64::from)),
            zero("idle_s", self.idle_s.map(u64::from)),
            zero("attempts", self.attempts.map(u64::from)),
            zero("pages", self.pages),
            zero("page_bytes", self.page_bytes.map(u64::from)),
            zero("page_items", self.page_items.map(u64::from)),
            zero("header_bytes", self.header_bytes.map(u64::from)),
            zero("inflate_ratio", self.inflate_ratio.map(u64::from)),
            zero("page_size", self.page_size.map(u64::from)),
            self.rate
                .filter(|r| r.requests > 0 && r.per_s == 0)
                .map(|_| ("rate", "`per_s` must be at least 1".to_owned())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub(crate) fn concurrency(&self) -> usize {
        usize::from(self.concurrency.unwrap_or(8).max(1))
    }
    pub(crate) fn attempts(&self) -> u32 {
        u32::from(self.attempts.unwrap_or(3).max(1))
    }
    /// The maximum wait that a server may request.
    pub(crate) fn longest_wait(&self) -> Duration {
        Duration::from_secs(u64::from(self.wait_s.unwrap_or(120)))
    }
    pub(crate) fn pages(&self) -> u64 {
        self.pages.unwrap_or(10_000)
    }
    pub(crate) fn page_bytes(&self) -> usize {
        self.page_bytes.unwrap_or(64 << 20) as usize
    }

    pub(crate) fn page_items(&self) -> usize {
        self.page_items.unwrap_or(1_000_000) as usize
    }
}
