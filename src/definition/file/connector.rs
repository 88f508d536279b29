//! Mirror of `connector.yaml`, as typed. No meaning is checked here beyond names and types.

use super::option::OptionFile;
use super::paging::{KeysetFile, PagingFile};
use crate::authoring::values::{PointersFile, SourceFile, mirrors};
use crate::authoring::{Json, Ordered, is_default};

/// What tests a connection
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ProbeFile {
    /// An operation without options
    Plain(String),
    /// An operation with options, in which {property} stands for the connection's value
    With { operation: String, options: Ordered<String> },
}

/// A flag that must be true, or `{ at: /status, is: [true, "success"] }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SuccessFile {
    Flag(String),
    Values(GoodFile),
}

mirrors! {
    /// The values that mean success
    struct GoodFile {
        /// JSON Pointer in the body
        pub at: String,
        /// The good values; true when left out
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub is: Option<Vec<Json>>,
        /// What it means that a body does not have it; without a word, neither success nor failure was shown
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub absent: Option<VerdictFile>,
    }

    /// What something means for a call or an item
    #[derive(Copy, Eq)]
    enum VerdictFile { Ok, Failed }

    /// `operations/<connector>/connector.yaml`: one outside system
    struct ConnectorFile {
        /// Version of this file format: 1
        pub version: u32,
        /// The connector's name, the same as its folder's
        pub connector: String,
        pub title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The vendor's documentation
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub docs: Option<String>,
        /// What a connection to this system needs, in the order in which a form shows it
        pub connection: Ordered<PropertyFile>,
        /// Where paths are appended; {property} placeholders allowed, no query
        pub base_url: String,
        /// Hosts that people type, and the host that serves the API for each
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub hosts: Ordered<String>,
        /// Further origins (scheme://host) that operations may use; credentials go to these and base_url's only
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub origins: Vec<String>,
        pub auth: AuthFile,
        /// Sent with every request; one whose property is absent is left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub headers: Ordered<String>,
        /// How lists are paged unless the operation says otherwise
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub paging: Option<PagingFile>,
        /// A keyset walk that a caller may choose instead
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub forward_only: Option<KeysetFile>,
        #[serde(default, skip_serializing_if = "is_default")]
        pub errors: ErrorsFile,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rate: Option<RateFile>,
        /// The operation that `connection test` calls
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub probe: Option<ProbeFile>,
        /// Options that several operations share, by name of the set
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
        /// origin: reduced to scheme://host[:port]; uri: kept with its path, without a trailing slash
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub format: Option<FormatFile>,
        /// Masked everywhere
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

    /// Form of a connection property
    #[derive(Copy, Eq)]
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
        /// OAuth 2.0 (RFC 6749)
        Oauth2(Oauth2File),
        /// A rotating refresh token of the vendor's own kind
        Refresh(RefreshFile),
    }

    /// OAuth 2.0 (RFC 6749), with PKCE (RFC 7636) where a person signs in
    struct Oauth2File {
        pub flow: FlowFile,
        /// Where a person signs in
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub authorize: Option<String>,
        /// Where tokens come from
        pub token: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub scopes: Vec<String>,
        pub client_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_secret: Option<String>,
        /// How the client proves itself. When left out: basic, and the form where the token server takes only that
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_auth: Option<ClientAuthFile>,
        /// Further parameters of the token request, such as an audience; {property} placeholders allowed, one whose property is absent is left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub token_parameters: Ordered<String>,
        /// A refresh token that the connection itself holds
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub refresh_token: Option<String>,
    }

    /// How an OAuth client proves itself to the token server
    #[derive(Copy, Eq)]
    enum ClientAuthFile {
        /// Id and secret in the Authorization header (HTTP Basic)
        Basic,
        /// Id and secret as client_id and client_secret in the form
        Body,
    }

    /// OAuth 2.0 flows
    #[derive(Copy, Eq)]
    enum FlowFile { AuthorizationCode, ClientCredentials }

    /// A request that exchanges a refresh token for a new pair
    struct RefreshFile {
        /// Verb and path: POST /auth/refresh
        pub request: String,
        /// Headers that carry the refresh token, as {property}
        pub header: Ordered<String>,
        /// JSON Pointer to the new access token
        pub access_token: String,
        /// JSON Pointer to the new refresh token
        pub refresh_token: String,
        /// JSON Pointer to its life in seconds
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expires_in: Option<String>,
    }

    /// Where a reply's values for errors stand
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
        /// A flag in the body that must be true in a success; or its place with the good values. Everything else is a failure
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub success: Option<SuccessFile>,
        /// A body with a success status that holds all of these is an error: JSON Pointers, such as those of code and message
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub in_success: Vec<String>,
        /// Statuses that mean "refused before processing", so that a write may be repeated after them
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub refused: Vec<u16>,
        /// Advice by status, host pattern or provider code
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
