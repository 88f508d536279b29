//! Mirrors of the operations and templates files, as typed. No meaning is checked here beyond names and types.
//!
//! Kept apart from the checked models so that later code never sees a half-checked value; JSON Schemas come from these types.

use super::connector::GoodFile;
use super::option::OptionFile;
use super::paging::{PagingFile, TotalFile};
use crate::authoring::values::mirrors;
use crate::authoring::{Json, Ordered};

/// A flag of a part, or `{ at: /status, is: [created] }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PartOkFile {
    Flag(String),
    Values(GoodFile),
}

/// A field of part and item alike, or `{ part: /ref, item: /id }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PartKeyFile {
    Name(String),
    Pair(PartPairFile),
}

mirrors! {
    /// `operations/<connector>/<area>.yaml`: operations keyed by OperationId
    struct OperationsFile {
        /// Version of this file format: 1
        pub version: u32,
        /// Record shapes that the operations share
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub records: Ordered<RecordFile>,
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub operations: Ordered<OperationFile>,
    }

    /// The shape of a record
    struct RecordFile {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// JSON Schema (2020-12)
        pub schema: Json,
        /// One full record as the server answers it
        pub sample: Json,
    }

    /// One operation
    struct OperationFile {
        pub title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        pub method: MethodFile,
        /// Verb and path: GET /system/members/{id}
        pub request: String,
        /// Another listed origin than the connector's; {property} placeholders allowed, no query
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub base_url: Option<String>,
        /// Headers of this operation; {property} placeholders allowed, options go into headers by `in: header`
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub headers: Ordered<String>,
        /// The connector's option sets that it takes; what the path names goes there
        #[serde(default, rename = "use", skip_serializing_if = "Vec::is_empty")]
        pub sets: Vec<String>,
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub options: Ordered<OptionFile>,
        /// Options that must be given (path parameters always must)
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub required: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<ItemsFile>,
        pub response: ResponseFile,
        /// Overrides the connector's paging; of a list that a query reads
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub paging: Option<PagingFile>,
        /// false: this list cannot be walked by the connector's forward_only
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub forward_only: Option<bool>,
        /// Repeating it has no further effect (PUT, DELETE and reads always count as such)
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub idempotent: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub idempotency_key: Option<IdempotencyFile>,
        /// Called without credentials
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub anonymous: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deprecated: Option<DeprecatedFile>,
    }

    /// The node's methods
    #[derive(Copy, Eq)]
    enum MethodFile { Query, Mutate, Delete }

    /// The request items of a write
    struct ItemsFile {
        pub send: SendFile,
        /// The record whose schema the items follow. What its `required` names must be given where records are created (POST with each, all or
        /// chunk), but for properties that are `readOnly: true`; a `required` under `schema` holds instead
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub record: Option<String>,
        /// JSON Schema of an item, laid over the record's
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub schema: Option<Json>,
        /// JSON Pointer of the envelope that takes the item in the body
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub wrap: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub required: Option<bool>,
        /// Fields that go into the path are left out of the body, with `send: each`
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub drop_path_fields: bool,
        /// An item as one would send it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sample: Option<Json>,
    }

    /// How items become requests
    enum SendFile {
        /// One request per item
        Each,
        /// All items as one array
        All,
        /// Arrays of at most so many items
        Chunk(u32),
        /// A flat object as a JSON Patch array (RFC 6902); ready operations pass through
        JsonPatch,
        /// multipart/form-data, one request per item
        Multipart,
    }

    /// What comes back
    struct ResponseFile {
        pub result: ResultFile,
        /// JSON Pointer to the items; the body itself by default
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<String>,
        /// The items may be absent
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub optional: bool,
        /// Of a list that a query reads: where the reply tells how many items there are in all
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub total: Option<TotalFile>,
        /// Statuses that count as success; any 2xx by default. Redirects are dealt with before
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub ok: Vec<u16>,
        /// ok: a redirect in answer to a write says that it took effect, and where the record is (post/redirect/get)
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub redirect: Option<RedirectFile>,
        /// Statuses that mean: no items
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub empty: Vec<u16>,
        /// The reply reports on each item
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub parts: Option<PartRuleFile>,
        /// The record that comes back
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub record: Option<String>,
        /// Of a report: where the column definitions stand
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub columns: Option<String>,
        /// Of a report: where the rows stand
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rows: Option<String>,
    }

    /// What a redirect in answer to a write means
    #[derive(Copy, Eq)]
    enum RedirectFile { Ok }

    /// What a reply holds
    #[derive(Copy, Eq)]
    enum ResultFile { List, Object, Count, None, File, Report, Text }

    /// A reply that reports on each item. Fields of a part are named by key, or by JSON Pointer
    struct PartRuleFile {
        pub each: String,
        /// The flag that says whether the part succeeded: true, "success" or a 2xx number; or its place with the good values
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ok: Option<PartOkFile>,
        /// The field with the item's index
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub index: Option<String>,
        /// The field that says which item is meant: the item itself, where it is a plain value, or its field of this name
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<PartKeyFile>,
        /// JSON Pointer, in the part, to its error
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub error: Option<String>,
        /// JSON Pointer, in the part, to its record
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub data: Option<String>,
        /// A list of failures beside the parts
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub errors: Option<PartErrorsFile>,
    }

    /// Failures of items, in a list of their own
    struct PartErrorsFile {
        /// JSON Pointer to the list
        pub each: String,
        /// The field with the item's index
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub index: Option<String>,
        /// The field that says which item is meant
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<PartKeyFile>,
        /// JSON Pointer, in the failure, to what is told of it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub error: Option<String>,
    }

    /// Where a part and its item hold the same key, each as a JSON Pointer
    struct PartPairFile { pub part: String, pub item: String }

    /// The header that takes an idempotency key
    struct IdempotencyFile { pub header: String }

    /// What to use instead
    struct DeprecatedFile { #[serde(default, rename = "use")] pub instead: Option<String> }

    /// `templates/<connector>/<area>.yaml`: what designers pick
    struct TemplatesFile {
        /// Version of this file format: 1
        pub version: u32,
        pub templates: Ordered<TemplateFile>,
    }

    /// A ready-made pick
    struct TemplateFile {
        pub title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub summary: Option<String>,
        pub operation: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub options: Option<Json>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<Vec<Json>>,
        /// JSON Pointers to what the designer must fill in
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub ask: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub tags: Vec<String>,
    }
}
