//! What the steps of one job share.

use tokio::sync::Semaphore;

use crate::batch::event::StepName;
use crate::batch::run_plan::{MatrixJob, Step};
use crate::batch::step::Context;
use crate::run_store::{StepPlace, Watermarks};

/// Context that a job's steps share.
pub(super) struct JobRun<'r> {
    pub(super) context: &'r Context,
    pub(super) permits: &'r Semaphore,
    pub(super) watermarks: &'r Watermarks,
}

impl JobRun<'_> {
    pub(super) fn job(&self) -> &MatrixJob {
        self.context.job()
    }

    pub(super) fn place(&self, step: &Step) -> StepPlace {
        StepPlace { job: self.job().name.clone(), step: step.id.clone() }
    }

    pub(super) fn name(&self, step: &Step) -> StepName {
        StepName { job: self.job().name.clone(), step: step.id.clone() }
    }
}
