//! Mirror of `overrides.yaml`, as written. Only names and types are checked here.

use super::method::MethodFile;
use super::operation::ResultFile;
use crate::authoring::values::mirrors;
use crate::authoring::{Json, Ordered};

mirrors! {
    /// `operations/<connector>/overrides.yaml`: changes to the definitions of other files, such as imported ones. Maps are joined by key, null removes a key, every other value replaces the one that is there (RFC 7396)
    struct OverridesFile {
        /// Version of this file format: 1
        pub version: u32,
        /// Changes to connector.yaml
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connector: Option<Json>,
        /// Changes to operations by OperationId
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub operations: Ordered<Json>,
        /// Changes to records by name
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub records: Ordered<Json>,
        /// Changes to many operations, in this order, before those by OperationId
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub patterns: Vec<PatternFile>,
    }

    /// Changes to all operations that fit
    struct PatternFile {
        /// Which operations: all given keys fit
        #[serde(rename = "for")]
        pub wanted: WantedFile,
        /// The changes; null removes a key where it is there
        pub merge: Json,
    }

    /// Which operations are changed: at least one key
    #[derive(Default)]
    struct WantedFile {
        /// OperationId, in which `*` is any text
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub id: Option<String>,
        /// Verb and path, in which `*` is any text
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request: Option<String>,
        /// The method
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub method: Option<MethodFile>,
        /// The kind of result
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub result: Option<ResultFile>,
    }
}
