//! `import`: descriptions of APIs as definition files.

mod openapi;
mod report;

pub(crate) use openapi::run as openapi;
