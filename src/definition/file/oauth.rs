//! Mirror of `auth: { oauth2: … }` in `connector.yaml`, as written.

use super::placed::PlacedFile;
use crate::authoring::values::mirrors;
use crate::authoring::{Json, Ordered};

mirrors! {
    /// OAuth 2.0 (RFC 6749), with PKCE (RFC 7636) for interactive sign-in
    struct Oauth2File {
        /// How the first token is obtained
        pub flow: FlowFile,
        /// Address of the sign-in page; for authorization_code, which needs it, or beside `refresh_token`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub authorize: Option<String>,
        /// Address of the device authorization endpoint (RFC 8628); for device_code, which needs it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub device: Option<String>,
        /// Address of the token server
        pub token: String,
        /// The requested scopes
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub scopes: Vec<String>,
        /// What separates two or more scopes; default a space
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scope_separator: Option<String>,
        /// Id of the client; may be left out for jwt_bearer and token_exchange
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_id: Option<String>,
        /// Secret of the client; not for the `client_auth` none and private_key_jwt
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_secret: Option<String>,
        /// How the client authenticates. Default: basic, or body if the token server accepts only that; none without a secret
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_auth: Option<ClientAuthFile>,
        /// Further parameters of the token request, such as an audience; may contain {property} placeholders. A parameter whose property is absent is
        /// left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub token_parameters: Ordered<String>,
        /// For authorization_code and device_code: further parameters of the sign-in page or of the device request, such as access_type, prompt or
        /// audience; may contain {property}
        /// placeholders. A parameter whose property is absent is left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub authorize_parameters: Ordered<String>,
        /// A refresh token from the connection's properties, as {property}
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub refresh_token: Option<String>,
        /// User name; for password, which needs it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub username: Option<String>,
        /// Password; for password, which needs it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub password: Option<String>,
        /// The signed assertion; for jwt_bearer and for `client_auth: private_key_jwt`, which need it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub assertion: Option<AssertionFile>,
        /// The token that is exchanged; for token_exchange, which needs it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub subject_token: Option<String>,
        /// Type of subject_token, a URI; default urn:ietf:params:oauth:token-type:access_token
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub subject_token_type: Option<String>,
        /// The token of the acting party; for token_exchange
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub actor_token: Option<String>,
        /// Type of actor_token, a URI; default urn:ietf:params:oauth:token-type:access_token
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub actor_token_type: Option<String>,
        /// Type of the token that is asked for, a URI; for token_exchange; default: left to the token server
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub requested_token_type: Option<String>,
        /// How the access token is sent; default: in the header Authorization as Bearer {token}
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub send: Option<PlacedFile>,
    }

    /// How an OAuth client authenticates to the token server
    #[derive(Copy, Eq)]
    enum ClientAuthFile {
        /// Id and secret in the Authorization header (HTTP Basic)
        Basic,
        /// Id and secret as client_id and client_secret in the form
        Body,
        /// Only the id, as client_id in the form: a public client
        None,
        /// A signed assertion (RFC 7523, section 2.2)
        PrivateKeyJwt,
    }

    /// OAuth 2.0 flows
    #[derive(Copy, Eq)]
    enum FlowFile {
        /// Interactive sign-in with the browser (RFC 6749, section 4.1)
        AuthorizationCode,
        /// The client's own credentials (section 4.4)
        ClientCredentials,
        /// User name and password (section 4.3)
        Password,
        /// Interactive sign-in on another device (RFC 8628)
        DeviceCode,
        /// A signed assertion (RFC 7523, section 2.1)
        JwtBearer,
        /// Another token (RFC 8693)
        TokenExchange,
    }

    /// A signed JSON Web Token (RFC 7519). All texts may contain {property} placeholders
    struct AssertionFile {
        /// Private key as PEM text, or base64 of that; for HS256, HS384 and HS512 the shared secret
        pub key: String,
        /// Signature algorithm (RFC 7518, RFC 8037)
        pub algorithm: AlgorithmFile,
        /// Claim iss; default: the client id. Needed if there is none
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub issuer: Option<String>,
        /// Claim sub; default: left out. For private_key_jwt it is the client id
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub subject: Option<String>,
        /// Claim aud; default: the address of the token server
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub audience: Option<String>,
        /// Further claims: any JSON, with placeholders in its texts. A claim whose property is absent is left out
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub claims: Ordered<Json>,
        /// Header parameter kid; left out if its property is absent
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key_id: Option<String>,
        /// Lifetime in seconds, 1 to 3600; default 300
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lifetime_s: Option<u32>,
    }
}

/// Signature algorithms of JSON Web Tokens
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum AlgorithmFile {
    /// RSA with PKCS #1 v1.5 padding and SHA-256
    Rs256,
    /// RSA with PKCS #1 v1.5 padding and SHA-384
    Rs384,
    /// RSA with PKCS #1 v1.5 padding and SHA-512
    Rs512,
    /// RSA with PSS padding and SHA-256
    Ps256,
    /// RSA with PSS padding and SHA-384
    Ps384,
    /// RSA with PSS padding and SHA-512
    Ps512,
    /// ECDSA with the curve P-256 and SHA-256
    Es256,
    /// ECDSA with the curve P-384 and SHA-384
    Es384,
    /// Ed25519
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// HMAC with SHA-256 and a shared secret
    Hs256,
    /// HMAC with SHA-384 and a shared secret
    Hs384,
    /// HMAC with SHA-512 and a shared secret
    Hs512,
}
