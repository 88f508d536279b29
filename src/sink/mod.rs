//! Where results go. Nothing appears before it is whole, where the place allows it.

mod file;

use std::sync::Arc;

use crate::error::Result;
pub(crate) use file::{FileSink, failed, sync_folder};

/// Takes bytes and makes them appear.
///
/// A sink that is dropped before [`commit`](Self::commit) leaves what was there before, where its place can keep it: a file does, a standard output
/// does not.
pub trait Sink: Send {
    /// Takes more bytes.
    ///
    /// # Errors
    /// `state` when the place does not take them.
    fn put(&mut self, bytes: &[u8]) -> Result<()>;

    /// Makes all of it appear, durably.
    ///
    /// # Errors
    /// `state` when it cannot; what was there before is untouched, where the place can keep it.
    fn commit(self: Box<Self>) -> Result<()>;
}

/// Opens a host's standard output.
pub type Stdout = Arc<dyn Fn() -> Box<dyn Sink> + Send + Sync>;
