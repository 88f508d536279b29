//! Mirrors of what all kinds of sign-in have in common, as written.

use crate::authoring::values::mirrors;

mirrors! {
    /// User name and password
    struct LoginPairFile {
        /// User name; may contain {property} placeholders
        pub username: String,
        /// Password; may contain {property} placeholders
        pub password: String,
    }

    /// A value in exactly one place of a request
    struct PlacedFile {
        /// Name of the header that carries the value
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub header: Option<String>,
        /// Name of the query parameter that carries the value
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub query: Option<String>,
        /// Name of the cookie that carries the value
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cookie: Option<String>,
        /// The value; may contain {property} placeholders. Required for a key; for a token default {token}, in the header Authorization Bearer {token}; for a
        /// signature default {signature}
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub value: Option<String>,
    }
}
