//! Mirrors of the operations and templates files, as typed. No meaning is checked here beyond names and types.
//!
//! Kept apart from the checked models so that later code never sees a half-checked value; JSON Schemas come from these types.

use super::connector_file::GoodFile;
use super::option_file::OptionFile;
use super::paging_file::{PagingFile, TotalFile};
use crate::authoring::values::mirrors;
use crate::authoring::{Json, Ordered};

/// A flag of a part, or `{ at: /status, is: [created] }`
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PartOkFile {
    Flag(String),
    Values(GoodFile),
}

/// A field of part and item alike, or `{ part: /ref, item: /id }`
#[derive(Clone, Debug, serde::Deserialize)]
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
        #[serde(default)]
        pub records: Ordered<RecordFile>,
        #[serde(default)]
        pub operations: Ordered<OperationFile>,
    }

    /// The shape of a record
    struct RecordFile {
        #[serde(default)]
        pub title: Option<String>,
        /// JSON Schema (2020-12)
        pub schema: Json,
        /// One full record as the server answers it
        pub sample: Json,
    }

    /// One operation
    struct OperationFile {
        pub title: String,
        #[serde(default)]
        pub description: Option<String>,
        pub method: MethodFile,
        /// Verb and path: GET /system/members/{id}
        pub request: String,
        /// Another listed origin than the connector's; {property} placeholders allowed, no query
        #[serde(default)]
        pub base_url: Option<String>,
        /// Headers of this operation; {property} placeholders allowed, options go into headers by `in: header`
        #[serde(default)]
        pub headers: Ordered<String>,
        /// The connector's option sets that it takes; what the path names goes there
        #[serde(default, rename = "use")]
        pub sets: Vec<String>,
        #[serde(default)]
        pub options: Ordered<OptionFile>,
        /// Options that must be given (path parameters always must)
        #[serde(default)]
        pub required: Vec<String>,
        #[serde(default)]
        pub items: Option<ItemsFile>,
        pub response: ResponseFile,
        /// Overrides the connector's paging; of a list that a query reads
        #[serde(default)]
        pub paging: Option<PagingFile>,
        /// false: this list cannot be walked by the connector's forward_only
        #[serde(default)]
        pub forward_only: Option<bool>,
        /// Repeating it has no further effect (PUT, DELETE and reads always count as such)
        #[serde(default)]
        pub idempotent: Option<bool>,
        #[serde(default)]
        pub idempotency_key: Option<IdempotencyFile>,
        /// Called without credentials
        #[serde(default)]
        pub anonymous: bool,
        #[serde(default)]
        pub deprecated: Option<DeprecatedFile>,
    }

    /// The node's methods
    #[derive(Copy, PartialEq, Eq)]
    enum MethodFile { Query, Mutate, Delete }

    /// The request items of a write
    struct ItemsFile {
        pub send: SendFile,
        /// The record whose schema the items follow. What its `required` names must be given where records are created (POST with each, all or
        /// chunk), but for properties that are `readOnly: true`; a `required` under `schema` holds instead
        #[serde(default)]
        pub record: Option<String>,
        /// JSON Schema of an item, laid over the record's
        #[serde(default)]
        pub schema: Option<Json>,
        /// JSON Pointer of the envelope that takes the item in the body
        #[serde(default)]
        pub wrap: Option<String>,
        #[serde(default)]
        pub required: Option<bool>,
        /// Fields that go into the path are left out of the body, with `send: each`
        #[serde(default)]
        pub drop_path_fields: bool,
        /// An item as one would send it
        #[serde(default)]
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
        #[serde(default)]
        pub items: Option<String>,
        /// The items may be absent
        #[serde(default)]
        pub optional: bool,
        /// Of a list that a query reads: where the reply tells how many items there are in all
        #[serde(default)]
        pub total: Option<TotalFile>,
        /// Statuses that count as success; any 2xx by default. Redirects are dealt with before
        #[serde(default)]
        pub ok: Vec<u16>,
        /// ok: a redirect in answer to a write says that it took effect, and where the record is (post/redirect/get)
        #[serde(default)]
        pub redirect: Option<RedirectFile>,
        /// Statuses that mean: no items
        #[serde(default)]
        pub empty: Vec<u16>,
        /// The reply reports on each item
        #[serde(default)]
        pub parts: Option<PartsFile>,
        /// The record that comes back
        #[serde(default)]
        pub record: Option<String>,
        /// Of a report: where the column definitions stand
        #[serde(default)]
        pub columns: Option<String>,
        /// Of a report: where the rows stand
        #[serde(default)]
        pub rows: Option<String>,
    }

    /// What a redirect in answer to a write means
    #[derive(Copy, PartialEq, Eq)]
    enum RedirectFile { Ok }

    /// What a reply holds
    #[derive(Copy, PartialEq, Eq)]
    enum ResultFile { List, Object, Count, None, File, Report, Text }

    /// A reply that reports on each item. Fields of a part are named by key, or by JSON Pointer
    struct PartsFile {
        pub each: String,
        /// The flag that says whether the part succeeded: true, "success" or a 2xx number; or its place with the good values
        #[serde(default)]
        pub ok: Option<PartOkFile>,
        /// The field with the item's index
        #[serde(default)]
        pub index: Option<String>,
        /// The field that says which item is meant: the item itself, where it is a plain value, or its field of this name
        #[serde(default)]
        pub key: Option<PartKeyFile>,
        /// JSON Pointer, in the part, to its error
        #[serde(default)]
        pub error: Option<String>,
        /// JSON Pointer, in the part, to its record
        #[serde(default)]
        pub data: Option<String>,
        /// A list of failures beside the parts
        #[serde(default)]
        pub errors: Option<PartErrorsFile>,
    }

    /// Failures of items, in a list of their own
    struct PartErrorsFile {
        /// JSON Pointer to the list
        pub each: String,
        /// The field with the item's index
        #[serde(default)]
        pub index: Option<String>,
        /// The field that says which item is meant
        #[serde(default)]
        pub key: Option<PartKeyFile>,
        /// JSON Pointer, in the failure, to what is told of it
        #[serde(default)]
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
        #[serde(default)]
        pub summary: Option<String>,
        pub operation: String,
        #[serde(default)]
        pub options: Option<Json>,
        #[serde(default)]
        pub items: Option<Vec<Json>>,
        /// JSON Pointers to what the designer must fill in
        #[serde(default)]
        pub ask: Vec<String>,
        #[serde(default)]
        pub tags: Vec<String>,
    }
}
