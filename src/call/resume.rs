//! The progress of a walk, from which another process can resume. Plain data.

use serde::{Deserialize, Serialize};

use crate::paging::Ledger;
use crate::request::Cursor;

/// The progress of a walk, from which another process can resume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Where the next page starts.
    pub cursor: Cursor,
    /// Pages delivered.
    pub pages: u64,
    /// Items delivered.
    pub rows: u64,
    /// Rows of the largest page.
    pub largest: u64,
    /// The server's announcements so far.
    #[serde(default)]
    pub ledger: Ledger,
}
