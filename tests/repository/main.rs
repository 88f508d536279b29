//! The repository is consistent: README, examples, list of operations, catalogue of faults, layers.

#[cfg(feature = "cli")]
#[path = "../cleanup/mod.rs"]
#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;

mod connectors_guide;
mod coverage;
mod documented;
#[cfg(feature = "cli")]
mod examples;
#[cfg(feature = "cli")]
mod readme;
mod reliability;
mod search;
#[cfg(feature = "cli")]
#[path = "../server/mod.rs"]
#[expect(dead_code, unused_imports, reason = "only a part of it is used here")]
mod server;
#[cfg(feature = "cli")]
mod system;
#[path = "../table/mod.rs"]
mod table;
mod tidy;
