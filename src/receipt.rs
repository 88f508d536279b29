//! The summary of a call: receipts, stop reasons, outcomes. Plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::item::Items;

/// Usage so far. Times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Pages read.
    pub pages: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Retries.
    pub retries: u64,
    /// Time spent waiting before retries and for the rate limit.
    pub wait_ms: u64,
    /// Time from the first request to the end.
    pub elapsed_ms: u64,
}

impl std::ops::Add for Usage {
    type Output = Usage;

    fn add(self, more: Usage) -> Usage {
        Usage {
            pages: self.pages + more.pages,
            requests: self.requests + more.requests,
            retries: self.retries + more.retries,
            wait_ms: self.wait_ms + more.wait_ms,
            elapsed_ms: self.elapsed_ms + more.elapsed_ms,
        }
    }
}

/// Why a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// The operation is not paged: the only reply is the whole list.
    NotPaged,
    /// The server named no next page.
    NoNext,
    /// The server reported that there is no more.
    HasMoreFalse,
    /// The server's count of pages was reached.
    LastPage,
    /// The announced number of rows was reached.
    TotalReached,
    /// An empty page, with page numbers or offsets.
    EmptyPage,
    /// The caller's item limit was reached; there may be more.
    ItemLimit,
    /// The caller stopped reading; there may be more.
    Abandoned,
    /// An error ended it.
    Failed,
}

/// How the end of a list was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndSeen {
    /// The server reports it: no next page, no more, the last page.
    Signal,
    /// A page without rows.
    EmptyPage,
    /// Fewer rows than requested, without any other sign.
    ShortPage,
    /// The number of rows of a reliable total.
    Total,
    /// The end was not seen: no reply contained a sign of it.
    Assumed,
}

/// A summary of a call. Sizes in bytes, times in milliseconds.
///
/// ```
/// use opnode::{Receipt, StopReason};
///
/// let receipt = Receipt { operation: "getTickets".into(), pages: 2, items: 13, ..Receipt::default() };
/// let receipt = Receipt { stop: Some(StopReason::NoNext), complete: true, ..receipt };
/// assert_eq!(
///     serde_json::to_string(&receipt)?,
///     r#"{"operation":"getTickets","requests":0,"retries":0,"pages":2,"items":13,"bytes":0,"wait_ms":0,"elapsed_ms":0,"stop":"no_next","complete":true}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// OperationId of the call.
    pub operation: String,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Retries.
    pub retries: u64,
    /// Pages delivered, counted like `items`.
    pub pages: u64,
    /// Returned items; with [`CallOptions::resume`](crate::CallOptions::resume), those of the earlier walk too.
    pub items: u64,
    /// The number of items that the server announced, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advertised_total: Option<u64>,
    /// Items given to a write.
    #[serde(skip_serializing_if = "is_zero")]
    pub items_in: u64,
    /// Written items by outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<OutcomeCounts>,
    /// Bytes of replies, decompressed.
    pub bytes: u64,
    /// Time spent waiting before retries and for the rate limit.
    pub wait_ms: u64,
    /// Time from the first request to the end.
    pub elapsed_ms: u64,
    /// Why the walk ended; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopReason>,
    /// How the end of a list was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<EndSeen>,
    /// Whether the end was seen and everything before it was delivered.
    pub complete: bool,
    /// Values that the definition keeps beside the items (`keep`).
    #[serde(skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
    /// Notes for the user, such as a total that does not match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Values that replies have beside their items, by the name that the definition gives them. They are JSON text, so
/// numbers keep their digits.
///
/// ```
/// /// From an operation with `keep: { version: /meta/version }`: such as `18446744073709551617`, digit for digit.
/// fn version(receipt: &opnode::Receipt) -> Option<&str> {
///     receipt.kept.get("version")
/// }
/// # assert_eq!(version(&opnode::Receipt::default()), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept(Vec<(String, String)>);

impl Kept {
    /// The JSON text of a value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, json)| json)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, json)| (name.as_str(), json.as_str()))
    }

    /// All of them as owned texts.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        self.0.iter().cloned().collect()
    }

    /// Sets a value; `json` is valid JSON on one line.
    pub(crate) fn put(&mut self, name: &str, json: &str) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, before)) => json.clone_into(before),
            None => self.0.push((name.to_owned(), json.to_owned())),
        }
    }

    /// Adds later values, which replace earlier ones.
    pub(crate) fn update(&mut self, later: &Kept) {
        later.iter().for_each(|(name, json)| self.put(name, json));
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = |(name, json): (&str, &str)| Ok((name.to_owned(), RawValue::from_string(json.to_owned())?));
        let values: Vec<(String, Box<RawValue>)> =
            self.iter().map(raw).collect::<serde_json::Result<_>>().map_err(serde::ser::Error::custom)?;
        serializer.collect_map(values)
    }
}

impl Receipt {
    /// The usage of the call.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let Receipt { pages, requests, retries, wait_ms, elapsed_ms, .. } = *self;
        Usage { pages, requests, retries, wait_ms, elapsed_ms }
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Written items by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeCounts {
    /// Took effect.
    pub ok: u64,
    /// Did not take effect.
    pub failed: u64,
    /// Unknown.
    pub unknown: u64,
    /// Were not sent.
    pub skipped: u64,
}

/// The result for one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// It took effect.
    Ok,
    /// It did not take effect.
    Failed,
    /// It was sent, and no reply says whether it took effect.
    Unknown,
    /// It was not sent.
    Skipped,
}

/// The outcome of one input item.
///
/// ```
/// use opnode::{Outcome, OutcomeStatus};
///
/// /// What a host does with an item.
/// fn next(outcome: &Outcome) -> String {
///     match outcome.status {
///         OutcomeStatus::Ok => format!("store the record {}", outcome.items.to_json()),
///         OutcomeStatus::Failed => format!("correct item {}", outcome.index),
///         OutcomeStatus::Unknown => format!("look whether item {} took effect", outcome.index),
///         OutcomeStatus::Skipped => format!("send item {} again", outcome.index),
///     }
/// }
/// # let _ = next;
/// ```
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Index of the item in the input, from 0.
    pub index: u64,
    /// The result.
    pub status: OutcomeStatus,
    /// HTTP status of the last reply; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The returned records, often one; empty if the system returns none.
    #[serde(skip)]
    pub items: Items,
    /// The address of the new record, if the server gave one (`Location`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Why it failed, or why its outcome is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// Requests made for it, retries included; 0 if it was not sent.
    pub attempts: u32,
}

impl OutcomeCounts {
    /// Counts one more.
    pub(crate) fn add(&mut self, status: OutcomeStatus) {
        match status {
            OutcomeStatus::Ok => self.ok += 1,
            OutcomeStatus::Failed => self.failed += 1,
            OutcomeStatus::Unknown => self.unknown += 1,
            OutcomeStatus::Skipped => self.skipped += 1,
        }
    }
}
