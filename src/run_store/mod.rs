//! What a run keeps: facts in a journal, rows by step, watermarks from run to run.
//!
//! A run reaches all of it through the traits of `store.rs`; `folder.rs` is the store on this machine's disk, and the only part that a run names is how it
//! is opened. `state.rs` rebuilds what a run has done from its facts, for any store.

pub(crate) mod disk;
pub(crate) mod extent;
pub(crate) mod fact;
mod failures;
pub(crate) mod folder;
pub(crate) mod held;
pub(crate) mod info;
pub(crate) mod journal;
pub(crate) mod kept;
pub(crate) mod outline;
mod rows;
pub(crate) mod runs;
mod spool;
pub(crate) mod state;
pub(crate) mod store;
mod tail;
pub(crate) mod watermark;
