//! The rows of a step in the run folder, on their way to their places.

use super::job_run::JobRun;
use super::run_values;
use crate::error::{Error, FileOwner, Result};
use crate::expression::Scope;
use crate::run_store::{Marks, RowReader, StepPlace};

/// Values of expressions in paths.
pub(super) fn base_scope(job_run: &JobRun<'_>) -> Scope {
    let (context, batch) = (job_run.context, &job_run.context.plan);
    run_values::scope(
        (&batch.vars, &batch.inputs),
        context.effects.environment(),
        job_run.job(),
        &context.info.run,
        &batch.name,
    )
}

/// Rows in the run folder.
pub(super) struct StoredRows {
    pub(super) place: StepPlace,
    pub(super) marks: Marks,
}

/// The rows of the run: what fails to be read is not the fault of the file that is written.
pub(super) struct RunRows(pub(super) Box<dyn RowReader>);

impl RowReader for RunRows {
    fn next_row(&mut self) -> Result<Option<&str>> {
        self.0.next_row().map_err(|e| e.of_files(FileOwner::Run))
    }

    fn skip_row(&mut self) -> Result<usize> {
        self.0.skip_row().map_err(|e| e.of_files(FileOwner::Run))
    }

    fn pieces(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut written = |bytes: &[u8]| each(bytes).map_err(of_user);
        self.0.pieces(&mut written).map_err(|e| e.of_files(FileOwner::Run))
    }
}

/// An error about a file of the user.
pub(super) fn of_user(error: Error) -> Error {
    error.of_files(FileOwner::User)
}
