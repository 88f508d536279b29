//! Mirrors of the operations and templates files, as written. Only names and types are checked here.
//!
//! They are separate from the checked models, so that later code never sees an unchecked value. The JSON Schemas are generated from these types.

use super::job::JobFile;
use super::method::MethodFile;
use super::option::OptionFile;
use super::paging::{PagingUseFile, TotalFile};
use super::reply::{AttachFile, ColumnsFile, CsvFile, FormFile, FoundItemsFile};
use super::request::{BodyFile, FixedFile, RuleFile};
use super::success::GoodFile;
use crate::authoring::values::{PointersFile, SourceFile, mirrors};
use crate::authoring::{Json, Ordered, is_default};

/// The reply of an operation: its own keys, or a set of the connector by name
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ResponseUseFile {
    /// The name of one of the connector's `response_sets`
    Set(String),
    /// Its own keys
    Own(Box<ResponseFile>),
}

impl ResponseFile {
    /// These keys over those of a set.
    pub(in crate::definition) fn over(self, base: ResponseFile) -> ResponseFile {
        let list = |own: Vec<u16>, base: Vec<u16>| if own.is_empty() { base } else { own };
        let mut keep = base.keep;
        keep.extend(self.keep);
        let mut attach = base.attach;
        attach.extend(self.attach);
        ResponseFile {
            set: None,
            result: self.result.or(base.result),
            format: if is_default(&self.format) { base.format } else { self.format },
            csv: self.csv.or(base.csv),
            items: self.items.or(base.items),
            optional: self.optional || base.optional,
            total: self.total.or(base.total),
            ok: list(self.ok, base.ok),
            redirect: self.redirect.or(base.redirect),
            empty: list(self.empty, base.empty),
            parts: self.parts.or(base.parts),
            record: self.record.or(base.record),
            columns: self.columns.or(base.columns),
            rows: self.rows.or(base.rows),
            keep,
            attach,
        }
    }
}

/// The flag of a part, or `{ at: /status, is: [created] }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PartOkFile {
    /// The flag: a key of the part, or a JSON Pointer
    Flag(String),
    /// A value, and which values mean success
    Values(GoodFile),
}

/// A field that part and item share, or `{ part: /ref, item: /id }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PartKeyFile {
    /// A field that part and item share
    Name(String),
    /// A field of the part and one of the item
    Pair(PartPairFile),
}

mirrors! {
    /// `operations/<connector>/<area>.yaml`: operations keyed by OperationId
    struct OperationsFile {
        /// Version of this file format: 2; version 1 is read
        pub version: u32,
        /// Record definitions that operations refer to
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub records: Ordered<RecordFile>,
        /// Operations by OperationId, which is unique within the connector
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub operations: Ordered<OperationFile>,
    }

    /// The fields of a record
    struct RecordFile {
        /// A name for people; default: the name of the record
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// JSON Schema (2020-12)
        pub schema: Json,
        /// A complete record as the server returns it; default: one that is made from the schema
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sample: Option<Json>,
    }

    /// One operation
    struct OperationFile {
        /// A name for people
        pub title: String,
        /// What it does and what a user should know
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The vendor's own id of the operation, by which it can be called too
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vendor_id: Option<String>,
        /// What it does for its caller
        pub method: MethodFile,
        /// Verb and path, such as GET /system/members/{id}: GET, HEAD, POST, PUT, PATCH or DELETE. A {name} is an option, a value of the paging or a property
        pub request: String,
        /// Another of the connector's origins; may contain {property} placeholders, but no query
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub base_url: Option<String>,
        /// Constants of each request; they override those of the connector. Texts may also contain {option} placeholders of options with `in: text`
        #[serde(default, skip_serializing_if = "is_default")]
        pub fixed: FixedFile,
        /// The format of the body; default: json
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub body: Option<BodyFile>,
        /// Version 1 of `fixed: { header }`
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub headers: Ordered<String>,
        /// The connector's option sets to include; options that the path names are sent in the path
        #[serde(default, rename = "use", skip_serializing_if = "Vec::is_empty")]
        pub sets: Vec<String>,
        /// Its options by name. Those of the path need an entry; an option here overrides one of a set
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub options: Ordered<OptionFile>,
        /// Required options; path parameters are always required
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub required: Vec<String>,
        /// For writes: the items that it takes, and how they are sent; default: it takes none
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<ItemsFile>,
        /// The reply: what it contains, or the name of one of the connector's `response_sets`
        pub response: ResponseUseFile,
        /// Overrides the connector's paging: a paging, or the name of one of its `paging_sets`; only for queries with `result: list`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub paging: Option<PagingUseFile>,
        /// The system does the work after its reply: the state is polled, and then the result is fetched
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub job: Option<JobFile>,
        /// What replies mean, before the rules of the connector
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub rules: Vec<RuleFile>,
        /// false: this list does not support the connector's forward_only
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub forward_only: Option<bool>,
        /// true: repeating the request has no further effect (always true for PUT, DELETE and queries)
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub idempotent: Option<bool>,
        /// For writes: a header with a key of the request, so that it can be repeated without a further effect
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub idempotency_key: Option<IdempotencyFile>,
        /// true: the request is sent without credentials
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub anonymous: bool,
        /// Marks the operation as outdated
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deprecated: Option<DeprecatedFile>,
    }

    /// The items of a write
    struct ItemsFile {
        /// How items become requests
        pub send: SendFile,
        /// The record whose schema applies to the items; default: any object. Its `required` properties are enforced where records are created (POST, but
        /// not a
        /// patch, multipart or raw), except those with `readOnly: true`; a `required` under `schema` overrides it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub record: Option<String>,
        /// JSON Schema of an item; its keywords override those of the record
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub schema: Option<Json>,
        /// JSON Pointer in the body at which the items are put, such as /records; default: the items are the body
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub wrap: Option<String>,
        /// false: the write may be called without items; default: true
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub required: Option<bool>,
        /// true: fields that are sent elsewhere, such as in the path, are removed from the body; only for `send: each`
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub drop_sent: bool,
        /// Version 1 of `drop_sent`
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub drop_path_fields: bool,
        /// An example item
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sample: Option<Json>,
    }

    /// How items become requests
    enum SendFile {
        /// One request per item
        Each,
        /// All items as one array
        All,
        /// Arrays of at most this many items, at least 1
        Chunk(u32),
        /// A flat object as a list of patch operations, whose `path` is the bare name of a field; a list of patch operations is sent unchanged
        JsonPatch,
        /// The same by RFC 6902: `path` is a JSON Pointer such as `/name`, below `wrap` if that is given; a value is set by `add`, the media type is application/json-patch+json
        Rfc6902,
        /// multipart/form-data, one request per item: short for `each` with `body: multipart`
        Multipart,
        /// A form, one request per item: short for `each` with `body: form`
        Form,
        /// The item itself as the body: short for `each` with `body: raw`
        Raw,
        /// XML, one request per item: short for `each` with `body: xml`
        Xml,
        /// At most this many items, at least 1, one per line: short for `chunk` with `body: ndjson`
        Ndjson(u32),
    }

    /// The reply
    #[derive(Default)]
    struct ResponseFile {
        /// A response set of the connector; the keys beside override its keys
        #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
        pub set: Option<String>,
        /// The kind of result; needed here or in the set
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub result: Option<ResultFile>,
        /// The format of the body; default json
        #[serde(default, skip_serializing_if = "is_default")]
        pub format: FormFile,
        /// For `format: csv`: separator and columns; default: a comma, and the names in the first row
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub csv: Option<CsvFile>,
        /// Where the items are: a JSON Pointer, several of them, or `{ at: …, key: NAME, tag: NAME, value: POINTER }`; default: the whole body. A list in XML needs it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<FoundItemsFile>,
        /// true: the items may be absent; for a list, an object or a count
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub optional: bool,
        /// For a list of a query: where the reply contains the total number of items
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub total: Option<TotalFile>,
        /// Statuses that mean success; default: any 2xx. Redirects are handled before
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub ok: Vec<u16>,
        /// For writes: a redirect means success and gives the record's location (post/redirect/get)
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub redirect: Option<RedirectFile>,
        /// Statuses that mean "no items"
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub empty: Vec<u16>,
        /// For writes with `result: list`: the reply reports on each item
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub parts: Option<PartRuleFile>,
        /// Name of the record that is returned
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub record: Option<String>,
        /// For a report, which needs it: JSON Pointer to the column definitions, `{ at: POINTER, name: POINTER }`, or a list of names
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub columns: Option<ColumnsFile>,
        /// For a report, which needs it: JSON Pointer to the rows; rows that are objects become items as they are
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rows: Option<String>,
        /// For queries: values beside the items that the receipt has under these names: a JSON Pointer or `{ header: NAME }`; of several pages, the last
        /// that has it counts
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub keep: Ordered<SourceFile>,
        /// For lists and objects of queries: fields that are added to each item: related records that the same reply has in another list
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub attach: Ordered<AttachFile>,
    }

    /// What a redirect after a write means
    #[derive(Copy, Eq)]
    enum RedirectFile {
        /// The write is done
        Ok,
    }

    /// The kind of result in a reply
    #[derive(Copy, Eq)]
    enum ResultFile {
        /// A list of records: one item per record
        List,
        /// One record: one item
        Object,
        /// A number of records: one item, `{"count": 12}`; read at /count if `items` says no other place
        Count,
        /// Nothing is expected: no item, or what the server returns nevertheless
        None,
        /// Bytes: one item with `contentType`, `fileName`, `size`, `sha256` and `data` in base64
        File,
        /// Columns and rows: one item per row, its fields named by `columns`
        Report,
        /// Text: one item with `contentType` and `text`
        Text,
    }

    /// A reply that reports on each item. Fields of a part are given as a key or a JSON Pointer
    struct PartRuleFile {
        /// JSON Pointer to the list of parts; of several, the lists are read one after the other
        pub each: PointersFile,
        /// The success flag of a part: true, "success" or a 2xx number; or its pointer with the success values. Default: success, unless `error` leads to a
        /// value
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ok: Option<PartOkFile>,
        /// The field with the item's index, from 0; not beside `key`. Default: parts have the order of the items
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub index: Option<String>,
        /// The field that identifies the item: equal to the item if that is a plain value, else to the item's field of this name
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

    /// Failures of items, in a separate list
    struct PartErrorsFile {
        /// JSON Pointer to the list
        pub each: String,
        /// The field with the item's index
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub index: Option<String>,
        /// The field that identifies the item
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<PartKeyFile>,
        /// JSON Pointer, in the failure, to its error
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub error: Option<String>,
    }

    /// Where a part and its item have the same key, each as a JSON Pointer
    struct PartPairFile {
        /// JSON Pointer in the part
        pub part: String,
        /// JSON Pointer in the item
        pub item: String,
    }

    /// The header for an idempotency key
    struct IdempotencyFile {
        /// Name of the header
        pub header: String,
    }

    /// What to use instead
    struct DeprecatedFile {
        /// OperationId of the operation that replaces it; default: none does
        #[serde(default, rename = "use")]
        pub instead: Option<String>,
    }

    /// `templates/<connector>/<area>.yaml`: templates keyed by name
    struct TemplatesFile {
        /// Version of this file format: 1
        pub version: u32,
        /// Templates by name: lower-case words joined by hyphens
        pub templates: Ordered<TemplateFile>,
    }

    /// A predefined call
    struct TemplateFile {
        /// A name for people
        pub title: String,
        /// What the call returns or does
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub summary: Option<String>,
        /// OperationId of the operation
        pub operation: String,
        /// Its options by name
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub options: Option<Json>,
        /// For a write: its items, with sample values
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<Vec<Json>>,
        /// JSON Pointers to the values that the user must fill in, under /options or /items
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub ask: Vec<String>,
        /// Words by which it is found
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub tags: Vec<String>,
    }
}
