//! Checked rules for sending items, and for the outcomes in replies. Plain data.

use serde_json::Value;

use super::connector::Success;
use super::sample::required_sample;
use crate::authoring::{Json, Pointer};

/// The kind of result in a reply, and the items that it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResultShape {
    /// An array of records: one item per record.
    List,
    /// One record: one item.
    Object,
    /// A number of records: one item, `{"count": 12}`.
    Count,
    /// Nothing is expected: no item, or what the server returns nevertheless.
    None,
    /// Bytes: one item with `contentType`, `fileName`, `size` in bytes, `sha256` in hexadecimal and `data` in base64.
    File,
    /// Columns and rows: one item per row, its fields named by the columns.
    Report,
    /// Text: one item with `contentType` and `text`.
    Text,
}

/// How items become requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// One request per item.
    Each,
    /// All in one request.
    All,
    /// Arrays of at most this many.
    Chunk(u32),
    /// One patch per item.
    JsonPatch(PatchPaths),
}

/// How a patch names a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchPaths {
    /// By its name.
    Names,
    /// By a JSON Pointer (RFC 6902).
    Pointers,
}

/// The items of a write.
#[derive(Debug)]
pub struct ItemRule {
    /// How they are sent.
    pub send: Send,
    /// JSON Schema of one item.
    pub schema: Value,
    /// An example.
    pub sample: Option<Json>,
    /// Whether at least one item is required.
    pub required: bool,
    pub(crate) wrap: Option<Pointer>,
    pub(crate) drop_sent: bool,
}

impl ItemRule {
    /// An example: the one of the definition, or the fields that the schema requires.
    pub(super) fn to_sample(&self) -> Option<Json> {
        self.sample.clone().or_else(|| required_sample(&self.schema))
    }
}

/// A reply that reports on each part.
#[derive(Clone, Debug)]
pub(crate) struct PartRule {
    pub(crate) ok: Option<Success>,
    pub(crate) means: PartMeans,
    pub(crate) error: Option<Pointer>,
    pub(crate) data: Option<Pointer>,
    pub(crate) errors: Option<PartErrors>,
}

/// Failures of items, in a list beside the parts.
#[derive(Clone, Debug)]
pub(crate) struct PartErrors {
    pub(crate) each: Pointer,
    pub(crate) means: PartMeans,
    pub(crate) error: Option<Pointer>,
}

/// How a part identifies its item.
#[derive(Clone, Debug)]
pub(crate) enum PartMeans {
    /// By its position among the parts.
    Place,
    /// By the index of the item.
    Index(Pointer),
    /// By a value that the item also has; a plain item is that value.
    Key { part: Pointer, item: Pointer },
}

/// Whether a request may be repeated while its outcome is unknown (the columns of the retry table).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    SafeRead,
    IdempotentWrite,
    OtherWrite,
}
