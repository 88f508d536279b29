//! The command line: parse, call, print, exit. The only printing and the only reading of the environment.

mod args;
mod args_call;
mod call;
mod check;
mod check_files;
mod connect;
mod connection;
mod connections;
mod context;
mod describe;
mod diagnose;
mod excerpt;
mod fields;
mod help;
mod input;
mod items;
mod json;
mod list;
mod login;
mod options;
mod output;
mod plain;
mod plan;
mod progress;
mod query;
mod receipt;
mod resolve;
mod sandbox;
mod screen;
mod signals;
mod snippet;
mod start;
mod template;
mod write;

pub use start::main;
