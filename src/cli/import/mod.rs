//! `import`: descriptions of APIs as definition files.

mod answers;
mod batches;
mod edits;
mod lock;
mod questions;
mod report;
mod run;
mod source;
mod trial;
mod update;

pub(crate) use run::run;
