//! Mirror of `auth: { login: … }` and of `csrf` in `connector.yaml`, as written.

use super::placed::{LoginPairFile, PlacedFile};
use crate::authoring::values::mirrors;
use crate::authoring::{Json, Ordered};

/// Where a reply contains a token: a JSON Pointer in the body, `{ header: NAME }`, or `{ cookie: NAME }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TokenPlaceFile {
    /// JSON Pointer in the body; empty for a body that is the token
    Pointer(String),
    /// A header or a cookie
    Named(NamedPlaceFile),
}

/// What means a refused login: a JSON Pointer to a value that is there, or `{ at: POINTER, is: [...] }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum FailedFile {
    /// JSON Pointer; any value but null, false, 0, "" and an empty list or object means that the login was refused
    Pointer(String),
    /// The values that mean it
    Values(FailedValuesFile),
}

mirrors! {
    /// A header or a cookie of a reply
    enum NamedPlaceFile {
        /// Name of the header
        Header(String),
        /// Name of the cookie
        Cookie(String),
    }

    /// The values that mean a refused login
    struct FailedValuesFile {
        /// JSON Pointer in the body
        pub at: String,
        /// The values that mean that the login was refused
        pub is: Vec<Json>,
    }

    /// A login request. It is repeated when the token expires or a reply has the status 401. All texts may contain {property} placeholders
    struct LoginFile {
        /// Verb and path, such as POST /login; a body needs POST, PUT, PATCH or DELETE
        pub request: String,
        /// Address to which the path is appended; default: base_url of the connector
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub base_url: Option<String>,
        /// Headers of the request; one whose property is absent is left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub headers: Ordered<String>,
        /// Query parameters; one whose property is absent is left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub query: Ordered<String>,
        /// Body as JSON, with placeholders in its texts; a member whose property is absent is left out. A text that is only a placeholder gets the property's
        /// type
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub json: Option<Json>,
        /// Body as a form, in the place of `json`; a field whose property is absent is left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub form: Ordered<String>,
        /// HTTP Basic for the login request
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub basic: Option<LoginPairFile>,
        /// Where the reply contains the token
        pub token: TokenPlaceFile,
        /// JSON Pointer to the lifetime of the token in seconds
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expires_in: Option<String>,
        /// Lifetime of the token in seconds, at least 1, in the place of `expires_in`; default: until a reply has the status 401
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expires_s: Option<u32>,
        /// How the token is sent; default: in the header Authorization as Bearer {token}; a cookie as the same cookie
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub send: Option<PlacedFile>,
        /// What in a reply with a success status means that the login was refused; default: a missing token
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub failed: Option<FailedFile>,
    }

    /// A token against cross-site request forgery: fetched before the first request that needs it, and sent with its cookies
    struct CsrfFile {
        /// Verb and path of the request that returns it, such as HEAD /: GET, HEAD or POST
        pub request: String,
        /// Headers of that request, such as x-csrf-token: fetch; one whose property is absent is left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub headers: Ordered<String>,
        /// Where the reply contains the token
        pub token: TokenPlaceFile,
        /// How the token is sent; its value contains {token}
        pub send: PlacedFile,
        /// Which requests carry it; default writes
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
        pub scope: Option<CsrfScopeFile>,
        /// Statuses from 400 to 499, but not 401, that mean that the token was refused and nothing was done: it is fetched anew, and the request is sent
        /// once more. Default: 403 if the
        /// reply has the value Required in the header of the token
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub renew_on: Vec<u16>,
    }

    /// Which requests carry the token
    #[derive(Copy, Eq)]
    enum CsrfScopeFile {
        /// Requests of mutate and delete
        Writes,
        /// All requests
        All,
    }
}
