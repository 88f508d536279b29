//! A running call of any method.

use crate::receipt::Receipt;
use crate::walk::Walk;
use crate::write::Writes;

/// A running call.
#[expect(clippy::large_enum_variant, reason = "one is held at a time, and moved once")]
pub enum Running {
    /// A query: gives pages.
    Read(Walk),
    /// A write: gives outcomes.
    Write(Writes),
}

impl Running {
    /// The receipt so far.
    pub fn receipt(&mut self) -> &Receipt {
        match self {
            Running::Read(walk) => walk.receipt(),
            Running::Write(writes) => writes.receipt(),
        }
    }
}
