//! What a run knows of the rows that it has added to the end of a file. Pure.

use super::fact::AddedRows;

/// Rows of a step at the end of a file.
#[derive(Clone, Debug)]
pub(crate) struct Addition {
    pub(crate) rows: AddedRows,
    /// Whether all of them are in the file.
    pub(crate) is_whole: bool,
    /// Whether the step has run again since, so that they may differ from its rows.
    pub(crate) is_outdated: bool,
}

impl Addition {
    /// Whether the rows are in the file, and are those of the step.
    pub(crate) fn is_current(&self) -> bool {
        self.is_whole && !self.is_outdated
    }
}
