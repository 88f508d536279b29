//! Mirrors of the definition files, as typed. No meaning is checked here beyond names and types.
//!
//! Kept apart from the checked models so that later code never sees a half-checked value; JSON Schemas come from these types.

use super::value::{Json, Ordered, PointersFile, SourceFile, TargetFile};

/// Declares mirrors: derives serde (unknown keys refused) and, for the schemas, `JsonSchema`.
macro_rules! mirrors {
    ($($(#[$meta:meta])* $kind:ident $name:ident { $($body:tt)* })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Deserialize)]
        #[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields, rename_all = "snake_case")]
        pub $kind $name { $($body)* }
    )* };
}

mirrors! {
    /// operations/<connector>/connector.yaml: one outside system
    struct ConnectorFile {
        /// Version of this file format: 1
        pub version: u32,
        /// The connector's name, the same as its folder's
        pub connector: String,
        pub title: String,
        #[serde(default)]
        pub description: Option<String>,
        /// The vendor's documentation
        #[serde(default)]
        pub docs: Option<String>,
        /// What a connection to this system needs, in the order in which a form shows it
        pub connection: Ordered<PropertyFile>,
        /// Where paths are appended; {property} placeholders allowed
        pub base_url: String,
        /// Hosts that people type, and the host that serves the API for each
        #[serde(default)]
        pub hosts: Ordered<String>,
        /// Further origins (scheme://host) that operations may use; credentials go to these and base_url's only
        #[serde(default)]
        pub origins: Vec<String>,
        pub auth: AuthFile,
        /// Sent with every request; one whose property is absent is left out
        #[serde(default)]
        pub headers: Ordered<String>,
        /// How lists are paged unless the operation says otherwise
        #[serde(default)]
        pub paging: Option<PagingFile>,
        /// A keyset walk that a caller may choose instead
        #[serde(default)]
        pub forward_only: Option<KeysetFile>,
        #[serde(default)]
        pub errors: ErrorsFile,
        #[serde(default)]
        pub rate: Option<RateFile>,
        /// The operation that `connection test` calls
        #[serde(default)]
        pub probe: Option<String>,
        /// Options that several operations share, by name of the set
        #[serde(default)]
        pub option_sets: Ordered<Ordered<OptionFile>>,
    }

    /// One property of a connection
    struct PropertyFile {
        #[serde(default)]
        pub title: Option<String>,
        #[serde(default)]
        pub description: Option<String>,
        #[serde(default, rename = "type")]
        pub kind: PropertyTypeFile,
        /// origin: reduced to scheme://host[:port]; uri: kept with its path, without a trailing slash
        #[serde(default)]
        pub format: Option<FormatFile>,
        /// Masked everywhere
        #[serde(default)]
        pub secret: bool,
        #[serde(default)]
        pub optional: bool,
        #[serde(default)]
        pub default: Option<String>,
        #[serde(default)]
        pub examples: Vec<String>,
        #[serde(default, rename = "enum")]
        pub choices: Vec<String>,
        #[serde(default)]
        pub pattern: Option<String>,
    }

    /// Type of a connection property
    #[derive(Copy, Default, PartialEq, Eq)]
    enum PropertyTypeFile { #[default] String, Integer, Boolean }

    /// Form of a connection property
    #[derive(Copy, PartialEq, Eq)]
    enum FormatFile { Origin, Uri }

    /// How requests are signed
    enum AuthFile {
        None,
        /// HTTP Basic (RFC 7617)
        Basic { username: String, password: String },
        /// Authorization: Bearer
        Bearer { token: String },
        /// A key in a header
        ApiKey { header: String, value: String },
    }

    /// How one page leads to the next
    enum PagingFile {
        None,
        /// Link header with rel=next (RFC 8288)
        Link {
            #[serde(default)]
            size: Option<SizeFile>,
            /// The query parameter that counts pages in the rel=last link, so that pages can be fetched side by side
            #[serde(default)]
            last: Option<TargetFile>,
        },
        /// Numbered pages
        Number {
            page: NumberFile,
            #[serde(default)]
            size: Option<SizeFile>,
            #[serde(default)]
            end: Option<EndFile>,
            /// Where the reply tells how many items there are in all
            #[serde(default)]
            total: Option<SourceFile>,
        },
        /// Skip and limit
        Offset {
            offset: TargetFile,
            size: SizeFile,
            #[serde(default)]
            total: Option<SourceFile>,
            /// Query parameters that are sent when the caller does not give them, such as a stable sort
            #[serde(default)]
            with: Ordered<String>,
        },
        /// A token of the server's making
        Cursor {
            token: SourceFile,
            send: TargetFile,
            #[serde(default)]
            size: Option<SizeFile>,
            /// A flag that ends the walk when false
            #[serde(default)]
            has_more: Option<SourceFile>,
        },
        /// The reply names the next URL
        NextUrl(NextUrlFile),
        /// After the key of the last item
        Keyset(KeysetFile),
    }

    /// A page size
    struct SizeFile {
        pub query: String,
        pub default: u32,
        #[serde(default)]
        pub max: Option<u32>,
    }

    /// The page number
    struct NumberFile {
        pub query: String,
        #[serde(default = "one")]
        pub start: u64,
    }

    /// How a numbered walk ends
    enum EndFile {
        /// Where the reply tells the number of pages
        TotalPages(SourceFile),
        /// Where the reply tells the next page's number; null ends
        NextPage(SourceFile),
        /// Where the reply tells whether there is more
        HasMore(SourceFile),
    }

    /// Keyset paging
    struct KeysetFile {
        /// Headers that switch the server to this way of paging
        #[serde(default)]
        pub header: Ordered<String>,
        pub after: AfterFile,
        #[serde(default)]
        pub size: Option<SizeFile>,
        /// Options that cannot be given together with it
        #[serde(default)]
        pub unless: Vec<String>,
    }

    /// The key of the last item and the parameter that takes it
    struct AfterFile {
        pub query: String,
        /// JSON Pointer in the item
        pub from: String,
    }

    /// `/pagination/next` and, where there is one, the page size
    struct NextUrlFile {
        pub pointer: String,
        #[serde(default)]
        pub size: Option<SizeFile>,
    }

    /// Where a reply's values for errors stand
    #[derive(Default)]
    struct ErrorsFile {
        #[serde(default)]
        pub code: PointersFile,
        #[serde(default)]
        pub message: PointersFile,
        #[serde(default)]
        pub details: Option<DetailsFile>,
        #[serde(default)]
        pub request_id: Option<SourceFile>,
        /// A flag in the body that must be true in a success
        #[serde(default)]
        pub success: Option<String>,
        /// Statuses that mean "refused before processing", so that a write may be repeated after them
        #[serde(default)]
        pub refused: Vec<u16>,
        /// Advice by status, host pattern or provider code
        #[serde(default)]
        pub explain: Vec<ExplainFile>,
    }

    /// The list of field errors
    struct DetailsFile {
        pub list: String,
        #[serde(default = "field")]
        pub field: String,
        #[serde(default = "code")]
        pub code: String,
        #[serde(default = "message")]
        pub message: String,
    }

    /// Advice that is added to an error
    struct ExplainFile {
        #[serde(default)]
        pub status: Option<u16>,
        #[serde(default)]
        pub hosts: Vec<String>,
        #[serde(default)]
        pub code: Option<String>,
        pub advice: String,
    }

    /// How many requests in how many seconds
    struct RateFile { pub requests: u32, pub per_s: u32 }

    /// One option: a JSON Schema, and where it is sent
    #[derive(Default)]
    struct OptionFile {
        /// Default: path when named in it, else query
        #[serde(default, rename = "in")]
        pub location: Option<LocationFile>,
        /// How an array is sent: comma-joined, or the parameter repeated
        #[serde(default)]
        pub style: StyleFile,
        #[serde(default, rename = "type")]
        pub kind: Option<Json>,
        #[serde(default)]
        pub title: Option<String>,
        #[serde(default)]
        pub description: Option<String>,
        #[serde(default, rename = "enum")]
        pub choices: Option<Json>,
        #[serde(default)]
        pub format: Option<String>,
        #[serde(default)]
        pub minimum: Option<Json>,
        #[serde(default)]
        pub maximum: Option<Json>,
        #[serde(default, rename = "minLength")]
        pub min_length: Option<u32>,
        #[serde(default, rename = "maxLength")]
        pub max_length: Option<u32>,
        #[serde(default)]
        pub pattern: Option<String>,
        #[serde(default)]
        pub items: Option<Json>,
        #[serde(default, rename = "minItems")]
        pub min_items: Option<u32>,
        #[serde(default, rename = "maxItems")]
        pub max_items: Option<u32>,
        #[serde(default)]
        pub default: Option<Json>,
        #[serde(default)]
        pub examples: Option<Json>,
    }

    /// Where an option is sent
    #[derive(Copy, PartialEq, Eq)]
    enum LocationFile { Path, Query, Header, Body }

    /// How an array is sent
    #[derive(Copy, Default, PartialEq, Eq)]
    enum StyleFile { #[default] Comma, Repeat }

    /// operations/<connector>/<area>.yaml: operations keyed by OperationId
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
        /// Another listed origin than the connector's
        #[serde(default)]
        pub base_url: Option<String>,
        /// Headers of this operation
        #[serde(default)]
        pub headers: Ordered<String>,
        /// The connector's option sets that it takes
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
        /// Overrides the connector's paging
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
        /// The record whose schema the items follow
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
        /// Where the reply tells how many items there are in all
        #[serde(default)]
        pub total: Option<String>,
        /// Statuses that count as success; any 2xx by default
        #[serde(default)]
        pub ok: Vec<u16>,
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

    /// What a reply holds
    #[derive(Copy, PartialEq, Eq)]
    enum ResultFile { List, Object, Count, None, File, Report, Text }

    /// A reply that reports on each item
    struct PartsFile {
        pub each: String,
        /// Name of the flag that says whether the part succeeded
        #[serde(default)]
        pub ok: Option<String>,
        /// Name of the field with the item's index
        #[serde(default)]
        pub index: Option<String>,
        /// JSON Pointer, in the part, to its error
        #[serde(default)]
        pub error: Option<String>,
        /// JSON Pointer, in the part, to its record
        #[serde(default)]
        pub data: Option<String>,
    }

    /// The header that takes an idempotency key
    struct IdempotencyFile { pub header: String }

    /// What to use instead
    struct DeprecatedFile { #[serde(default, rename = "use")] pub instead: Option<String> }

    /// templates/<connector>/<area>.yaml: what designers pick
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

fn one() -> u64 {
    1
}
fn field() -> String {
    "/field".into()
}
fn code() -> String {
    "/code".into()
}
fn message() -> String {
    "/message".into()
}
