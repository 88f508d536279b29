//! The log of requests and replies, for tests and users.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde::Serialize;

use crate::lock::lock;

/// Maximum number of logged requests; the oldest are dropped.
const ENTRIES_MAX: usize = 10_000;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LogEntry {
    pub(super) method: String,
    /// Path and query as received.
    pub(super) path: String,
    /// Status of the reply; `None` when the connection was closed without one.
    pub(super) status: Option<u16>,
    /// The operation, as `connector/operationId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<String>,
}

/// The latest requests, oldest first.
#[derive(Default)]
pub(super) struct RequestLog(Mutex<VecDeque<LogEntry>>);

impl RequestLog {
    pub(super) fn add(&self, entry: LogEntry) {
        let mut entries = lock(&self.0);
        if entries.len() >= ENTRIES_MAX {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// All entries as a JSON list.
    pub(super) fn to_json(&self) -> String {
        let entries = lock(&self.0);
        serde_json::to_string(&*entries).unwrap_or_else(|_| "[]".to_owned())
    }
}
