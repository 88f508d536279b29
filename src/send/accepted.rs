//! A job that a system accepted instead of doing the work at once.

use http::header::LOCATION;
use serde_json::Value;
use url::Url;

use super::Outgoing;
use super::job_handle::JobHandle;
use crate::authoring::{Source, scalar};
use crate::definition::Operation;
use crate::error::{Error, ErrorKind, Result};
use crate::page::tree_of;
use crate::reply::Response;

/// A value of a reply, as text.
pub(crate) fn text_at(source: &Source, reply: &Response, body: Option<&Value>) -> Option<String> {
    let found = match source {
        Source::Header(name) => reply.header(name).map(str::to_owned),
        Source::Body(pointer) => pointer.find(body?).and_then(scalar),
    };
    found.filter(|text| !text.trim().is_empty())
}

/// The job that a reply announces; `None` if the reply is the result itself.
///
/// # Errors
/// `bad_response` when the reply does not identify the job.
pub(super) fn accepted(operation: &Operation, request: Outgoing<'_>, reply: &Response) -> Result<Option<JobHandle>> {
    let Some(rule) = operation.job.as_ref().filter(|job| job.accepted.contains(&reply.status.as_u16())) else {
        return Ok(None);
    };
    let missing = |what: String| {
        Error::new(ErrorKind::BadResponse, format!("the system accepted the request as a job, but {what}"))
            .advise("correct `job` of the operation in its definition")
    };
    let body = tree_of(reply);
    let id = match &rule.id {
        None => None,
        Some(source) => {
            Some(text_at(source, reply, body.as_ref()).ok_or_else(|| missing(format!("its reply has no {source}")))?)
        }
    };
    let base = Url::parse(&request.head.uri.to_string()).ok();
    let location = reply.headers.get(LOCATION).and_then(|v| v.to_str().ok());
    let url = base.zip(location).and_then(|(base, target)| base.join(target).ok()).map(String::from);
    if rule.poll.is_none() && url.is_none() {
        return Err(missing("its reply has no Location header".to_owned()));
    }
    Ok(Some(JobHandle { id, url: url.filter(|_| rule.poll.is_none()) }))
}
