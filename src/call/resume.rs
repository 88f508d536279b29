//! How far a walk has come: enough to go on in another process. Plain data.

use serde::{Deserialize, Serialize};

use crate::paging::Ledger;
use crate::request::Cursor;

/// How far a walk has come: enough to go on in another process.
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
    /// What the server has announced so far.
    #[serde(default)]
    pub ledger: Ledger,
}
