//! Mirror of a connector's sandbox file: the records and replies with which the mock server simulates it.

use crate::authoring::{Checker, Document, Format, Json, Ordered, explain, is_default, version};
use crate::error::Result;

/// `operations/<connector>/sandbox.yaml`: how the built-in mock server simulates the connector
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SandboxFile {
    /// Version of this file format: 1
    pub version: u32,
    /// Property values of the predefined connection; the origin is filled in, and other required values are made up
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub connection: Ordered<String>,
    /// Limits of the predefined connection
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: SandboxLimits,
    /// Page size if the caller gives none; default: that of the paging
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size_default: Option<u32>,
    /// Headers of every reply; a Content-Type applies to JSON replies
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub headers: Ordered<String>,
    /// The filter option of lists, and its syntax
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_language: Option<LanguageFile>,
    /// The sort option of lists: `field asc, field desc`, or `field, -field`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<SortFile>,
    /// The option that selects fields: names separated by commas, with slashes for nested fields
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<OptionNameFile>,
    /// Lifetime of tokens, if the connector renews them
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokens: TokensFile,
    /// Records in the memory of the mock server, by a name of your choice
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub collections: Ordered<CollectionFile>,
    /// Where records are to which others refer, by the name of the record in `$ref`: the name of a collection, of
    /// `collections` or one that a list makes (`service_boards` for the path /service/boards). Default: the collection
    /// of the record with this name, without `Reference` at its end
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub references: Ordered<String>,
    /// Fixed replies, by OperationId
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub replies: Ordered<ReplyFile>,
    /// Replies that report on each item, by OperationId
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub parts: Ordered<PartsFile>,
    /// Replies in the vendor's error format, by the kind of refusal: unauthorized, forbidden, not_found, invalid, conditions, conflict, rate_limited,
    /// unavailable, method_not_allowed, unsupported_media, too_large. {message}, {field} and {code} are filled in
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub errors: Ordered<ReplyFile>,
}

impl SandboxFile {
    /// What a connector without this file has: short pages, so that paging shows.
    #[must_use]
    pub fn without_file() -> SandboxFile {
        SandboxFile {
            version: 1,
            connection: Ordered::new(),
            limits: SandboxLimits { page_size: Some(3) },
            page_size_default: None,
            headers: Ordered::new(),
            filter_language: None,
            sort: None,
            fields: None,
            tokens: TokensFile::default(),
            collections: Ordered::new(),
            references: Ordered::new(),
            replies: Ordered::new(),
            parts: Ordered::new(),
            errors: Ordered::new(),
        }
    }
}

/// Limits of the predefined connection
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SandboxLimits {
    /// Records per request; default: that of the paging
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
}

/// Lifetime of tokens
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokensFile {
    /// Number of calls after which an access token expires
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// Seconds after which an access token expires; OAuth 2.0 reports them to the client
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// true: each use of a refresh token replaces it; default: true with `refresh`, false with `oauth2`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<bool>,
}

/// A reply that reports on each item
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PartsFile {
    /// The collection whose keys the items are; an item with another key fails
    pub collection: String,
    /// Field or JSON Pointer that identifies the item, in the part and in an item that is an object
    pub item: String,
    /// Fields of a failed part; they override those of the record's sample
    pub fails: Json,
}

/// The filter option and its syntax
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LanguageFile {
    /// Name of the option that filters
    pub option: String,
    /// The syntax of its value; default: conditions
    #[serde(default, skip_serializing_if = "is_default")]
    pub form: FilterForm,
    /// The option that filters by fields of lists inside a record; default: the first option
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<String>,
    /// true: comparisons of text ignore case
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
}

/// The syntax of a filter
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FilterForm {
    /// One text: `field op value`, joined by and, or, not and parentheses
    #[default]
    Conditions,
    /// A list of `field:operator:value`, all of which must match; operators eq ne gt ge lt le between search in
    Terms,
}

/// The sort option
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SortFile {
    /// Name of the option that sorts
    pub option: String,
    /// The name of the key in a sort order, if it differs from the field
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// true: an unsorted list changes between pages, so that paging repeats some records and misses others
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsorted_moves: bool,
}

/// An option by name
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OptionNameFile {
    /// Name of the option
    pub option: String,
}

/// Records in the sandbox's memory
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CollectionFile {
    /// Path of the list; each value of {names} has its own records
    pub path: String,
    /// The numeric key field, from 1
    pub key: String,
    /// Further fields by which a path may identify a record
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The record whose sample is the start value of each record
    pub record: String,
    /// Number of records at the start; default: 0
    #[serde(default, skip_serializing_if = "is_default")]
    pub count: u64,
    /// Field or JSON Pointer, with a list of values that repeats, or a text in which {n} is the record's number
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub vary: Ordered<Json>,
    /// Required fields of a create
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Options that filter by the field with the same name
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<String>,
    /// Unique fields: a create with an existing value is a conflict
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<String>,
    /// Fields that the server sets: a created or replaced record gets those of the sample
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_fields: Vec<String>,
    /// Fields that are used for keys or filters but are not part of a reply
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
    /// Overrides that of the file
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_language: Option<LanguageFile>,
    /// Overrides that of the file
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<SortFile>,
    /// Overrides that of the file
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<OptionNameFile>,
}

/// A fixed reply
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplyFile {
    /// Status; default: 200
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers, in addition to those of every reply
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub headers: Ordered<String>,
    /// The body, sent as JSON; with a Content-Type other than JSON in `headers`, a text is sent as it is. Default: none
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
    version(&mut c, Format::Sandbox, mirror.version);
    c.finish("the sandbox file is invalid", Some(mirror))
}
