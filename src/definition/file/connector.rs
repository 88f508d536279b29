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
    With { operation: String, options: Ordered<String> },
}

mirrors! {
    /// `operations/<connector>/connector.yaml`: one external system
    struct ConnectorFile {
        /// Version of this file format: 2; version 1 is read
        pub version: u32,
        /// The connector's name, equal to the name of its folder
        pub connector: String,
        pub title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The vendor's documentation
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub docs: Option<String>,
        /// The properties of a connection, in the order of a form
        pub connection: Ordered<PropertyFile>,
        /// The address to which paths are appended; may contain {property} placeholders, but no query
        pub base_url: String,
        /// Maps hosts that users enter to the host of the API
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub hosts: Ordered<String>,
        /// Further origins (scheme://host) that operations may use; credentials are sent only to these and to the origin of base_url
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub origins: Vec<String>,
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
        /// The paging of lists; an operation may override it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub paging: Option<PagingFile>,
        /// Keyset paging, which a caller may choose instead
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub forward_only: Option<KeysetFile>,
        #[serde(default, skip_serializing_if = "is_default")]
        pub errors: ErrorsFile,
        /// What replies mean, if status and `errors` do not say it; rules of an operation come first
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub rules: Vec<RuleFile>,
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

    /// One property of a connection
    struct PropertyFile {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        #[serde(default, rename = "type", skip_serializing_if = "is_default")]
        pub kind: PropertyTypeFile,
        /// origin: only scheme://host[:port] is kept; uri: the path is kept, without a trailing slash
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub format: Option<FormatFile>,
        /// true: masked everywhere
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub secret: bool,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub optional: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub default: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub examples: Vec<String>,
        #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
        pub choices: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pattern: Option<String>,
    }

    /// Type of a connection property
    #[derive(Copy, Default, Eq)]
    enum PropertyTypeFile { #[default] String, Integer, Boolean }

    /// Format of a connection property
    #[derive(Copy, Eq)]
    enum FormatFile { Origin, Uri }

    /// Where a reply contains the details of an error
    #[derive(Default)]
    struct ErrorsFile {
        #[serde(default, skip_serializing_if = "is_default")]
        pub code: PointersFile,
        #[serde(default, skip_serializing_if = "is_default")]
        pub message: PointersFile,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub details: Option<DetailsFile>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request_id: Option<SourceFile>,
        /// A flag in the body that must be true on success; or its pointer with the success values. Any other value is a failure
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<u16>,
        /// Only for operations of this method
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub method: Option<MethodFile>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub hosts: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub code: Option<String>,
        pub advice: String,
    }

    /// How many requests in how many seconds
    struct RateFile { pub requests: u32, pub per_s: u32 }
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
