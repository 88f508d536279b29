//! The checked rule of a job. Plain data.

use std::time::Duration;

use http::Method as Verb;

use super::meaning::ReplyRule;
use crate::authoring::{Json, Source, Text, TextPart};

/// Work that the system does after its reply.
#[derive(Clone, Debug)]
pub(crate) struct JobRule {
    /// Statuses that mean "accepted".
    pub(crate) accepted: Vec<u16>,
    pub(crate) id: Option<Source>,
    /// Verb and path; `None` for the address in the Location header.
    pub(crate) poll: Option<(Verb, Text)>,
    /// The body of that request, an object.
    pub(crate) poll_body: Option<Json>,
    pub(crate) every: Duration,
    pub(crate) timeout: Duration,
    /// `None`: a success status other than 202.
    pub(crate) done: Option<ReplyRule>,
    pub(crate) failed: Option<ReplyRule>,
    pub(crate) progress: Option<Source>,
    pub(crate) result: JobResult,
    pub(crate) cancel: Option<(Verb, Text)>,
}

/// Where the result of a job is.
#[derive(Clone, Debug, Default)]
pub(crate) enum JobResult {
    /// In the reply that says "done".
    #[default]
    Poll,
    Request(Verb, Text),
    /// At an address in that reply.
    At(Source),
}

/// The placeholder for the id of a job.
pub(crate) const JOB: &str = "job";

/// A request of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobPart {
    /// Its reply is judged by the job's rules.
    State,
    /// Its reply is the result of the operation.
    Result,
}

impl JobRule {
    /// The path of a request of the job, with the values of its placeholders.
    ///
    /// # Errors
    /// The name of a placeholder without a value.
    pub(crate) fn path(path: &Text, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut out = String::new();
        for part in path.parts() {
            match part {
                TextPart::Literal(text) => out.push_str(text),
                TextPart::Name(name) => out.push_str(&value(name).ok_or(name.as_str())?),
            }
        }
        Ok(out)
    }
}
