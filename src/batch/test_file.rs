//! Mirror of a test file of a batch, such as `nightly.test.yaml`, and of the files with what is expected. Plain data.

use crate::authoring::values::{even_null, mirrors};
use crate::authoring::{Checker, Document, Format, Json, Ordered, explain, version};
use crate::definition::ReplyFile;
use crate::error::Result;
use crate::json_text::fields_of;

mirrors! {
    /// NAME.test.yaml: tests of the batch file NAME.yaml; `opnode test NAME.yaml` runs them
    struct BatchTestFile {
        /// Version of this file format: 1
        pub version: u32,
        /// The batch file, relative to this file's folder; default: the name of this file without `.test`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub batch: Option<String>,
        /// The cases, by name: letters, digits, - and _
        pub cases: Ordered<BatchCaseFile>,
    }

    /// One run of the batch, in an empty folder
    #[derive(Default)]
    struct BatchCaseFile {
        /// What it shows
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// When the run starts, such as 2026-01-31T02:00:00Z; default 2026-01-01T00:00:00Z. Waits take no time: the clock is moved
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub at: Option<String>,
        /// Values of the batch's inputs
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub inputs: Ordered<Json>,
        /// Values that override those of `vars`
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub vars: Ordered<Json>,
        /// Environment variables; those of the machine are not read
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub env: Ordered<String>,
        /// Files that the batch reads, by the path in the batch: a path relative to this file's folder, or { text: … }
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub files: Ordered<CaseInputPart>,
        /// Standard input
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub stdin: Option<String>,
        /// Watermarks that an earlier run has stored, by step
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub watermarks: Ordered<Json>,
        /// Data of the built-in mock server, which answers the requests; default: the data of the connectors' sandbox.yaml
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sandbox: Option<CaseSandboxFile>,
        /// Instead of the sandbox: a folder of `opnode run FILE --record DIR`, relative to this file's folder
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub exchanges: Option<String>,
        /// Values that differ between runs and are not compared: /body/FIELD of requests, /query/NAME, /row/FIELD of saved rows
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub ignore: Vec<String>,
        /// What is expected; only what is written here is compared. Without it, everything is compared with the file that `opnode test --update` writes
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expect: Option<ExpectedFile>,
    }

    /// The text of a file
    struct CaseTextFile {
        /// Its text
        pub text: String,
    }

    /// Data of the built-in mock server
    #[derive(Default)]
    struct CaseSandboxFile {
        /// Records, by connector and collection of its sandbox.yaml, instead of those that the sandbox generates
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub records: Ordered<Ordered<Vec<Json>>>,
        /// Fixed replies, by connector and OperationId
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub replies: Ordered<Ordered<ReplyFile>>,
        /// Faults to simulate, as for --faults: every=7,kinds=429+503
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub faults: Option<String>,
    }

    /// What a run is expected to do
    #[derive(Default)]
    struct ExpectedFile {
        /// Whether the run did everything
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub end: Option<ExpectedEnd>,
        /// The exit code of `opnode run`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub exit_code: Option<u8>,
        /// The errors of steps, and of the run under `run`: `kind: message`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub errors: Option<Ordered<String>>,
        /// Ends and counts, by step; CONNECTION/STEP in a matrix
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub steps: Option<Ordered<ExpectedStep>>,
        /// Requests without those of sign-ins, by step, in any order
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub requests: Option<Ordered<Vec<ExpectedRequestPart>>>,
        /// Texts of files that the run has written, by path
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub saved: Option<Ordered<String>>,
        /// What was written to standard output
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub stdout: Option<String>,
        /// Items that failed or are in doubt, by step
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub left: Option<Ordered<Vec<ExpectedItem>>>,
        /// Watermarks after the run, by step
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub watermarks: Option<Ordered<Json>>,
    }

    /// Whether a run did everything
    #[derive(Copy, Eq)]
    enum ExpectedEnd {
        /// Its exit code is 0
        Ok,
        /// It is another
        Failed,
    }

    /// The end of a step
    #[derive(Default)]
    struct ExpectedStep {
        /// done, partial, skipped, failed, stopped or not_started
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<String>,
        /// Items given to a write, or records read
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items_in: Option<u64>,
        /// Rows of its result
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items_out: Option<u64>,
        /// Items that failed
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub failed: Option<u64>,
        /// Items with an unknown outcome
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub unknown: Option<u64>,
        /// Of an upsert: how many items were created, changed, the same and so on
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub results: Option<Ordered<u64>>,
    }

    /// A request with a body
    struct ExpectedRequest {
        /// Verb, path and query
        pub request: String,
        /// Its body: JSON, or a text
        pub body: Json,
    }

    /// An item that was not done
    struct ExpectedItem {
        /// failed or unknown
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<String>,
        /// As it was sent
        #[serde(default, deserialize_with = "even_null", skip_serializing_if = "Option::is_none")]
        pub item: Option<Json>,
        /// `kind: message`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub error: Option<String>,
    }
}

/// A file for a case
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum CaseInputPart {
    /// A path
    Path(String),
    /// A text
    Text(CaseTextFile),
}

/// A request
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ExpectedRequestPart {
    /// Verb, path and query of a request without a body
    Line(String),
    /// A request with a body
    Whole(ExpectedRequest),
}

impl<'de> serde::Deserialize<'de> for ExpectedRequestPart {
    /// Not by serde's own reading of alternatives, in which numbers lose their digits.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use serde::de::Error as _;
        let Json(json) = Json::deserialize(deserializer)?;
        let text = |json: &str| serde_json::from_str::<String>(json).map_err(D::Error::custom);
        let Some(fields) = fields_of(&json) else { return text(&json).map(ExpectedRequestPart::Line) };
        let (mut request, mut body) = (None, None);
        for (name, value) in fields {
            match name.as_str() {
                "request" => request = Some(text(value.get())?),
                "body" => body = Some(Json(value.get().to_owned())),
                _ => return Err(D::Error::custom(format!("unknown key `{name}`"))),
            }
        }
        match (request, body) {
            (Some(request), Some(body)) => Ok(ExpectedRequestPart::Whole(ExpectedRequest { request, body })),
            _ => Err(D::Error::custom("a request has the keys `request` and `body`")),
        }
    }
}

/// A test file that fits its format, with the places of its values.
pub struct BatchTests {
    /// Its content.
    pub file: BatchTestFile,
    doc: Document,
}

impl BatchTests {
    /// Reads a test file from its text; `name` is shown in faults. `refuse` reports the faults of a case: the place in
    /// it, and the message.
    ///
    /// # Errors
    /// `definition` with every fault, its line and column.
    pub fn parse(
        name: &str,
        text: &str,
        refuse: impl Fn(&BatchCaseFile) -> Vec<(String, String)>,
    ) -> Result<BatchTests> {
        let doc = Document::parse(name, text, 0)?;
        let file: BatchTestFile = doc.read().map_err(|e| explain(Format::BatchTest, &doc, &[], &e))?;
        let mut c = Checker::new(&doc);
        version(&mut c, Format::BatchTest, file.version);
        if file.cases.is_empty() {
            c.fault("/cases", "the file has no cases", None);
        }
        for (name, case) in &file.cases {
            let at = format!("/cases/{}", crate::json_pointer::escape(name));
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)) {
                c.fault(&at, format!("`{name}` is no name of a case"), Some("use letters, digits, - and _".into()));
            }
            if case.exchanges.is_some() && case.sandbox.is_some() {
                let message = "a case has `sandbox` or `exchanges`, not both";
                c.fault(&format!("{at}/exchanges"), message, None);
            }
            refuse(case).into_iter().for_each(|(place, message)| c.fault(&format!("{at}{place}"), message, None));
        }
        let checked = c.finish("the batch-test file is invalid", Some(file))?;
        Ok(BatchTests { file: checked, doc })
    }

    /// The place of a value, by its JSON Pointer.
    #[must_use]
    pub fn place(&self, pointer: &str) -> crate::error::Place {
        self.doc.place(pointer)
    }
}
