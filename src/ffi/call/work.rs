//! The work of operations, as tasks of the engine: walks to batches, items to outcomes. One implementation for
//! streaming and draining hosts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use serde_json::json;

use super::operation::Op;
use super::request::{BatchLimits, HostRequest, Selftest, Work};
use crate::call::CallOptions;
use crate::error::{Error, Result};
use crate::ffi::boundary::Buffer;
use crate::ffi::connection::Conn;
use crate::{Items, Outcome, OutcomeCounts, Running, Session, TokenOwner, Walk, Writes};

/// Default number of outcomes in a batch.
const OUTCOMES: usize = 1000;

pub(super) type Job = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Checks everything that is known before the first request, and returns the rest as a task.
pub(super) fn prepare(op: &Arc<Op>, conn: &Arc<Conn>, request: HostRequest) -> Result<Job> {
    let (op, session) = (Arc::clone(op), conn.session.clone());
    // Tasks that are spawned here, by checks that build a first request, belong to the engine's threads.
    let _within = conn.host.handle.enter();
    let HostRequest { work, timeout, batch, .. } = request;
    let with = CallOptions { cancel: op.cancel_token().clone(), timeout, ..CallOptions::default() };
    match work {
        Work::Call(call) => match session.call(&call, &with)? {
            Running::Read(mut walk) => {
                op.name(&walk.receipt().operation);
                Ok(Box::pin(read(op, walk, batch)))
            }
            Running::Write(mut writes) => {
                op.name(&writes.receipt().operation);
                op.update(|p| p.items_in = call.items.as_ref().map_or(1, |items| items.len() as i64), None);
                Ok(Box::pin(Write { op, writes, batch }.whole()))
            }
        },
        Work::Stream(call) => {
            let mut writes = session.call_in_parts(&call, &with)?;
            op.name(&writes.receipt().operation);
            Ok(Box::pin(Write { op, writes, batch }.stream()))
        }
        Work::Check => Ok(Box::pin(check(op, session, with))),
        Work::Plan(call) => {
            let planned = session.plan(&call)?;
            let texts: Vec<String> = planned.iter().map(|p| serde_json::to_string(p).unwrap_or_default()).collect();
            Ok(Box::pin(async move {
                op.push(Buffer::of_texts(&texts)).await;
                Ok(())
            }))
        }
        Work::Selftest(what) => Ok(Box::pin(selftest(op, Arc::clone(conn), what))),
    }
}

async fn read(op: Arc<Op>, mut walk: Walk, batch: BatchLimits) -> Result<()> {
    while let Some(page) = walk.next().await {
        let receipt = walk.receipt();
        op.update(|p| p.take(receipt), Some(receipt.clone()));
        let items = page?.items;
        for part in items.parts(batch.items.unwrap_or(usize::MAX), batch.bytes.unwrap_or(usize::MAX)) {
            if op.cancel_token().is_cancelled() {
                return Err(Error::cancelled());
            }
            op.update(|p| p.items_out += part.len() as i64, Some(walk.receipt().clone()));
            op.push(Buffer::of(part)).await;
        }
    }
    // The end may have been seen only after the last page.
    let receipt = walk.receipt();
    op.update(|_| {}, Some(receipt.clone()));
    Ok(())
}

async fn check(op: Arc<Op>, session: Session, with: CallOptions) -> Result<()> {
    let reply = session.probe(&with).await?;
    op.update(|p| p.take(&reply.receipt), Some(reply.receipt.clone()));
    op.push(Buffer::of(reply.items)).await;
    Ok(())
}

/// A write.
struct Write {
    op: Arc<Op>,
    writes: Writes,
    batch: BatchLimits,
}

impl Write {
    async fn whole(mut self) -> Result<()> {
        self.drain().await;
        self.writes.verdict()
    }

    /// Items as the host gives them; those that must go together wait for the last.
    async fn stream(mut self) -> Result<()> {
        let together = self.writes.sends_together();
        let mut first = 0;
        let mut kept = Vec::new();
        let mut refused = None;
        loop {
            let items = match self.op.input().await {
                Ok(Some(items)) => items,
                Ok(None) => break,
                // An unknown outcome is more severe than the cancel that caused it.
                Err(_) if self.counts().unknown > 0 => break,
                Err(cancelled) => return Err(cancelled),
            };
            if together {
                kept.push(items);
                continue;
            }
            let count = items.len() as u64;
            if refused.is_none() && !self.writes.is_stopped() {
                refused = self.part(first, items).await.err();
            }
            first += count;
        }
        if together {
            refused = self.part(0, Items::concat(kept)).await.err();
        }
        let verdict = self.writes.verdict();
        match refused {
            // Refused items were not sent; items that were sent before them still count.
            Some(error) if self.counts() == OutcomeCounts::default() => Err(error),
            Some(error) => verdict.and(Err(error)),
            None => verdict,
        }
    }

    fn counts(&mut self) -> OutcomeCounts {
        self.writes.receipt().outcomes.unwrap_or_default()
    }

    /// One part of a stream.
    async fn part(&mut self, first: u64, items: Items) -> Result<()> {
        let named = |e: Error| e.with(|d| d.message = format!("the items from {first} on: {}", d.message));
        self.writes.give(first, items).map_err(named)?;
        self.drain().await;
        Ok(())
    }

    /// Available outcomes as batches, without waiting to fill one.
    async fn drain(&mut self) {
        let most = self.batch.items.unwrap_or(OUTCOMES);
        let bytes_max = self.batch.bytes.unwrap_or(usize::MAX);
        let (mut texts, mut bytes) = (Vec::new(), 0);
        loop {
            let outcome = match self.writes.ready().await {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    self.flush(&mut texts).await;
                    bytes = 0;
                    self.writes.next().await
                }
            };
            let Some(outcome) = outcome else { break };
            self.op.note(&outcome);
            let text = text_of(&outcome);
            bytes += text.len() + 1;
            texts.push(text);
            self.report();
            if texts.len() >= most || bytes >= bytes_max {
                self.flush(&mut texts).await;
                bytes = 0;
            }
        }
        self.flush(&mut texts).await;
        self.report();
    }

    fn report(&mut self) {
        let receipt = self.writes.receipt();
        self.op.update(|p| p.take(receipt), Some(receipt.clone()));
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
            Err(Error::cancelled())
        }
        Selftest::Emit(count) => {
            for index in 0..count {
                if op.cancel_token().is_cancelled() {
                    return Err(Error::cancelled());
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
                let tokens = crate::Tokens {
                    account: None,
                    access: crate::Secret::new(access),
                    refresh: Some(crate::Secret::new(refresh)),
                    expires_at: None,
                    seed: None,
                };
                slot.write(&tokens).await?;
            }
            Ok(())
        }
    }
}
