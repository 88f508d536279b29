//! The limits of a connection, each with its default. Pure.

use std::time::Duration;

/// Limits of a connection. What is not set has the default that its line tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests under way at once: 8
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u16>,
    /// Seconds for one request with its reply: 120
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// Seconds to connect: 10
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_s: Option<u32>,
    /// Seconds until the reply begins: 60
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_s: Option<u32>,
    /// Seconds between two pieces of a reply: 30
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_s: Option<u32>,
    /// Attempts per request, the first included: 3
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u8>,
    /// Longest wait in seconds that a server may ask for: 120
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u32>,
    /// Pages of one walk: 10000
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// Bytes of one reply, unpacked: 64 MiB
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_bytes: Option<u32>,
    /// Items of one reply: 1000000
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_items: Option<u32>,
    /// Bytes of a reply's headers: 64 KiB
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_bytes: Option<u32>,
    /// How many times larger than sent a compressed reply may become: 200
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inflate_ratio: Option<u32>,
    /// Records per request, within what the operation allows: the definition's default
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// Requests in so many seconds, instead of the connector's; 0 requests for no limit
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateLimit>,
}

/// Requests in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many requests
    pub requests: u32,
    /// In how many seconds
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
    /// The longest wait that a server may ask for.
    pub(crate) fn longest_wait(&self) -> Duration {
        Duration::from_secs(u64::from(self.wait_s.unwrap_or(120)))
    }
    pub(crate) fn pages(&self) -> u64 {
        self.pages.unwrap_or(10_000)
    }
    pub(crate) fn page_items(&self) -> usize {
        self.page_items.unwrap_or(1_000_000) as usize
    }
}
