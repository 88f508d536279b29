//! What the requests of one call share: cancellation, the gate of its writes, and its usage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use tokio::sync::watch;

use super::job_handle::{JobHandle, JobState};
use crate::definition::{Operation, ResultShape};
use crate::error::Result;
use crate::part_file::FileTarget;
use crate::telemetry::CallTrace;

/// Cancels a call from any thread. Clones share the state, which never changes back.
///
/// ```
/// use opnode::Cancel;
///
/// let cancel = Cancel::default();
/// let shared = cancel.clone();
/// std::thread::spawn(move || shared.cancel()).join().unwrap();
/// assert!(cancel.is_cancelled()); // and stays so
/// ```
#[derive(Clone, Debug)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Cancel(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancel {
    /// Cancels every call that uses it.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is cancelled.
    pub async fn cancelled(&self) {
        // `self` keeps the sender alive, so waiting ends only when the value is true.
        let mut watch = self.0.subscribe();
        let _ended = watch.wait_for(|cancelled| *cancelled).await;
    }
}

/// Is called before items of a write are sent. The request waits for the result; after an error it is not sent.
///
/// ```
/// use std::sync::Arc;
///
/// use opnode::{CallOptions, Error, ErrorKind, Gate, Result};
///
/// /// Records in the host's journal which items are about to be sent.
/// #[derive(Debug)]
/// struct Journal;
///
/// #[async_trait::async_trait]
/// impl Gate for Journal {
///     async fn before(&self, first: u64, count: u64) -> Result<()> {
///         match append(first..first + count) {
///             true => Ok(()),
///             false => Err(Error::new(ErrorKind::State, "the journal cannot be written")),
///         }
///     }
/// }
///
/// let with = CallOptions { gate: Some(Arc::new(Journal)), ..CallOptions::default() };
/// # fn append(_: std::ops::Range<u64>) -> bool { true }
/// # drop(with);
/// ```
#[async_trait]
pub trait Gate: Send + Sync + std::fmt::Debug {
    /// `count` items starting at the index `first`, counted from 0, are about to be sent.
    ///
    /// # Errors
    /// Any, such as `state`: then nothing is sent, and the items are `skipped`.
    async fn before(&self, first: u64, count: u64) -> Result<()>;

    /// The system accepted a request as a job: the items that start at `first`, or a query (0 of them). Another process
    /// that has the handle goes on waiting, and submits nothing.
    ///
    /// # Errors
    /// Any, such as `state`: then the call ends.
    async fn accepted(&self, _first: u64, _count: u64, _job: &JobHandle) -> Result<()> {
        Ok(())
    }

    /// The state of a job was asked for; it is not done.
    fn polled(&self, _first: u64, _state: &JobState) {}
}

/// The items of one request of a write, and the gate to call before.
pub(crate) struct Announce<'a> {
    pub(crate) gate: &'a dyn Gate,
    pub(crate) first: u64,
    pub(crate) count: u64,
}

/// A request to send. The requests of a call often differ only in their bodies.
#[derive(Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) head: &'a Parts,
    pub(crate) body: &'a Bytes,
    /// How often it was sent: attempts, redirects, and repetitions for a new token.
    pub(super) sends: Option<&'a AtomicU32>,
}

impl<'a> Outgoing<'a> {
    pub(crate) fn new(head: &'a Parts, body: &'a Bytes) -> Outgoing<'a> {
        Outgoing { head, body, sends: None }
    }

    /// Counts a send. Returns the number of earlier ones.
    pub(super) fn count_send(&self) -> u32 {
        self.sends.map_or(0, |sends| sends.fetch_add(1, Ordering::Relaxed))
    }
}

/// The usage of a call, shared by its requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) wait_ms: AtomicU64,
}

/// One call of a method: the state that its requests share.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Arc<Operation>,
    pub(crate) cancel: Cancel,
    /// A time of the monotonic clock.
    pub(crate) deadline: Option<Duration>,
    /// Whether the call waits for a system that is briefly unavailable.
    pub(crate) patient: bool,
    /// Maximum number of attempts, instead of that of the connection.
    pub(crate) attempts: Option<u32>,
    /// Where files are written.
    pub(crate) files: Option<FileTarget>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) trace: CallTrace,
}

impl Call {
    /// A request is sent again.
    pub(crate) fn count_retry(&self) {
        self.tally.retries.fetch_add(1, Ordering::Relaxed);
        self.trace.retry();
    }

    /// Where its replies are written, if they are files.
    pub(crate) fn downloads_to(&self) -> Option<&FileTarget> {
        self.files.as_ref().filter(|_| self.operation.response.result == ResultShape::File)
    }
}
