//! Mirror of `auth` in `connector.yaml`, as written. Only names and types are checked here.

use super::login::LoginFile;
use super::oauth::Oauth2File;
use super::placed::{LoginPairFile, PlacedFile};
use crate::authoring::Ordered;
use crate::authoring::values::mirrors;

/// A token for Authorization: Bearer
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum BearerFile {
    /// The token, such as {token}
    Token(String),
    /// Version 1 of `bearer: TEXT`
    Keyed(BearerTokenFile),
}

mirrors! {
    /// How requests are authenticated
    enum AuthFile {
        /// Requests carry no credentials
        None,
        /// HTTP Basic (RFC 7617)
        Basic(LoginPairFile),
        /// Authorization: Bearer (RFC 6750)
        Bearer(BearerFile),
        /// A key in a header, in the query or in a cookie
        ApiKey(PlacedFile),
        /// Several keys at once
        Keys(KeysFile),
        /// HTTP Digest (RFC 7616)
        Digest(LoginPairFile),
        /// A signature of each request with a shared key
        Hmac(Box<HmacFile>),
        /// AWS Signature Version 4
        AwsSigv4(AwsSigv4File),
        /// OAuth 2.0 (RFC 6749)
        Oauth2(Box<Oauth2File>),
        /// A request that exchanges credentials for a token or a session cookie
        Login(Box<LoginFile>),
        /// A vendor-specific rotating refresh token
        Refresh(Box<RefreshFile>),
    }

    /// Version 1 of `bearer: TEXT`
    struct BearerTokenFile {
        /// Version 1 of `bearer: TEXT`
        pub token: String,
    }

    /// Several keys at once. A value whose property is absent is left out; at least one must remain
    #[derive(Default)]
    struct KeysFile {
        /// Values by header name
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub header: Ordered<String>,
        /// Values by query parameter
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub query: Ordered<String>,
        /// Values by cookie name
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub cookie: Ordered<String>,
    }

    /// A signature of each request, made anew for each attempt. Placeholders of `text`, `headers` and `query`: method, path, query, url, host, body,
    /// body_sha256, body_md5, timestamp, nonce, content_type, and properties
    struct HmacFile {
        /// The shared key; may contain {property} placeholders
        pub key: String,
        /// How the key is written; default text
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key_encoding: Option<KeyEncodingFile>,
        /// Hash function of the HMAC; default sha256
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub algorithm: Option<HmacAlgorithmFile>,
        /// How the signature is written; default hex
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub encoding: Option<SignatureEncodingFile>,
        /// The text that is signed
        pub text: String,
        /// Format of {timestamp}; default unix
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timestamp: Option<TimestampFile>,
        /// Where the signature is sent; its value contains {signature}
        pub send: PlacedFile,
        /// Further headers, such as the time and the nonce that were signed
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub headers: Ordered<String>,
        /// Further query parameters; they are part of {query} and {url}
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub query: Ordered<String>,
    }

    /// How a shared key is written
    #[derive(Copy, Eq)]
    enum KeyEncodingFile {
        /// As it is
        Text,
        /// Bytes in hexadecimal
        Hex,
        /// Bytes in base64
        Base64,
    }

    /// Hash function of an HMAC (RFC 2104)
    #[derive(Copy, Eq)]
    enum HmacAlgorithmFile {
        /// SHA-1, 20 bytes
        Sha1,
        /// SHA-256, 32 bytes
        Sha256,
        /// SHA-512, 64 bytes
        Sha512,
    }

    /// How a signature is written
    #[derive(Copy, Eq)]
    enum SignatureEncodingFile {
        /// Lower-case hexadecimal
        Hex,
        /// Base64
        Base64,
    }

    /// Format of a time
    #[derive(Copy, Eq)]
    enum TimestampFile {
        /// Seconds since 1970
        Unix,
        /// Milliseconds since 1970
        UnixMs,
        /// Such as 2030-01-31T12:00:00Z
        Iso8601,
        /// Such as Thu, 31 Jan 2030 12:00:00 GMT (RFC 9110)
        HttpDate,
    }

    /// AWS Signature Version 4, in the Authorization header
    struct AwsSigv4File {
        /// Id of the access key; may contain {property} placeholders
        pub access_key: String,
        /// Secret access key; may contain {property} placeholders
        pub secret_key: String,
        /// Token of temporary credentials; left out if its property is absent
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub session_token: Option<String>,
        /// Region, such as eu-central-1; may contain {property} placeholders
        pub region: String,
        /// Service, such as execute-api; may contain {property} placeholders
        pub service: String,
    }

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
