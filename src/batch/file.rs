//! Mirror of `batch.yaml`, as written. Only names and types are checked here; `batch` checks the meaning.

use super::local_file::{LoadPart, TransformFile, UpsertFile};
use super::save_file::SavePart;
use crate::authoring::is_default;
use crate::authoring::values::{NamesPart, mirrors};
use crate::authoring::{Json, Ordered};
use crate::connections::{ConnectionFile, ValueFile};

fn one() -> u16 {
    1
}

mirrors! {
    /// batch.yaml: steps that run in order; their state is on disk, and interrupted runs resume
    struct BatchFile {
        /// Version of this file format: 1
        pub version: u32,
        /// The batch's name, which is also the name of its run folder; default: the name of the file
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// A connections file, relative to this file's folder, or inline connections; default: the usual file
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connections: Option<ConnectionsPart>,
        /// The default connection of the steps
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connection: Option<String>,
        /// Files whose keys are added to this one; values of this file win, and steps come after its own
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub include: Option<NamesPart>,
        /// Values that the caller gives: `--input NAME=VALUE`, or a `batch` step
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub inputs: Ordered<InputFile>,
        /// Values for expressions; the command line's `--var NAME=VALUE` overrides them
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub vars: Ordered<Json>,
        /// Names of environment variables that expressions may read as env.NAME
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub env: Vec<String>,
        /// Runs all steps once per connection
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub matrix: Option<MatrixFile>,
        /// How many connections of the matrix, and how many independent steps, run in parallel; default 1
        #[serde(default = "one")]
        #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
        pub concurrency: u16,
        /// How a run treats earlier runs, outages and time
        #[serde(default, skip_serializing_if = "is_default")]
        pub run: RunFile,
        /// The steps, in order
        pub steps: Vec<StepFile>,
        /// Steps that run after the others if one of them failed or has failed or unknown items
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub on_failure: Vec<StepFile>,
        /// Steps that run last, whatever the end of the others
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub finally: Vec<StepFile>,
    }

    /// How a run treats earlier runs, outages and time
    #[derive(Default)]
    struct RunFile {
        /// Whether an unfinished run is resumed: never, always, or { within: 6h } of its first interruption (default)
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub resume: Option<ResumePart>,
        /// Retries of requests, unless a step says otherwise
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub retry: Option<RetryFile>,
        /// How long the run may take, such as 2h: then it stops, and resumes when it is started again
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timeout: Option<String>,
        /// How long a step waits while its system is down or accepts no more requests, unless it says otherwise; default 30m
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub wait_up_to: Option<String>,
    }

    /// Retries of requests
    struct RetryFile {
        /// How often a request is sent at most, instead of the connection's own limit
        #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
        pub attempts: u32,
    }

    /// A value that the caller gives
    struct InputFile {
        /// Its type; default: text
        #[serde(default, rename = "type", skip_serializing_if = "is_default")]
        pub kind: InputKind,
        /// What it is, for `opnode run FILE --help`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// Its value if the caller gives none; without it, the caller must give one
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub default: Option<Json>,
        /// The only values that it can have
        #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
        pub choices: Vec<Json>,
    }

    /// The type of an input
    #[derive(Copy, Default, Eq, Hash)]
    enum InputKind {
        #[default]
        Text,
        /// A whole number
        Integer,
        Number,
        Boolean,
        /// A day, such as 2026-01-31
        Date,
        /// A time, such as 2026-01-31T12:00:00Z
        Time,
        /// A list or an object
        Json,
    }

    /// An unfinished run is resumed if it was first interrupted at most this long ago
    struct WithinFile {
        /// A duration, such as 6h or 90m
        pub within: String,
    }

    /// Whether an unfinished run is resumed
    #[derive(Copy, Eq, Hash)]
    enum ResumeWord {
        /// Each start begins a new run
        Never,
        /// Whatever its age
        Always,
    }

    /// Runs all steps once per connection
    struct MatrixFile {
        /// Names of connections, or "*" for all connections to one connector
        pub connection: NamesPart,
        /// The connector for "*"
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connector: Option<String>,
    }

    /// One step
    struct StepFile {
        /// Instead of a step: the path of a file whose steps take this place
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub include: Option<String>,
        /// The step's id, by which later steps refer to it: letters, digits and _
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pub id: String,
        /// OperationId of a query
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub query: Option<String>,
        /// OperationId of a mutate
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mutate: Option<String>,
        /// OperationId of a delete
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub delete: Option<String>,
        /// Name of a template: its operation is used, its options and items are defaults
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub template: Option<String>,
        /// Reads rows from files; no request is sent
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub load: Option<LoadPart>,
        /// Works on the rows of earlier steps; no request is sent
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub transform: Option<TransformFile>,
        /// Looks up records by key, creates those that are missing, and changes those that differ
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub upsert: Option<UpsertFile>,
        /// Sends a JSON body to an address, such as a webhook
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub http: Option<HttpFile>,
        /// Runs another batch file
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub batch: Option<InnerPart>,
        /// Overrides the batch's connection
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
        /// Filters the rows of a query or the items of a write: keeps those for which it is true
        #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
        pub keep: Option<Json>,
        /// Transforms each row of a query or each item of a write
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub map: Option<Json>,
        /// Skips the step if false
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub when: Option<Json>,
        /// Steps that must be done before, in addition to those that expressions refer to
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub after: Vec<String>,
        /// How many elements of `for` run in parallel; default 1
        #[serde(default = "one")]
        #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
        pub parallel: u16,
        /// Maximum number of items that a query reads
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<u64>,
        /// true: page by key, if the operation supports it
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub forward_only: bool,
        /// Stores the largest value read, for the next run
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub watermark: Option<WatermarkFile>,
        /// Files for the rows, or - for standard output; the extension sets the format: .ndjson, .json, .csv, .tsv
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub save: Option<SavePart>,
        /// For an operation that returns a file: the folder into which it is written while it arrives; the item has its path. The system names the file, and an existing one is never
        /// replaced. Default: the item has its bytes
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub files: Option<String>,
        /// Retries of the step's requests
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub retry: Option<RetryFile>,
        /// How long the step may take, such as 10m
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timeout: Option<String>,
        /// How long the step waits while its system is down or accepts no more requests, such as 30m; 0s does not wait
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub wait_up_to: Option<String>,
        /// Whether the step stops at a failed item or element
        #[serde(default, skip_serializing_if = "is_default")]
        pub on_error: OnErrorFile,
        /// How to treat items that were in flight when a run was killed
        #[serde(default, skip_serializing_if = "is_default")]
        pub on_unknown: OnUnknownFile,
        /// How the step finds out whether an item with an unknown outcome took effect
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub verify: Option<VerifyFile>,
        /// How to treat fields that neither schema nor sample of the record has
        #[serde(default, skip_serializing_if = "is_default")]
        pub unknown_fields: UnknownFieldsFile,
    }

    /// The largest value read, or a value that the operation keeps beside its items
    struct WatermarkFile {
        /// JSON Pointer to the value in each item: the largest is stored
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pointer: Option<String>,
        /// Instead of a pointer: the name of a value under `keep` of the operation; the last one is stored
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kept: Option<String>,
        /// The value for the first run
        pub start: Json,
        /// Reads again this much before the stored time, for rows that appear late: a duration, such as 5m. Rows that were
        /// passed on are not passed on again
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lag: Option<String>,
        /// JSON Pointer to a row's key: a row with the same key and the same value at `pointer` is passed on once; without
        /// it, a row with the same content
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<String>,
    }

    /// A look-up of the records of items with an unknown outcome: what is found took effect, the rest is sent again
    struct VerifyFile {
        /// OperationId of a query that finds the record of an item
        pub query: String,
        /// Its options; expressions can use `item`. Without `item`, it runs once for all items
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub options: Ordered<Json>,
        /// The field, or the fields, that identify a record, in the item and in what the query returns
        pub key: NamesPart,
        /// How long to wait before looking, for a system that shows records late; default 5s
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub wait: Option<String>,
    }

    /// Another batch file
    struct InnerFile {
        /// Its path, relative to this file's folder
        pub file: String,
        /// Values of its inputs
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub inputs: Ordered<Json>,
        /// The step of that file whose rows are the rows of this step; default: one row for each of its steps
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<String>,
    }

    /// A JSON body for an address
    struct HttpFile {
        /// The address, or a reference to it: { env: NAME }, { file: PATH }, { keyring: NAME }. All but its host is treated as secret
        pub post: ValueFile,
        /// The body
        pub body: Json,
    }

    /// Whether the step stops at a failed item or element
    #[derive(Copy, Default, Eq, Hash)]
    enum OnErrorFile { #[default] Stop, Continue }

    /// How to treat fields that neither schema nor sample of the record has
    #[derive(Copy, Default, Eq, Hash)]
    enum UnknownFieldsFile {
        /// Unknown fields are faults of the file, and items with them are not sent
        #[default]
        Refuse,
        /// Unknown fields are accepted and sent
        Warn,
    }

    /// How to treat items that were in flight when a run was killed
    #[derive(Copy, Default, Eq, Hash)]
    enum OnUnknownFile {
        /// Report them as unknown and do not send them again, unless the operation can be repeated safely
        #[default]
        Report,
        /// Send them again
        Retry,
        /// Treat them as done
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

/// Another batch file, or its path
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum InnerPart {
    /// Its path
    Path(String),
    /// The file and its inputs
    File(InnerFile),
}

impl InnerPart {
    /// Its path.
    pub(super) fn path(&self) -> &str {
        match self {
            InnerPart::Path(path) => path,
            InnerPart::File(file) => &file.file,
        }
    }
}

/// Whether an unfinished run is resumed
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ResumePart {
    /// never or always
    Word(ResumeWord),
    /// By its age
    Within(WithinFile),
}

impl BatchFile {
    /// Whether a step of it calls an operation, or it names connections.
    pub(super) fn calls(&self) -> bool {
        let mut steps = self.steps.iter().chain(&self.on_failure).chain(&self.finally);
        let is_call = |step: &StepFile| {
            let called = [&step.query, &step.mutate, &step.delete, &step.template, &step.connection];
            step.upsert.is_some() || called.iter().any(|name| name.is_some())
        };
        self.matrix.is_some() || self.connection.is_some() || steps.any(is_call)
    }
}

impl StepFile {
    /// A step with nothing but its id.
    pub(super) fn empty(id: String) -> StepFile {
        StepFile {
            include: None,
            id,
            query: None,
            mutate: None,
            delete: None,
            template: None,
            load: None,
            transform: None,
            upsert: None,
            http: None,
            batch: None,
            connection: None,
            options: Ordered::new(),
            items: None,
            each: None,
            keep: None,
            map: None,
            when: None,
            after: Vec::new(),
            parallel: 1,
            limit: None,
            forward_only: false,
            watermark: None,
            save: None,
            files: None,
            retry: None,
            timeout: None,
            wait_up_to: None,
            on_error: OnErrorFile::default(),
            on_unknown: OnUnknownFile::default(),
            verify: None,
            unknown_fields: UnknownFieldsFile::default(),
        }
    }

    /// Keys for steps that call an operation, and whether they are given.
    pub(super) fn keys_of_calls(&self) -> [(&'static str, bool); 18] {
        [
            ("query", self.query.is_some()),
            ("mutate", self.mutate.is_some()),
            ("delete", self.delete.is_some()),
            ("template", self.template.is_some()),
            ("connection", self.connection.is_some()),
            ("options", !self.options.is_empty()),
            ("items", self.items.is_some()),
            ("for", self.each.is_some()),
            ("parallel", self.parallel != 1),
            ("limit", self.limit.is_some()),
            ("forward_only", self.forward_only),
            ("watermark", self.watermark.is_some()),
            ("files", self.files.is_some()),
            ("verify", self.verify.is_some()),
            ("on_unknown", !is_default(&self.on_unknown)),
            ("unknown_fields", !is_default(&self.unknown_fields)),
            ("retry", self.retry.is_some()),
            ("wait_up_to", self.wait_up_to.is_some()),
        ]
    }
}
