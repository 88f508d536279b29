//! Tests of batches: `NAME.test.yaml` beside a batch file has cases, each with its data; a case is run in a temporary
//! folder, and what it did is compared with what is expected.

mod command;
mod compare;
mod compare_requests;
mod found;
mod normal;
mod run_case;
mod server;
mod suite;
mod world;

pub(super) use command::run;
pub(super) use suite::{suites, test_file_faults};
