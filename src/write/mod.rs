//! The write loop: sends items with several requests in flight and returns outcomes in input order. Every item gets
//! exactly one outcome.
//!
//! Items may be given in several parts ([`Writes::give`]); numbering, receipt and verdict cover all parts.

mod build;
mod check;
mod outcomes;
mod verdict;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::body::Chunk;
use crate::call::CallOptions;
#[cfg(feature = "ffi")]
use crate::definition::Send;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::job::JobCall;
use crate::options::Options;
use crate::receipt::{Outcome, OutcomeCounts, OutcomeStatus, Receipt};
use crate::send::{Announce, Call, ConnectionClient, JobHandle, JobState, Outgoing, Sent, settle};
use crate::step_tag;
pub(crate) use build::Requests;
use build::{Model, RequestKey};
pub use check::check_items;
#[cfg(feature = "batch")]
pub(crate) use check::look;
pub use verdict::WriteReply;
use verdict::keep_representative;

/// A write in progress. Dropping it stops what was not sent yet.
///
/// ```
/// # use opnode::sandbox::{Sandbox, SandboxOptions};
/// # use opnode::{Catalog, Engine, EngineConfig};
/// use opnode::{CallOptions, Items, Method, Options, Request};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> opnode::Result<()> {
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// # let engine = Engine::new(EngineConfig::new(catalog));
/// # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
/// # let session = engine.connect(&sandbox.connection("acme-desk")?)?;
/// // The items come in parts: a long list is never in memory as a whole.
/// let request = Request::new(Method::Mutate, "createTicket", Options::default());
/// let mut writes = session.call_in_parts(&request, &CallOptions::default())?;
/// let mut first = 0;
/// for part in [r#"[{"summary": "Printer"}, {"summary": "Screen"}]"#, r#"[{"summary": "Mouse"}]"#] {
///     let items = Items::from_array(part)?;
///     let count = items.len() as u64;
///     writes.give(first, items)?;
///     first += count;
///     while let Some(outcome) = writes.next().await {
///         println!("{}: {:?}", outcome.index, outcome.status); // 0: Ok
///     }
/// }
/// writes.verdict()?;
/// assert_eq!(writes.receipt().outcomes.unwrap_or_default().ok, 3);
/// # Ok(())
/// # }
/// ```
pub struct Writes {
    client: Arc<ConnectionClient>,
    call: Arc<Call>,
    options: Options,
    with: CallOptions,
    key: Option<Arc<str>>,
    model: Arc<Model>,
    chunks: VecDeque<(Arc<GivenPart>, Chunk)>,
    queue: VecDeque<(Arc<GivenPart>, Chunk, JoinHandle<Result<Sent>>)>,
    ready: VecDeque<Outcome>,
    stopped: bool,
    started: Option<Duration>,
    /// The error that represents all so far, with the index of its item.
    first_error: Option<(u64, Error)>,
    receipt: Receipt,
}

/// Items that were given together.
struct GivenPart {
    items: Items,
    /// The index of its first item in the whole write.
    first: u64,
}

impl Writes {
    /// Creates a write with checked options and nothing to send yet.
    pub(crate) fn open(client: Arc<ConnectionClient>, call: Call, options: Options, with: &CallOptions) -> Writes {
        let receipt = Receipt {
            operation: call.operation.id.clone(),
            outcomes: Some(OutcomeCounts::default()),
            complete: true,
            ..Receipt::default()
        };
        Writes {
            client,
            call: Arc::new(call),
            options,
            key: with.key.as_deref().map(Arc::from),
            with: with.clone(),
            model: Arc::default(),
            chunks: VecDeque::new(),
            queue: VecDeque::new(),
            ready: VecDeque::new(),
            stopped: false,
            started: None,
            first_error: None,
            receipt,
        }
    }

    /// Checks and adds items; `first` is the index of the first of them in the whole write, from 0. They are sent while
    /// [`next`](Self::next) is polled.
    ///
    /// # Errors
    /// `invalid_items` with every fault. Earlier parts are not affected, and other items can be given.
    pub fn give(&mut self, first: u64, items: Items) -> Result<()> {
        self.add(first, Some(items))
    }

    /// Checks items like [`give`](Self::give), without adding them.
    ///
    /// # Errors
    /// `invalid_items` with every fault.
    #[cfg(feature = "batch")]
    pub(crate) fn check(&self, items: &Items) -> Result<()> {
        let operation = &*self.call.operation;
        let unknown = check_items(operation, &self.options, Some(items))?;
        self.with.judge_unknown(operation, ErrorKind::InvalidItems, unknown).map(|_| ())
    }

    /// Adds items, or the only request of a write without items.
    pub(crate) fn add(&mut self, first: u64, items: Option<Items>) -> Result<()> {
        let operation = &*self.call.operation;
        let unknown = check_items(operation, &self.options, items.as_ref())?;
        let notes = self.with.judge_unknown(operation, ErrorKind::InvalidItems, unknown)?;
        let connection = &*self.client.connection;
        let requests = Requests { connection, operation, options: &self.options, items: items.as_ref() };
        requests.refuse_first()?;
        let chunks = requests.chunks();
        let part = Arc::new(GivenPart { items: items.unwrap_or_default(), first });
        self.receipt.items_in += part.items.len() as u64;
        for note in notes {
            if !self.receipt.notes.contains(&note) {
                self.receipt.notes.push(note);
            }
        }
        self.chunks.extend(chunks.into_iter().map(|chunk| (Arc::clone(&part), chunk)));
        Ok(())
    }

    /// Whether all items go in one request.
    #[cfg(feature = "ffi")]
    pub(crate) fn sends_together(&self) -> bool {
        self.call.operation.items.as_ref().is_some_and(|rule| matches!(rule.send, Send::All))
    }

    /// Stops sending: items in flight end, and the rest are `skipped`.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether it sends nothing more: it was stopped or cancelled, or an error ended it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The next outcome in input order; `None` when every item given so far has one. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Outcome> {
        if self.started.is_none() {
            self.started = Some(self.client.clock.now());
        }
        loop {
            if let Some(outcome) = self.ready.pop_front() {
                self.count(&outcome);
                return Some(outcome);
            }
            self.fill();
            let Some((part, chunk, task)) = self.queue.front_mut() else {
                // Items that were never sent have been added to the ready outcomes.
                if !self.ready.is_empty() {
                    continue;
                }
                self.refresh();
                return None;
            };
            let sent = match task.await {
                Ok(sent) => sent,
                Err(lost) => Err(Error::new(ErrorKind::UnknownOutcome, format!("the request's task failed: {lost}"))),
            };
            let (part, chunk) = (Arc::clone(part), *chunk);
            self.queue.pop_front();
            self.arrive(&part, chunk, sent);
        }
    }

    /// Handles the reply to one request.
    fn arrive(&mut self, part: &GivenPart, chunk: Chunk, sent: Result<Sent>) {
        let redactor = &self.client.connection.redactor;
        let outcomes = outcomes::outcomes(&self.call.operation, &part.items, chunk, sent, redactor);
        let bad = outcomes.iter().any(|o| o.status != OutcomeStatus::Ok);
        let over = outcomes.iter().filter_map(|o| o.error.as_ref()).any(|e| match e.kind() {
            ErrorKind::Cancelled | ErrorKind::Unauthenticated | ErrorKind::State => true,
            // The deadline has passed.
            ErrorKind::Timeout | ErrorKind::RateLimited => e.attempts == 0,
            _ => false,
        });
        self.stopped |= over || (bad && self.with.stop_on_error) || self.call.cancel.is_cancelled();
        self.ready.extend(outcomes.into_iter().map(|outcome| Outcome { index: outcome.index + part.first, ..outcome }));
    }

    /// The next outcome if it is available without waiting, so that the caller can record several at once.
    pub async fn ready(&mut self) -> Poll<Option<Outcome>> {
        let mut next = pin!(self.next());
        std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await
    }

    fn fill(&mut self) {
        if self.stopped {
            // Requests in flight come first, to keep outcomes in input order.
            if self.queue.is_empty() {
                let rest = self.chunks.drain(..).flat_map(|(part, chunk)| {
                    (chunk.first..chunk.first + chunk.count).map(move |index| skipped(part.first + index as u64))
                });
                self.ready.extend(rest);
            }
            return;
        }
        while self.queue.len() < self.client.connection.limits.concurrency() {
            let Some((part, chunk)) = self.chunks.pop_front() else { return };
            let task = self.send(Arc::clone(&part), chunk);
            self.queue.push_back((part, chunk, task));
        }
    }

    fn send(&self, part: Arc<GivenPart>, chunk: Chunk) -> JoinHandle<Result<Sent>> {
        let (client, call, options) = (Arc::clone(&self.client), Arc::clone(&self.call), self.options.clone());
        let (gate, key, model) = (self.with.gate.clone(), self.key.clone(), Arc::clone(&self.model));
        let (known, keeps) = (self.with.jobs.get(&(part.first + chunk.first as u64)).cloned(), self.with.keep_jobs);
        tokio::spawn(step_tag::carried(async move {
            let key = key.as_deref().map_or(RequestKey::Own, |name| RequestKey::Run(name, part.first));
            let (connection, operation) = (&*client.connection, &*call.operation);
            let (first, count) = (part.first + chunk.first as u64, chunk.count as u64);
            let handle = match known {
                Some(handle) => handle,
                None => {
                    let requests = Requests { connection, operation, options: &options, items: Some(&part.items) };
                    let (head, body) = requests.build(chunk, key, &model)?;
                    let announce = |gate| Announce { gate, first, count };
                    let outgoing = Outgoing::new(&head, &body);
                    let mut sent = client.send(&call, outgoing, gate.as_deref().map(announce)).await?;
                    let Some(handle) = sent.job.take() else { return Ok(sent) };
                    if let Some(gate) = &gate {
                        gate.accepted(first, count, &handle).await.map_err(|e| in_doubt(&handle, e))?;
                    }
                    handle
                }
            };
            let item = part.items.get(chunk.first);
            let job = JobCall { client: &client, call: &call, options: &options, item, handle: &handle, keeps };
            let told = |state: &JobState| gate.iter().for_each(|gate| gate.polled(first, state));
            job.outcome(&told).await.map_err(|e| match keeps && e.kind() == ErrorKind::Cancelled {
                // Another run goes on waiting: nothing is said about the items yet.
                true => Error::cancelled(),
                false => in_doubt(&handle, e),
            })
        }))
    }

    fn count(&mut self, outcome: &Outcome) {
        self.receipt.items += outcome.items.len() as u64;
        self.receipt.outcomes.get_or_insert_default().add(outcome.status);
        if let Some(error) = &outcome.error {
            keep_representative(&mut self.first_error, outcome.index, error);
            self.call.trace.failed(error.kind());
        }
        self.call.trace.add_items(1);
    }

    fn refresh(&mut self) {
        let tally = &self.call.tally;
        let counts = self.receipt.outcomes.unwrap_or_default();
        self.receipt.requests = tally.requests.load(Ordering::Relaxed);
        self.receipt.retries = tally.retries.load(Ordering::Relaxed);
        self.receipt.bytes = tally.bytes.load(Ordering::Relaxed);
        self.receipt.wait_ms = tally.wait_ms.load(Ordering::Relaxed);
        self.receipt.elapsed_ms =
            self.started.map_or(0, |s| self.client.clock.now().saturating_sub(s).as_millis() as u64);
        self.receipt.complete =
            counts.failed + counts.unknown + counts.skipped == 0 && self.queue.is_empty() && self.chunks.is_empty();
    }

    /// The receipt so far; final once [`next`](Self::next) has returned `None`.
    pub fn receipt(&mut self) -> &Receipt {
        self.refresh();
        &self.receipt
    }

    /// The result so far: `Ok` when every item took effect.
    ///
    /// # Errors
    /// As [`WriteReply::check`].
    pub fn verdict(&self) -> Result<()> {
        let first = self.first_error.as_ref().map(|(index, error)| (*index, error));
        self.receipt.outcomes.unwrap_or_default().check(first)
    }

    /// Runs to the end. Failed items are outcomes, not errors; see [`WriteReply::check`].
    pub async fn collect(mut self) -> WriteReply {
        let mut outcomes = Vec::new();
        while let Some(outcome) = self.next().await {
            outcomes.push(outcome);
        }
        let items = Items::concat(outcomes.iter().map(|o| o.items.clone()).collect());
        WriteReply { items, outcomes, receipt: self.receipt.clone() }
    }
}

/// The error of a write that the system accepted as a job, and whose end was not seen. A job that failed did.
fn in_doubt(handle: &JobHandle, error: Error) -> Error {
    if error.kind() == ErrorKind::Rejected {
        return error;
    }
    settle(error, true).with(|d| {
        d.message = format!("{} (the system has accepted it as the job {handle})", d.message);
    })
}

fn skipped(index: u64) -> Outcome {
    let status = OutcomeStatus::Skipped;
    Outcome { index, status, http_status: None, items: Items::default(), location: None, error: None, attempts: 0 }
}
