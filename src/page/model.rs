//! One page of a walk, and why a reply gives none. Plain data.

use std::time::Duration;

use http::HeaderName;
use serde_json::Value;

use crate::authoring::{Pointer, Source};
use crate::definition::{Operation, Paging, ReplyRule};
use crate::error::Error;
use crate::item::Items;
use crate::receipt::Kept;

/// One page of a walk.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its items, as the server returned them.
    pub items: Items,
    /// Its number, from 1.
    pub number: u64,
    /// The number of items of the whole list, as the server reports it.
    pub total: Option<u64>,
    /// Bytes of the reply, decompressed.
    pub bytes: u64,
    /// Time until the reply started.
    pub(crate) waited: Duration,
    /// The headers that paging needs. No more are kept: a header keeps the reply's read buffer alive.
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(crate) signals: Vec<(Pointer, Value)>,
    pub(super) links: Option<Vec<(String, String)>>,
    /// A Link header that cannot be read.
    pub(super) unread_link: Option<String>,
    /// There was no body, or only `null`.
    pub(super) blank: bool,
    /// The items were a list, even an empty one.
    pub(crate) is_list: bool,
    /// Failures of items, beside the items.
    pub(crate) failures: Items,
    /// Values that the definition keeps.
    pub(crate) kept: Kept,
    /// For each attached field, the number of keys without a record.
    pub(crate) unattached: Vec<u64>,
}

/// Limits of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageLimits {
    /// Maximum number of items.
    pub(crate) items: usize,
    /// Maximum bytes of a body.
    pub(crate) bytes: usize,
}

impl PageLimits {
    /// Maximum bytes of items that are written anew: names of columns are repeated in each item.
    pub(super) fn written(self) -> usize {
        self.bytes.saturating_mul(16).min(u32::MAX as usize)
    }
}

impl Page {
    /// A paging value of the reply; an empty header is absent.
    pub(crate) fn signal(&self, source: &Source) -> Option<Value> {
        match source {
            Source::Body(pointer) => self.signals.iter().find(|(p, _)| p == pointer).map(|(_, v)| v.clone()),
            Source::Header(name) => {
                let (_, text) = self.headers.iter().find(|(n, _)| n == name)?;
                Some(match text.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    other => Value::from(other),
                })
            }
        }
    }

    /// The target of a link by relation type.
    pub(crate) fn link(&self, rel: &str) -> Option<&str> {
        self.links.iter().flatten().find(|(r, _)| r == rel).map(|(_, target)| target.as_str())
    }

    /// Whether the reply had a Link header, even an empty one.
    pub(crate) fn has_links(&self) -> bool {
        self.links.is_some()
    }

    /// The Link header, if it cannot be read.
    pub(crate) fn unread_link(&self) -> Option<&str> {
        self.unread_link.as_deref()
    }

    /// Whether the reply had no body, or only `null`.
    pub(crate) fn is_blank(&self) -> bool {
        self.blank
    }
}

/// Why a reply gives no page. An unreadable reply may be truncated or a maintenance page, so a query is retried; a
/// wrong shape is final.
#[derive(Debug)]
pub(crate) enum Unfit {
    Unreadable(Error, Around),
    Shape(Error),
    /// It is in another format than JSON, which a retry will not change.
    Form(Error),
    /// It reports a failure; with the body, for its message.
    Denied(Value),
    /// A rule of the definition gives it another meaning than success; with the body.
    Ruled(Box<ReplyRule>, Value),
}

/// The text on both sides of a position in a reply: enough to find a credential that crosses it.
#[derive(Debug, Default)]
pub(crate) struct Around {
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Bytes on each side.
const AROUND_MAX: usize = 8 << 10;

impl Around {
    pub(super) fn new(text: &str, offset: usize) -> Around {
        let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let (from, at, to) = (
            boundary(offset.saturating_sub(AROUND_MAX)),
            boundary(offset),
            boundary(offset.saturating_add(AROUND_MAX)),
        );
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
        Around { before: part(from, at), after: part(at, to) }
    }
}

/// The parts of a reply that paging needs, including those of keyset paging, which a caller may choose.
pub(super) fn told(operation: &Operation) -> impl Iterator<Item = &Source> {
    let steering = std::iter::once(&operation.paging).chain(&operation.forward_only).flat_map(Paging::steering);
    steering.chain(operation.response.total.as_ref().map(|total| &total.at))
}

/// A non-negative integer, also as text and with a zero fraction.
pub(crate) fn count(value: &Value) -> Option<u64> {
    let float = |n: f64| (n >= 0.0 && n.fract() == 0.0 && n < 9e15).then_some(n as u64);
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(float)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse::<f64>().ok().and_then(float))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
