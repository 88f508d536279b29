//! Mirror of the values that mean success, as written.

use crate::authoring::Json;
use crate::authoring::values::mirrors;

/// A flag that must be true, or `{ at: /status, is: [true, "success"] }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SuccessFile {
    /// JSON Pointer to a flag that must be true
    Flag(String),
    /// A value, and which values mean success
    Values(GoodFile),
}

mirrors! {
    /// A value, and what it means
    struct GoodFile {
        /// JSON Pointer in the body; in `parts` also a key of the part
        pub at: String,
        /// The success values; default: true
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub is: Option<Vec<Json>>,
        /// What a missing value means. Default: the reply is an error of the kind bad_response; of a part, that its outcome is not known
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub absent: Option<VerdictFile>,
    }

    /// The meaning for a call or an item
    #[derive(Copy, Eq)]
    enum VerdictFile {
        /// Success
        Ok,
        /// Failure
        Failed,
    }
}
