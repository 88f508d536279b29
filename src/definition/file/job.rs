//! Mirror of `job:`, as written: work that the system does after its reply.

use crate::authoring::values::{SourceFile, even_null, mirrors};
use crate::authoring::{Json, is_default};

/// Where the result of a job is: a request such as GET /exports/{job}/rows, or `{ at: /url }` for an address in the last reply
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum JobResultFile {
    /// A request
    Request(String),
    /// An address in the last reply
    Address(AddressFile),
}

/// A request such as GET /exports/{job}, or `{ request: POST /graphql, body: … }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PollFile {
    /// A request without a body
    Line(String),
    /// A request with a body
    Request(PollRequestFile),
}

mirrors! {
    /// A job: the request submits it, its state is polled, and then the result is fetched
    #[derive(Default)]
    struct JobFile {
        /// Statuses of the reply to the request that mean "accepted"; any other success is the result itself. Other statuses than 202 need `done`.
        /// Default: 202
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub accepted: Vec<u16>,
        /// Where that reply has the id of the job, which is {job} in the requests below
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub id: Option<SourceFile>,
        /// The request for the state, a GET or POST such as GET /exports/{job}, or `{ request, body }`; default: the address in the Location header of the reply
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub poll: Option<PollFile>,
        /// Seconds between two polls, at least 1, if the system does not ask for more; default: 5
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub every_s: Option<u32>,
        /// Seconds after which waiting ends, at least 1; default: 3600
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timeout_s: Option<u32>,
        /// The state that means "done"; default: a success status other than 202
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub done: Option<StateFile>,
        /// The state that means "failed"
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub failed: Option<StateFile>,
        /// Where the state has the progress, for display
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub progress: Option<SourceFile>,
        /// Where the result is; default: the state that says "done". For a paged list or a file it is fetched once more
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub result: Option<JobResultFile>,
        /// The request that is sent when the caller cancels, such as DELETE /exports/{job}
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cancel: Option<String>,
    }

    /// The request for the state of a job, with a body
    struct PollRequestFile {
        /// Verb and path, such as POST /graphql
        pub request: String,
        /// The body, a map. A text that is exactly one placeholder is replaced: {job}, an option of the request or a property of the connection
        pub body: Json,
    }

    /// A value of the state, and what it is
    struct StateFile {
        /// JSON Pointer in the body
        pub at: String,
        /// The value, or a list of values; default: any value but null, false and empty
        #[serde(default, deserialize_with = "even_null", skip_serializing_if = "is_default")]
        pub is: Option<Json>,
    }

    /// An address in the last reply
    struct AddressFile {
        /// JSON Pointer, or `{ header: NAME }`
        pub at: SourceFile,
    }
}
