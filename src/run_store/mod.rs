//! What a run keeps: facts in a journal, rows in spools, marks from run to run, and the folder that holds them.

pub(crate) mod disk;
pub(crate) mod extent;
pub(crate) mod failures;
pub(crate) mod folder;
pub(crate) mod held;
pub(crate) mod info;
pub(crate) mod journal;
pub(crate) mod kept;
pub(crate) mod outline;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod spool;
pub(crate) mod state;
pub(crate) mod tail;
pub(crate) mod watermark;
