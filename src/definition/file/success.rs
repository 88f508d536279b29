//! Mirror of the values that mean success, as written.

use crate::authoring::Json;
use crate::authoring::values::mirrors;

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
        /// The success values; default: true
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub is: Option<Vec<Json>>,
        /// What a missing flag means; default: neither success nor failure
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub absent: Option<VerdictFile>,
    }

    /// The meaning for a call or an item
    #[derive(Copy, Eq)]
    enum VerdictFile { Ok, Failed }
}
