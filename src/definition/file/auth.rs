//! Mirror of `auth` in `connector.yaml`, as written. Only names and types are checked here.

use crate::authoring::Ordered;
use crate::authoring::values::mirrors;

mirrors! {
    /// How requests are authenticated
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
        /// A vendor-specific rotating refresh token
        Refresh(RefreshFile),
    }

    /// OAuth 2.0 (RFC 6749), with PKCE (RFC 7636) for interactive sign-in
    struct Oauth2File {
        pub flow: FlowFile,
        /// Address of the sign-in page
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub authorize: Option<String>,
        /// Address of the token server
        pub token: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub scopes: Vec<String>,
        pub client_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_secret: Option<String>,
        /// How the client authenticates. Default: basic, or body if the token server accepts only that
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_auth: Option<ClientAuthFile>,
        /// Further parameters of the token request, such as an audience; may contain {property} placeholders. A parameter whose property is absent is
        /// left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub token_parameters: Ordered<String>,
        /// A refresh token from the connection's properties, as {property}
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub refresh_token: Option<String>,
    }

    /// How an OAuth client authenticates to the token server
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
        /// Verb and path, such as POST /auth/refresh
        pub request: String,
        /// Headers that carry the refresh token, as {property}
        pub header: Ordered<String>,
        /// JSON Pointer to the new access token
        pub access_token: String,
        /// JSON Pointer to the new refresh token
        pub refresh_token: String,
        /// JSON Pointer to the lifetime of the access token in seconds
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expires_in: Option<String>,
    }
}
