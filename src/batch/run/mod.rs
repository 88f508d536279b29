//! A run of a batch: jobs side by side, their steps in order, and the rows of each step into their file.

mod again;
mod batch_run;
mod job;
mod job_run;
pub(super) mod run_values;
mod save_step;
mod stored_rows;
mod table_step;
mod watermarks;

pub use batch_run::{Run, RunOptions};
