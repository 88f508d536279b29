//! Waits for a job that a system accepted, and says where its result is.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::Method as Verb;
use http::header::RETRY_AFTER;
use serde_json::Value;

use crate::authoring::{Json, Text};
use crate::body;
use crate::definition::{JOB, JobPart, JobResult, JobRule, Operation, ReplyRule, ResultShape};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Item;
use crate::options::Options;
use crate::page::tree_of;
use crate::reply::Response;
use crate::request::{self, Cursor, Inserted, RequestInput};
use crate::retry;
use crate::send::{Call, Cancel, ConnectionClient, JobHandle, JobState, Outgoing, Sent, text_at};

/// A call whose work a job does.
#[derive(Clone, Copy)]
pub(crate) struct JobCall<'a> {
    pub(crate) client: &'a ConnectionClient,
    pub(crate) call: &'a Call,
    pub(crate) options: &'a Options,
    pub(crate) item: Option<Item<'a>>,
    pub(crate) handle: &'a JobHandle,
    /// A cancelled call leaves the job running, because another process continues to wait for it.
    pub(crate) keeps: bool,
}

/// The first request for the result of a job.
pub(crate) struct JobEnd {
    pub(crate) operation: Arc<Operation>,
    pub(crate) cursor: Cursor,
    /// The reply to that request, if the one that said "done" is it: some systems give a result only once.
    pub(crate) reply: Option<Box<Response>>,
}

/// The first wait between two polls; it doubles up to that of the definition.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long a request to cancel a job may take.
const CANCEL_TIME: Duration = Duration::from_secs(10);

impl JobCall<'_> {
    fn rule(&self) -> Result<&JobRule> {
        self.call.operation.job.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "the operation has no job"))
    }

    /// Waits until the job is done.
    ///
    /// # Errors
    /// `rejected` when it failed; `timeout` when it takes longer than the definition allows; those of the requests.
    pub(crate) async fn wait(&self, told: &(dyn Fn(&JobState) + Send + Sync)) -> Result<JobEnd> {
        let rule = self.rule()?;
        let (operation, cursor) = self.part(rule.poll.as_ref(), JobPart::State)?;
        let call = self.call_of(operation);
        let begun = self.client.clock.now();
        let mut state = JobState::default();
        let mut wait = FIRST_WAIT.min(rule.every);
        loop {
            let reply = self.state(&call, &cursor, rule.poll_body.as_ref()).await?;
            state.polls += 1;
            let body = tree_of(&reply);
            let fits = |rule: &ReplyRule| rule.fits_body(|pointer| body.as_ref().and_then(|body| pointer.find(body)));
            if rule.failed.as_ref().is_some_and(fits) {
                return Err(self.failed(&reply, body.as_ref()));
            }
            if rule.done.as_ref().map_or(reply.status.as_u16() != 202, fits) {
                return self.end(reply, body.as_ref());
            }
            state.progress = rule.progress.as_ref().and_then(|source| text_at(source, &reply, body.as_ref()));
            told(&state);
            let asked = retry::asked_wait(&reply.headers, self.client.clock.wall())
                .filter(|_| reply.headers.contains_key(RETRY_AFTER));
            let next = asked.unwrap_or(wait);
            wait = (wait * 2).min(rule.every);
            let waited = self.client.clock.now().saturating_sub(begun);
            if waited + next > rule.timeout {
                let late = match asked.filter(|asked| *asked > rule.timeout) {
                    Some(asked) => format!("the system asks to wait {} s for the job {}", asked.as_secs(), self.handle),
                    None => format!("the job {} was not done within {} s", self.handle, rule.timeout.as_secs()),
                };
                let message = late + &self.last_state(rule, body.as_ref());
                return Err(Error::new(ErrorKind::Timeout, message)
                    .advise("raise `timeout_s` of `job` in the definition if such jobs take longer")
                    .with(|d| d.operation = Some(self.call.operation.id.clone())));
            }
            tracing::debug!(operation = %self.call.operation.id, job = %self.handle, polls = state.polls, progress = state.progress.as_deref(), "job");
            if let Err(error) = self.client.pause(self.call, next).await {
                return Err(self.stopped(rule, error).await);
            }
        }
    }

    /// The state that is not "done", for a message.
    fn last_state(&self, rule: &JobRule, body: Option<&Value>) -> String {
        let Some(pointer) = rule.done.as_ref().and_then(|done| done.places().next()) else { return String::new() };
        match body.and_then(|body| pointer.find(body)) {
            Some(value) => {
                let text = self.client.connection.redactor.mask(&value.to_string()).into_owned();
                format!("; `{pointer}` was {}", crate::fault::clean(&text))
            }
            None => format!("; its state has no `{pointer}`"),
        }
    }

    /// The request for the result of a job that is known to be done, in a form that needs no reply of it.
    pub(crate) fn known_end(&self) -> Result<JobEnd> {
        let rule = self.rule()?;
        let (operation, cursor) = match &rule.result {
            JobResult::Request(verb, path) => self.part(Some(&(verb.clone(), path.clone())), JobPart::Result)?,
            // A page after the first has its own address.
            JobResult::Poll => self.part(rule.poll.as_ref(), JobPart::Result)?,
            JobResult::At(_) => self.part(None, JobPart::Result)?,
        };
        Ok(JobEnd { operation: Arc::new(operation), cursor, reply: None })
    }

    fn end(&self, reply: Response, body: Option<&Value>) -> Result<JobEnd> {
        let end = self.known_end()?;
        let source = match &self.rule()?.result {
            JobResult::At(source) => source,
            JobResult::Request(..) => return Ok(end),
            // A paged list is asked for with its size, and a file is written while it arrives.
            JobResult::Poll if end.operation.is_paged() || end.operation.response.result == ResultShape::File => {
                return Ok(end);
            }
            JobResult::Poll => return Ok(JobEnd { reply: Some(Box::new(reply)), ..end }),
        };
        let url = text_at(source, &reply, body).ok_or_else(|| {
            Error::new(
                ErrorKind::BadResponse,
                format!("the job {} is done, but its state has no {source}", self.handle),
            )
            .advise("correct `job: { result }` of the operation in its definition")
        })?;
        // An address may be relative.
        let url = self.client.connection.base().join(&url).map_or(url, String::from);
        Ok(JobEnd { cursor: Cursor { url: Some(url), ..Cursor::default() }, ..end })
    }

    /// The operation of a request of the job, and its first cursor.
    fn part(&self, request: Option<&(Verb, Text)>, part: JobPart) -> Result<(Operation, Cursor)> {
        let own = &self.call.operation;
        let Some((verb, path)) = request else {
            let cursor = Cursor { url: self.handle.url.clone(), ..Cursor::default() };
            return Ok((own.of_job(Verb::GET, "/".to_owned(), part), cursor));
        };
        let connection = &self.client.connection;
        let parts = self.inserted(own, &NO_CURSOR);
        let path = JobRule::path(path, |name| {
            if name == JOB {
                return self.handle.id.as_deref().map(request::encoded);
            }
            let rule = own.option(name);
            let given =
                rule.and_then(|rule| parts.with_value(rule, |given| given.scalar().map(Cow::into_owned)).ok()?);
            given.flatten().or_else(|| connection.value(name).map(Cow::into_owned)).map(|text| request::encoded(&text))
        });
        let path = path.map_err(|name| {
            Error::new(ErrorKind::InvalidOptions, format!("the job's request needs `{name}`, which has no value"))
        })?;
        Ok((own.of_job(verb.clone(), path, part), Cursor::default()))
    }

    /// The JSON of a placeholder in the body of a poll: the job's id, or an option of the request.
    fn own_value(&self, name: &str) -> Result<Option<String>> {
        if name == JOB {
            return Ok(self.handle.id.as_ref().map(|id| Value::from(id.as_str()).to_string()));
        }
        let own = &self.call.operation;
        let Some(rule) = own.option(name) else { return Ok(None) };
        self.inserted(own, &NO_CURSOR).with_value(rule, |given| given.json().into_owned())
    }

    fn inserted<'s>(&'s self, operation: &'s Operation, cursor: &'s Cursor) -> Inserted<'s> {
        let input = RequestInput { options: self.options, item: self.item, page_size: None };
        Inserted { connection: &self.client.connection, operation, input, cursor }
    }

    /// The same call with another operation.
    fn call_of(&self, operation: Operation) -> Call {
        Call { operation: Arc::new(operation), ..self.call.clone() }
    }

    async fn state(&self, call: &Call, cursor: &Cursor, body: Option<&Json>) -> Result<Response> {
        let parts = self.inserted(&call.operation, cursor);
        let body = body.map(|json| body::constants(&parts, json, &|name| self.own_value(name))).transpose()?;
        let (head, body) = request::build(&parts, body)?.into_parts();
        let sent = self.client.send(call, Outgoing::new(&head, &body), None).await?;
        sent.reply.map(|reply| *reply).ok_or_else(|| Error::new(ErrorKind::Internal, "a job's state has no reply"))
    }

    /// Waits for the job of a write, and fetches its result if the definition says that there is one.
    pub(crate) async fn outcome(&self, told: &(dyn Fn(&JobState) + Send + Sync)) -> Result<Sent> {
        let mut end = self.wait(told).await?;
        let rule = &self.call.operation.response;
        if rule.result == ResultShape::None && rule.parts.is_none() {
            return Ok(Sent::done(self.handle.url.clone()));
        }
        self.result(&mut end).await
    }

    /// Fetches the result as one page.
    async fn result(&self, end: &mut JobEnd) -> Result<Sent> {
        let call = Call { operation: Arc::clone(&end.operation), ..self.call.clone() };
        let parts = self.inserted(&call.operation, &end.cursor);
        let body = body::build(&parts, None)?;
        let (head, body) = request::build(&parts, body)?.into_parts();
        let request = Outgoing::new(&head, &body);
        let known = end.reply.take().and_then(|reply| self.client.answered(&call, request, *reply));
        match known {
            Some(sent) => Ok(sent),
            None => self.client.send(&call, request, None).await,
        }
    }

    fn failed(&self, reply: &Response, body: Option<&Value>) -> Error {
        let operation = &self.call.operation;
        let null = Value::Null;
        let error = crate::fault::reported(&self.client.connection, operation, reply, body.unwrap_or(&null));
        let said = error.provider.message.clone().or_else(|| error.provider.code.clone());
        let said = said.map(|text| format!(": {text}")).unwrap_or_default();
        error.with(|d| d.message = format!("the job {} failed{said}", self.handle))
    }

    /// The error of a wait that was cancelled; a cancel request is sent if the definition has one.
    async fn stopped(&self, rule: &JobRule, error: Error) -> Error {
        let is_cancelled = error.kind() == ErrorKind::Cancelled && !self.keeps;
        let Some(request) = rule.cancel.as_ref().filter(|_| is_cancelled) else { return error };
        let Ok((operation, cursor)) = self.part(Some(request), JobPart::State) else { return error };
        let deadline = Some(self.client.clock.now() + CANCEL_TIME);
        let call = Call { cancel: Cancel::default(), deadline, patient: false, ..self.call_of(operation) };
        match self.state(&call, &cursor, None).await {
            Ok(_) => error.advise(format!("the system was asked to cancel the job {}", self.handle)),
            Err(why) => {
                error.advise(format!("the job {} may go on: it could not be cancelled ({})", self.handle, why.message))
            }
        }
    }
}

static NO_CURSOR: Cursor =
    Cursor { url: None, query: Vec::new(), headers: Vec::new(), body: Vec::new(), texts: Vec::new() };
