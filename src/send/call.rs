//! What the requests of one call share: who may cancel it, who wants to know of its writes, what it has cost.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use tokio::sync::watch;

use crate::definition::Operation;
use crate::error::Result;

/// Cancels a call from anywhere; cloning shares it. Sticky.
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
    /// Cancels every call that was given this.
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
        // The sender lives in `self`, so waiting ends only when the value turns true.
        let mut watch = self.0.subscribe();
        let _ended = watch.wait_for(|cancelled| *cancelled).await;
    }
}

/// Told of the items of a write before they are sent. The request waits for the answer, and an error keeps it from being sent.
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
    /// `count` items from the index `first` on, counted from 0, are about to be sent.
    ///
    /// # Errors
    /// Any, such as `state`: nothing is sent then, and the items' outcomes are `skipped`.
    async fn before(&self, first: u64, count: u64) -> Result<()>;
}

/// The items of one request of a write, and who wants to know before they go.
pub(crate) struct Announce<'a> {
    pub(crate) gate: &'a dyn Gate,
    pub(crate) first: u64,
    pub(crate) count: u64,
}

/// A request to be sent. Many of a call differ in their bodies alone.
#[derive(Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) head: &'a Parts,
    pub(crate) body: &'a Bytes,
}

/// What a call has cost so far; shared by its requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) wait_ms: AtomicU64,
}

/// One call of a method: what its requests share.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Arc<Operation>,
    pub(crate) cancel: Cancel,
    /// On the clock's monotonic time.
    pub(crate) deadline: Option<Duration>,
    /// Whether a system that is away for a moment is waited for.
    pub(crate) patient: bool,
    pub(crate) tally: Tally,
}
