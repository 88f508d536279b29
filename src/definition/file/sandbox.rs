//! Mirror of a connector's sandbox file: the records and replies with which the loopback server plays it.

#![expect(missing_docs, reason = "the field docs are descriptions for editors, and some names say it all")]

use crate::authoring::{Checker, Document, Format, Json, Ordered, explain, is_default, version};
use crate::error::Result;

/// `operations/<connector>/sandbox.yaml`: what the built-in sandbox plays
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SandboxFile {
    /// Version of this file format: 1
    pub version: u32,
    /// Property values of the ready connection; the origin is filled in
    pub connection: Ordered<String>,
    /// Limits of the ready connection
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: SandboxLimits,
    /// Rows of a page when the caller asks for none; the paging's own default otherwise
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size_default: Option<u32>,
    /// Headers of every reply; a Content-Type here is that of the JSON ones
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub headers: Ordered<String>,
    /// The option in which lists take a filter, and the form in which it is written
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_language: Option<LanguageFile>,
    /// The option in which lists take an order: `field asc, field desc`, or `field, -field`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<SortFile>,
    /// The option that chooses fields: names separated by commas, with slashes into parts
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<OptionNameFile>,
    /// How long tokens last, where the connector's are renewed
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokens: TokensFile,
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub collections: Ordered<CollectionFile>,
    /// Fixed replies, by OperationId
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub replies: Ordered<ReplyFile>,
    /// Replies that report on each item, by OperationId
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub parts: Ordered<PartsFile>,
    /// Bodies in the vendor's error form; {message}, {field} and {code} are filled in
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub errors: Ordered<ReplyFile>,
}

/// Limits of the ready connection
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SandboxLimits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
}

/// How long tokens last
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokensFile {
    /// Calls after which an access token has ended
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// Seconds after which an access token has ended; OAuth 2.0 tells them to the client
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Each use of a refresh token replaces it; by default with `refresh`, and not with `oauth2`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<bool>,
}

/// A reply that reports on each item
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PartsFile {
    /// The collection whose keys the items are; an item that is not among them fails
    pub collection: String,
    /// Field or JSON Pointer under which a part names its item, and under which an item that is an object names itself
    pub item: String,
    /// Fields of a part that failed, over those of the record's sample
    pub fails: Json,
}

/// The option that takes a filter, and how the system reads it
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LanguageFile {
    pub option: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub form: FilterForm,
    /// The option that filters by fields of lists inside a record; without it, the first one does that too
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<String>,
    /// Texts are equal when they differ in case only
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
}

/// The form in which a filter is written
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FilterForm {
    /// One text: `field op value`, joined by and, or, not and parentheses
    #[default]
    Conditions,
    /// A list of `field:operator:value`, all of which must hold; operators eq ne gt ge lt le between search in
    Terms,
}

/// The option that takes an order
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SortFile {
    pub option: String,
    /// Name by which callers sort by the key, where it is not the field's own
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A list that is asked for without an order moves between pages: a walk meets some records twice and misses others
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsorted_moves: bool,
}

/// An option by name
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OptionNameFile {
    pub option: String,
}

/// Records that the sandbox keeps in memory
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CollectionFile {
    /// Path of the list; {names} separate the records by value
    pub path: String,
    /// Field that numbers the records, from 1
    pub key: String,
    /// Fields by which a path may name a record instead
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The record whose sample each one starts from
    pub record: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub count: u64,
    /// Field or JSON Pointer, and a list that is cycled through or a text in which {n} is the record's number
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub vary: Ordered<Json>,
    /// Fields without which a create is refused
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Options that filter by the field of the same name
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<String>,
    /// Fields that no two records share: a create that repeats one is a conflict
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<String>,
    /// Fields that the server fills: a created or replaced record has those of the sample
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_fields: Vec<String>,
    /// Fields that number or filter the records but are not part of a reply
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
    /// Overrides the file's own
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_language: Option<LanguageFile>,
    /// Overrides the file's own
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<SortFile>,
    /// Overrides the file's own
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<OptionNameFile>,
}

/// A fixed reply
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplyFile {
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub headers: Ordered<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Json>,
}

fn ok() -> u16 {
    200
}

/// Reads `sandbox.yaml`.
pub(in crate::definition) fn read_sandbox(doc: &Document) -> Result<SandboxFile> {
    let mirror: SandboxFile = doc.read().map_err(|e| explain(Format::Sandbox, doc, &[], &e))?;
    let mut c = Checker::new(doc);
    version(&mut c, mirror.version);
    c.finish("the sandbox file is wrong", Some(mirror))
}
