//! Mirror of `connector.yaml`, as written. Only names and types are checked here.

use super::auth::AuthFile;
use super::login::CsrfFile;
use super::method::MethodFile;
use super::operation::ResponseFile;
use super::option::OptionFile;
use super::paging::{KeysetFile, PagingFile};
use super::request::{FixedFile, RuleFile};
use super::success::SuccessFile;
use crate::authoring::values::{PointersFile, SourceFile, mirrors};
use crate::authoring::{Ordered, is_default};

/// The operation that tests a connection
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ProbeFile {
    /// An operation without options
    Plain(String),
    /// An operation with options; {property} is replaced by the connection's value
    With {
        /// OperationId of the operation
        operation: String,
        /// Its options; {property} is replaced by the connection's value
        options: Ordered<String>,
    },
}

mirrors! {
    /// `operations/<connector>/connector.yaml`: one external system
    struct ConnectorFile {
        /// Version of this file format: 2; version 1 is read
        pub version: u32,
        /// The connector's name, equal to the name of its folder
        pub connector: String,
        /// A name for people
        pub title: String,
        /// What the system is, in a sentence or two
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The vendor's documentation
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub docs: Option<String>,
        /// The properties of a connection, in the order of a form. No property is called connector, account, limits, allow_http, allow_private, reroute,
        /// relink, tls or proxy
        pub connection: Ordered<PropertyFile>,
        /// The address to which paths are appended; may contain {property} placeholders, but no query
        pub base_url: String,
        /// Maps hosts that users enter to the host of the API
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub hosts: Ordered<String>,
        /// Further origins (scheme://host) that operations may use; credentials are sent only to these and to the origin of base_url
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub origins: Vec<String>,
        /// Origins from which reads fetch without credentials, cookies and constants, such as a storage with presigned addresses: redirects, and the addresses of results and
        /// next pages, may lead there. `https://*.example.com` is every host below example.com. None is used over a connection with a client certificate
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub public_origins: Vec<String>,
        /// How requests are authenticated
        pub auth: AuthFile,
        /// A token against cross-site request forgery, beside `auth`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub csrf: Option<CsrfFile>,
        /// Constants of every request
        #[serde(default, skip_serializing_if = "is_default")]
        pub fixed: FixedFile,
        /// Version 1 of `fixed: { header }`
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub headers: Ordered<String>,
        /// How values are written in options with `fields: conditions`, so that no value changes the meaning of a condition
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub literals: Option<LiteralsFile>,
        /// The paging of lists; an operation may override it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub paging: Option<PagingFile>,
        /// Keyset paging, which a caller may choose instead
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub forward_only: Option<KeysetFile>,
        /// Where replies contain the details of an error, and which advice is added
        #[serde(default, skip_serializing_if = "is_default")]
        pub errors: ErrorsFile,
        /// What replies mean, if status and `errors` do not say it; rules of an operation come first
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub rules: Vec<RuleFile>,
        /// How many requests a connection sends at most, if it has no `limits: { rate }` of its own; default: no limit
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rate: Option<RateFile>,
        /// The operation that `connection test` calls
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub probe: Option<ProbeFile>,
        /// Pagings that operations may use by name
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub paging_sets: Ordered<PagingFile>,
        /// Replies that operations may use by name
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub response_sets: Ordered<ResponseFile>,
        /// Option sets that operations may include, by name
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub option_sets: Ordered<Ordered<OptionFile>>,
    }

    /// How values are written in conditions
    struct LiteralsFile {
        /// The character around a text
        pub quote: String,
        /// How this character is written within a text; default: refuse, such texts cannot be sent
        #[serde(default, skip_serializing_if = "is_default")]
        pub escape: EscapeFile,
        /// The texts before and after a time or a date; default: the quotes of a text
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub time: Vec<String>,
        /// The words for true and false; default: true and false
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub booleans: Vec<String>,
        /// Characters with a meaning of their own in the text after an operator, by operator; texts with them are refused there
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub wildcards: Ordered<String>,
    }

    /// How a quote is written within a text
    #[derive(Copy, Default, Eq)]
    enum EscapeFile {
        /// It cannot be written
        #[default]
        Refuse,
        /// It is doubled
        Double,
        /// It gets a backslash, and so does a backslash
        Backslash,
    }

    /// One property of a connection
    struct PropertyFile {
        /// A name for people; default: the name of the property
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// What it is and where it is found, for forms
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The type of the value; default: string
        #[serde(default, rename = "type", skip_serializing_if = "is_default")]
        pub kind: PropertyTypeFile,
        /// For an address, with the type string: how it is read. A scheme may be left out (then https); default: any text
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub format: Option<FormatFile>,
        /// true: masked everywhere; default: false
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub secret: bool,
        /// true: a connection may leave it out; default: false
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub optional: bool,
        /// The value if a connection gives none; it must be valid itself
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub default: Option<String>,
        /// Example values, for forms
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub examples: Vec<String>,
        /// The allowed values; default: any
        #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
        pub choices: Vec<String>,
        /// A regular expression that a part of the value must match; for the whole value write `^…$`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pattern: Option<String>,
    }

    /// Type of a connection property
    #[derive(Copy, Default, Eq)]
    enum PropertyTypeFile {
        /// Any text
        #[default]
        String,
        /// A whole number of at most 64 bits
        Integer,
        /// true or false
        Boolean,
    }

    /// Format of a connection property
    #[derive(Copy, Eq)]
    enum FormatFile {
        /// An address, of which only scheme://host[:port] is kept
        Origin,
        /// An address, of which the path is kept too, without a trailing slash; no query
        Uri,
    }

    /// Where a reply contains the details of an error
    #[derive(Default)]
    struct ErrorsFile {
        /// JSON Pointer to the code of the error, or several, of which the first that leads to a value is used
        #[serde(default, skip_serializing_if = "is_default")]
        pub code: PointersFile,
        /// JSON Pointer to the message of the error, or several, of which the first that leads to a value is used
        #[serde(default, skip_serializing_if = "is_default")]
        pub message: PointersFile,
        /// The list of field errors; at most 50 are shown
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub details: Option<DetailsFile>,
        /// Where the reply contains the id of the request, by which the vendor finds it: a JSON Pointer or `{ header: NAME }`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request_id: Option<SourceFile>,
        /// JSON Pointer to a flag that must be true on success, or to a value with the success values. Any other value is a failure
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub success: Option<SuccessFile>,
        /// Version 1 of a rule: a body with a success status that contains all of these is an error
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub in_success: Vec<String>,
        /// Version 1 of a rule: statuses that mean "refused before processing", so that a write may be retried
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub refused: Vec<u16>,
        /// Advice by status, method, host pattern or provider code
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub explain: Vec<ExplainFile>,
    }

    /// The list of field errors
    struct DetailsFile {
        /// JSON Pointer to the list, or to a map of fields with their messages
        pub list: String,
        /// JSON Pointer, in an entry, to the name or path of the field; default: /field
        #[serde(default = "field")]
        pub field: String,
        /// JSON Pointer, in an entry, to its code; default: /code
        #[serde(default = "code")]
        pub code: String,
        /// JSON Pointer, in an entry, to its message; default: /message
        #[serde(default = "message")]
        pub message: String,
    }

    /// Advice that is added to an error
    struct ExplainFile {
        /// Only for replies with this status
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<u16>,
        /// Only for operations of this method
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub method: Option<MethodFile>,
        /// Only for requests to one of these hosts: a name, or `*` and the end of one, such as `*.example.com`
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub hosts: Vec<String>,
        /// Only for errors with this code, as `errors: { code }` finds it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub code: Option<String>,
        /// What the user should do. The first entry of which all given keys fit is used
        pub advice: String,
    }

    /// How many requests in how many seconds
    struct RateFile {
        /// Number of requests, at least 1
        pub requests: u32,
        /// Number of seconds, at least 1
        pub per_s: u32,
    }
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
