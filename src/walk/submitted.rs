//! A query whose result a job computes: it is submitted and waited for in its own task, so that dropping a future loses
//! nothing.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::call::CallOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::job::{JobCall, JobEnd};
use crate::options::Options;
use crate::send::{Call, ConnectionClient, JobHandle, Outgoing, Sent};
use crate::step_tag;

/// What a job ends with.
pub(super) enum Submitted {
    /// The system did the work at once: this is the first page.
    AtOnce(Box<Sent>),
    /// The handle of the job, and where its result is.
    Job(JobHandle, JobEnd),
}

/// The task that submits and waits.
pub(super) struct Submission(JoinHandle<Result<Submitted>>);

impl Drop for Submission {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Submission {
    /// Starts the task. A job that is known is not submitted again.
    pub(super) fn start(
        (client, call): (&Arc<ConnectionClient>, &Arc<Call>),
        options: &Options,
        first: Option<http::Request<Bytes>>,
        with: &CallOptions,
    ) -> Submission {
        let (client, call, options) = (Arc::clone(client), Arc::clone(call), options.clone());
        let (gate, keeps) = (with.gate.clone(), with.keep_jobs);
        let known = with.resume.as_ref().and_then(|resume| resume.job.clone());
        // The pages after the first show that the job is done.
        let is_done = with.resume.as_ref().is_some_and(|resume| resume.pages > 0);
        Submission(tokio::spawn(step_tag::carried(async move {
            let handle = match (known, first) {
                (Some(handle), _) => handle,
                (None, None) => return Err(Error::new(ErrorKind::Internal, "a job has no request")),
                (None, Some(request)) => {
                    let (head, body) = request.into_parts();
                    let mut sent = client.send(&call, Outgoing::new(&head, &body), None).await?;
                    let Some(handle) = sent.job.take() else { return Ok(Submitted::AtOnce(Box::new(sent))) };
                    if let Some(gate) = &gate {
                        gate.accepted(0, 0, &handle).await?;
                    }
                    handle
                }
            };
            let job = JobCall { client: &client, call: &call, options: &options, item: None, handle: &handle, keeps };
            let told = |state: &crate::send::JobState| gate.iter().for_each(|gate| gate.polled(0, state));
            let end = if is_done { job.known_end()? } else { job.wait(&told).await? };
            Ok(Submitted::Job(handle, end))
        })))
    }

    pub(super) async fn done(&mut self) -> Result<Submitted> {
        (&mut self.0).await.map_err(|e| Error::new(ErrorKind::Internal, format!("the task of a job failed: {e}")))?
    }
}
