//! A run folder that is only read: for plans and lists. No lock is taken.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::info::RunInfo;
use super::recall::recall;
use super::run_folder::{rows_of, shared_rows_of};
use crate::error::Result;
use crate::run_store::extent::Extent;
use crate::run_store::state::RunState;
use crate::run_store::store::{RowIndex, RowReader, RowStore, SharedRows, StepPlace};

/// A folder with a run.
pub(crate) struct FolderView {
    pub(crate) root: PathBuf,
    /// Its inputs; for display only.
    pub(crate) info: RunInfo,
    pub(crate) state: RunState,
}

impl FolderView {
    /// Reads a folder; `None` if it has no run.
    ///
    /// # Errors
    /// `state` when its journal cannot be read or is damaged.
    pub(crate) fn read(root: &Path) -> Result<Option<FolderView>> {
        let (found, state) = recall(&root.join("journal"))?;
        if found.facts == 0 {
            return Ok(None);
        }
        let info = RunInfo::look(root).unwrap_or_default();
        Ok(Some(FolderView { root: root.to_owned(), info, state }))
    }

    /// Its rows.
    pub(crate) fn rows(&self) -> Arc<dyn RowStore> {
        Arc::new(ViewRows(self.root.clone()))
    }
}

struct ViewRows(PathBuf);

impl RowStore for ViewRows {
    fn rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Result<Box<dyn RowReader>> {
        rows_of(&self.0, step, marks)
    }

    fn shared_rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Arc<dyn SharedRows> {
        shared_rows_of(&self.0, step, marks)
    }

    /// Nothing is written for a plan.
    fn index(&self, _: &StepPlace, _: Arc<[Extent]>, _: &[String]) -> Result<Option<Arc<dyn RowIndex>>> {
        Ok(None)
    }
}
