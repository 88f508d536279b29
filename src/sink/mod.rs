//! Destinations of results. Where possible, a result appears only when it is complete.

mod file;

use std::sync::Arc;

use crate::error::Result;
pub(crate) use file::{FileSink, ParkedFile, failed, sync_folder};

/// A destination of bytes.
///
/// A sink that is dropped before [`commit`](Self::commit) keeps the old content if it can: a file can, standard output
/// cannot.
pub trait Sink: Send {
    /// Writes bytes.
    ///
    /// # Errors
    /// `state` when writing fails.
    fn put(&mut self, bytes: &[u8]) -> Result<()>;

    /// Publishes everything that was written, durably.
    ///
    /// # Errors
    /// `state` when it fails; the old content stays if the sink can keep it.
    fn commit(self: Box<Self>) -> Result<()>;
}

/// Opens the host's standard output.
pub type Stdout = Arc<dyn Fn() -> Box<dyn Sink> + Send + Sync>;
