//! The command line. Only this module prints and reads the environment.

mod app;
mod args;
mod batch;
mod batch_test;
mod call;
mod catalog;
mod check;
mod completion;
mod connections;
mod connector;
mod errors;
mod generated;
mod guide;
mod import;
mod items;
mod listing;
mod messages;
mod new_files;
#[cfg(not(feature = "otel"))]
mod no_telemetry;
mod output;
mod preview;
mod recording;
mod schedule;
mod screen;
#[cfg(feature = "studio")]
mod service;
mod signals;
mod spinner;
mod start;
#[cfg(feature = "studio")]
mod studio;
#[cfg(feature = "otel")]
mod telemetry;
mod test_command;
mod trace;

pub use start::main;
