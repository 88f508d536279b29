//! A call under way, of whichever method.

use crate::receipt::Receipt;
use crate::walk::Walk;
use crate::write::Writes;

/// A call under way.
#[expect(clippy::large_enum_variant, reason = "one is held at a time, and moved once")]
pub enum Running {
    /// Pages come.
    Read(Walk),
    /// Outcomes come.
    Write(Writes),
}

impl Running {
    /// What was done so far.
    pub fn receipt(&mut self) -> &Receipt {
        match self {
            Running::Read(walk) => walk.receipt(),
            Running::Write(writes) => writes.receipt(),
        }
    }
}
