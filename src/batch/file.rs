//! Mirror of `batch.yaml`, as typed. Names and types only; what they mean is checked by the room `batch`.

use crate::authoring::is_default;
use crate::authoring::values::mirrors;
use crate::authoring::{Json, Ordered};
use crate::connections::ConnectionFile;

fn one() -> u16 {
    1
}

mirrors! {
    /// batch.yaml: steps that run one after the other, kept on disk and resumable
    struct BatchFile {
        /// Version of this file format: 1
        pub version: u32,
        /// The batch's name, after which its run folder is called; the file's own name when left out
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// A connections file (its path is taken from this file's folder), or the connections themselves; the usual file when left out
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connections: Option<ConnectionsPart>,
        /// The connection of all steps that name none
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connection: Option<String>,
        /// Values for expressions; the command line's `--var NAME=VALUE` overrides them
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub vars: Ordered<Json>,
        /// Names of environment variables that expressions may read as env.NAME
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub env: Vec<String>,
        /// The same steps once per connection
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub matrix: Option<MatrixFile>,
        /// Matrix connections and independent steps that run side by side: 1
        #[serde(default = "one")]
        #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
        pub concurrency: u16,
        /// The steps, in order
        pub steps: Vec<StepFile>,
    }

    /// The same steps once per connection
    struct MatrixFile {
        /// Names of connections, or "*" for all of a connector
        pub connection: NamesFile,
        /// The connector that "*" stands for
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connector: Option<String>,
    }

    /// One step
    struct StepFile {
        /// Its name, by which later steps refer to it
        pub id: String,
        /// OperationId to read with
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub query: Option<String>,
        /// OperationId to write with
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mutate: Option<String>,
        /// OperationId to delete with
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub delete: Option<String>,
        /// A template's name instead: its operation, with its options and items underneath those of the step
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub template: Option<String>,
        /// The connection, when it is not the batch's
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connection: Option<String>,
        /// Options of the operation
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub options: Ordered<Json>,
        /// Items to write: a list, or an expression such as ${{ steps.ID.items }}
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<Json>,
        /// Runs the step once per element, which is `item` in its expressions
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
        pub each: Option<Json>,
        /// Keeps the items for which it is true: those that come back from a query, those that go into a write
        #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
        pub keep: Option<Json>,
        /// What each item is turned into: those that come back from a query, those that go into a write
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub map: Option<Json>,
        /// Skips the step when it is false
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub when: Option<Json>,
        /// Steps that must be done before, beside those that expressions refer to
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub after: Vec<String>,
        /// Elements of `for` under way at once: 1
        #[serde(default = "one")]
        #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
        pub parallel: u16,
        /// Most items that a query reads
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<u64>,
        /// Walk by key, where the operation can
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub forward_only: bool,
        /// Remembers the largest value seen, for the next run
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub watermark: Option<WatermarkFile>,
        /// A file for the items, - for standard output; the form is the extension's: .ndjson, .json, .csv
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub save: Option<SavePart>,
        /// What a failed item or element does to the step
        #[serde(default, skip_serializing_if = "is_default")]
        pub on_error: OnErrorFile,
        /// What happens to items that were under way when a run was killed
        #[serde(default, skip_serializing_if = "is_default")]
        pub on_unknown: OnUnknownFile,
        /// What becomes of fields that neither schema nor sample of the record has
        #[serde(default, skip_serializing_if = "is_default")]
        pub unknown_fields: UnknownFieldsFile,
    }

    /// The largest value seen
    struct WatermarkFile {
        /// JSON Pointer to the value in each item
        pub pointer: String,
        /// The value of the first run
        pub start: Json,
    }

    /// A file for the items
    struct SaveFile {
        /// Its path, - for standard output
        pub to: String,
        /// Its form; the extension's when left out
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub format: Option<SaveFormat>,
        /// Columns of csv, such as id or company/name
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub columns: Vec<String>,
    }

    /// The form of a file
    #[derive(Copy, Eq, Hash)]
    enum SaveFormat { Ndjson, Json, Csv }

    /// What a failed item or element does to the step
    #[derive(Copy, Default, Eq, Hash)]
    enum OnErrorFile { #[default] Stop, Continue }

    /// What becomes of fields that neither schema nor sample of the record has
    #[derive(Copy, Default, Eq, Hash)]
    enum UnknownFieldsFile {
        /// They are faults of the file, and items with them are not sent
        #[default]
        Refuse,
        /// They are taken, and sent
        Warn,
    }

    /// What happens to items that were under way when a run was killed
    #[derive(Copy, Default, Eq, Hash)]
    enum OnUnknownFile {
        /// Reported as unknown and not sent again, unless the operation may be repeated safely
        #[default]
        Report,
        /// Sent again
        Retry,
        /// Taken as done
        Skip,
    }
}

/// A path, or connections by name
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ConnectionsPart {
    /// A connections file
    File(String),
    /// The connections by name
    Inline(Ordered<ConnectionFile>),
}

/// One name, or several
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum NamesFile {
    /// One
    One(String),
    /// Several
    Several(Vec<String>),
}

/// A path, or a path with its form
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SavePart {
    /// A path
    Path(String),
    /// A path with its form
    File(SaveFile),
}
