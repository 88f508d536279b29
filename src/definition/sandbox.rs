//! Mirror of a connector's sandbox file: the records and replies with which the loopback server plays it.

#![expect(missing_docs, reason = "the field docs are descriptions for editors, and some names say it all")]

use super::check::{Format, explain};
use super::value::{Json, Ordered};
use crate::error::Result;
use crate::yaml::Document;

/// operations/<connector>/sandbox.yaml: what the built-in sandbox plays
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SandboxFile {
    /// Version of this file format: 1
    pub version: u32,
    /// Property values of the ready connection; the origin is filled in
    pub connection: Ordered<String>,
    /// Limits of the ready connection
    #[serde(default)]
    pub limits: SandboxLimits,
    #[serde(default)]
    pub collections: Ordered<CollectionFile>,
    /// Fixed replies, by OperationId
    #[serde(default)]
    pub replies: Ordered<ReplyFile>,
    /// Bodies in the vendor's error form; {message}, {field} and {code} are filled in
    #[serde(default)]
    pub errors: Ordered<ReplyFile>,
}

/// Limits of the ready connection
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SandboxLimits {
    #[serde(default)]
    pub page_size: Option<u32>,
}

/// Records that the sandbox keeps in memory
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CollectionFile {
    /// Path of the list; {names} separate the records by value
    pub path: String,
    /// Field that numbers the records, from 1
    pub key: String,
    /// The record whose sample each one starts from
    pub record: String,
    #[serde(default)]
    pub count: u64,
    /// Field or JSON Pointer, and a list that is cycled through or a text in which {n} is the record's number
    #[serde(default)]
    pub vary: Ordered<Json>,
    /// Fields without which a create is refused
    #[serde(default)]
    pub required: Vec<String>,
    /// Query parameters that filter by the field of the same name
    #[serde(default)]
    pub filter: Vec<String>,
}

/// A fixed reply
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplyFile {
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default)]
    pub headers: Ordered<String>,
    #[serde(default)]
    pub body: Option<Json>,
}

fn ok() -> u16 {
    200
}

/// Reads `sandbox.yaml`.
pub(crate) fn read_sandbox(file: &str, text: &str) -> Result<SandboxFile> {
    let doc = Document::parse(file, text, 0)?;
    doc.read().map_err(|e| explain(Format::Sandbox, &doc, &[], &e))
}
