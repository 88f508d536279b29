//! The work of operations, as tasks of the engine: walks to batches, items to outcomes. One implementation for streaming and draining hosts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use serde_json::json;

use super::buffer::Buffer;
use super::connection::Conn;
use super::operation::Op;
use super::progress::Progress;
use super::request::{Batch, Input, Request, Selftest, Work};
use crate::auth::TokenOwner;
use crate::definition::{Method, Send as Sending};
use crate::engine::{CallOptions, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::options::Options;
use crate::receipt::{Outcome, OutcomeCounts, OutcomeStatus, Receipt};
use crate::send::cancelled;
use crate::walk::Walk;
use crate::write::{Writes, weigh};

/// Outcomes in a batch, when the host names no number.
const OUTCOMES: usize = 1000;

pub(crate) type Job = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Checks what can be known before the first request, and gives the rest as a task.
pub(crate) fn prepare(op: &Arc<Op>, conn: &Arc<Conn>, request: Request) -> Result<Job> {
    let (op, session) = (Arc::clone(op), conn.session.clone());
    // What is spawned here, by checks that build a first request, belongs to the engine's own threads.
    let _within = conn.host.handle.enter();
    let Request { work, operation, options, with, batch, .. } = request;
    match work {
        Work::Query => {
            let walk = session.query(&operation, &options, &with)?;
            Ok(Box::pin(read(op, walk, batch)))
        }
        Work::Write { method, items } => {
            let write = Write { op, session, method, operation, options, with, batch };
            match items {
                Input::Stream => {
                    write.check()?;
                    Ok(Box::pin(write.stream()))
                }
                Input::Given(items) => {
                    let writes = write.begin(0, Some(items.clone()))?;
                    Ok(Box::pin(write.whole(writes, items.len())))
                }
                Input::None => {
                    let writes = write.begin(0, None)?;
                    Ok(Box::pin(write.whole(writes, 1)))
                }
            }
        }
        Work::Check => Ok(Box::pin(check(op, session, with))),
        Work::Plan { method, items } => {
            let planned = session.plan(method, &operation, &options, items.as_ref(), &with)?;
            let texts: Vec<String> = planned.iter().map(|p| serde_json::to_string(p).unwrap_or_default()).collect();
            Ok(Box::pin(async move {
                op.push(Buffer::of_texts(&texts)).await;
                Ok(())
            }))
        }
        Work::Selftest(what) => Ok(Box::pin(selftest(op, Arc::clone(conn), what))),
    }
}

async fn read(op: Arc<Op>, mut walk: Walk, batch: Batch) -> Result<()> {
    let before = Progress::default();
    while let Some(page) = walk.next().await {
        let receipt = walk.receipt();
        op.update(|p| p.take(receipt, &before), Some(receipt.clone()));
        let items = page?.items;
        for part in items.parts(batch.items.unwrap_or(usize::MAX), batch.bytes.unwrap_or(usize::MAX)) {
            if op.cancel_token().is_cancelled() {
                return Err(cancelled());
            }
            op.update(|p| p.items_out += part.len() as i64, Some(walk.receipt().clone()));
            op.push(Buffer::of(part)).await;
        }
    }
    // The end may have been seen only behind the last page.
    let receipt = walk.receipt();
    op.update(|_| {}, Some(receipt.clone()));
    Ok(())
}

async fn check(op: Arc<Op>, session: Session, with: CallOptions) -> Result<()> {
    let reply = session.probe(&with).await?;
    op.update(|p| p.take(&reply.receipt, &Progress::default()), Some(reply.receipt.clone()));
    op.push(Buffer::of(reply.items)).await;
    Ok(())
}

/// A write.
struct Write {
    op: Arc<Op>,
    session: Session,
    method: Method,
    operation: String,
    options: Options,
    with: CallOptions,
    batch: Batch,
}

/// What a write has come to so far.
#[derive(Default)]
struct Sum {
    counts: OutcomeCounts,
    first: Option<(u64, Error)>,
    before: Progress,
    /// Of the parts of a stream that have ended.
    receipt: Option<Receipt>,
}

impl Sum {
    /// A part's receipt on top of those before it.
    fn with(&self, part: &Receipt) -> Receipt {
        let mut whole = part.clone();
        if let Some(before) = &self.receipt {
            whole.requests += before.requests;
            whole.retries += before.retries;
            whole.items += before.items;
            whole.items_in += before.items_in;
            whole.bytes += before.bytes;
            whole.wait_ms += before.wait_ms;
            whole.elapsed_ms += before.elapsed_ms;
            whole.complete &= before.complete;
            whole.notes.splice(0..0, before.notes.iter().cloned());
            if let (Some(all), Some(counts)) = (&mut whole.outcomes, &before.outcomes) {
                all.ok += counts.ok;
                all.failed += counts.failed;
                all.unknown += counts.unknown;
                all.skipped += counts.skipped;
            }
        }
        whole
    }
}

impl Write {
    fn begin(&self, first: u64, items: Option<Items>) -> Result<Writes> {
        let with = CallOptions { first, ..self.with.clone() };
        match self.method {
            Method::Delete => self.session.delete(&self.operation, &self.options, items, &with),
            Method::Mutate | Method::Query => self.session.mutate(&self.operation, &self.options, items, &with),
        }
    }

    /// Operation and options, before any item is there.
    fn check(&self) -> Result<()> {
        self.begin(0, Some(Items::default())).map(|_| ())
    }

    async fn whole(self, writes: Writes, items: usize) -> Result<()> {
        self.op.update(|p| p.items_in = items as i64, None);
        let mut sum = Sum::default();
        self.run(writes, &mut sum).await;
        sum.counts.check(sum.first.as_ref().map(|(index, error)| (*index, error)))
    }

    /// Items as the host hands them in; those that must go together wait for the last.
    async fn stream(self) -> Result<()> {
        let together = self.session.sends_together(&self.operation);
        let mut sum = Sum::default();
        let mut first = 0;
        let mut kept = Vec::new();
        let mut stopped = None;
        loop {
            let items = match self.op.input().await {
                Ok(Some(items)) => items,
                Ok(None) => break,
                // An unknown outcome weighs more than the cancel that caused it.
                Err(_) if sum.counts.unknown > 0 => break,
                Err(cancelled) => return Err(cancelled),
            };
            if together {
                kept.push(items);
                continue;
            }
            if stopped.is_none() {
                stopped = self.chunk(first, items.clone(), &mut sum).await;
            }
            first += items.len() as u64;
        }
        if together && stopped.is_none() {
            stopped = self.chunk(0, Items::concat(kept), &mut sum).await;
        }
        let verdict = sum.counts.check(sum.first.as_ref().map(|(index, error)| (*index, error)));
        match stopped {
            // Refused items were not sent; what was sent before them counts all the same.
            Some(error) if sum.counts == OutcomeCounts::default() => Err(error),
            Some(error) => verdict.and(Err(error)),
            None => verdict,
        }
    }

    /// One part of a stream; gives why nothing more is sent.
    async fn chunk(&self, first: u64, items: Items, sum: &mut Sum) -> Option<Error> {
        match self.begin(first, Some(items)) {
            Ok(writes) => {
                self.run(writes, sum).await;
                let stop = self.with.stop_on_error && sum.first.is_some();
                stop.then(|| Error::new(ErrorKind::Partial, "the write stopped at the first item that did not succeed"))
            }
            Err(error) => Some(error.with(|d| d.message = format!("the items from {first} on: {}", d.message))),
        }
    }

    /// Outcomes in batches, as many as are there, without waiting to fill one.
    async fn run(&self, mut writes: Writes, sum: &mut Sum) {
        let most = self.batch.items.unwrap_or(OUTCOMES);
        let bytes_max = self.batch.bytes.unwrap_or(usize::MAX);
        let (mut texts, mut bytes) = (Vec::new(), 0);
        loop {
            let outcome = match writes.ready().await {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    self.flush(&mut texts).await;
                    bytes = 0;
                    writes.next().await
                }
            };
            let Some(outcome) = outcome else { break };
            self.note(&outcome, sum);
            let text = text_of(&outcome);
            bytes += text.len() + 1;
            texts.push(text);
            let receipt = writes.receipt();
            self.op.update(|p| p.take(receipt, &sum.before), Some(sum.with(receipt)));
            if texts.len() >= most || bytes >= bytes_max {
                self.flush(&mut texts).await;
                bytes = 0;
            }
        }
        self.flush(&mut texts).await;
        let receipt = writes.receipt();
        let whole = sum.with(receipt);
        self.op.update(|p| p.take(receipt, &sum.before), Some(whole.clone()));
        sum.before = self.op.progress();
        sum.receipt = Some(whole);
    }

    fn note(&self, outcome: &Outcome, sum: &mut Sum) {
        self.op.note(outcome);
        sum.counts.add(outcome.status);
        if let Some(error) = outcome.error.as_ref().filter(|_| outcome.status != OutcomeStatus::Ok) {
            weigh(&mut sum.first, outcome.index, error);
        }
    }

    async fn flush(&self, texts: &mut Vec<String>) {
        if !texts.is_empty() {
            self.op.push(Buffer::of_texts(&std::mem::take(texts))).await;
        }
    }
}

/// An outcome with its records, digit for digit.
fn text_of(outcome: &Outcome) -> String {
    let mut text = serde_json::to_string(outcome).unwrap_or_default();
    if text.pop() == Some('}') {
        text.push_str(",\"items\":");
        text.push_str(&outcome.items.to_json());
        text.push('}');
    }
    text
}

async fn selftest(op: Arc<Op>, conn: Arc<Conn>, what: Selftest) -> Result<()> {
    match what {
        #[expect(clippy::panic, reason = "hosts test that a panic does not cross")]
        Selftest::Panic => panic!("selftest"),
        Selftest::Stall => {
            op.cancel_token().cancelled().await;
            Err(cancelled())
        }
        Selftest::Emit(count) => {
            for index in 0..count {
                if op.cancel_token().is_cancelled() {
                    return Err(cancelled());
                }
                op.update(|p| p.items_out += 1, None);
                op.push(Buffer::of_texts(&[json!({ "id": index }).to_string()])).await;
            }
            Ok(())
        }
        Selftest::Log(count) => {
            for index in 0..count {
                tracing::info!(index, "selftest");
            }
            Ok(())
        }
        Selftest::Rotate(count) => {
            for index in 0..count {
                let owner = TokenOwner {
                    connector: "selftest".to_owned(),
                    address: String::new(),
                    account: None,
                    seed: String::new(),
                    is_seeded: false,
                    connection: Some("selftest".to_owned()),
                };
                let mut slot = conn.host.tokens().open(&owner).await?;
                let (access, refresh) = (format!("access-{index}"), format!("refresh-{index}"));
                let tokens = crate::auth::Tokens {
                    account: None,
                    access: crate::secret::Secret::new(access),
                    refresh: Some(crate::secret::Secret::new(refresh)),
                    expires_at: None,
                    seed: None,
                };
                slot.write(&tokens).await?;
            }
            Ok(())
        }
    }
}

impl Session {
    /// Whether an operation's items must go in one request.
    fn sends_together(&self, operation: &str) -> bool {
        let found = self.operation_by_id(operation);
        found.is_ok_and(|o| o.items.as_ref().is_some_and(|r| matches!(r.send, Sending::All)))
    }
}
