//! `import`: descriptions of APIs as definition files.

mod answers;
mod batches;
mod edits;
mod lock;
mod openapi;
mod report;
mod trial;
mod update;

pub(crate) use openapi::run as openapi;
