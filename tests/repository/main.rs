//! The repository is consistent: README, examples, list of operations, catalogue of faults, layers.

#[cfg(feature = "cli")]
#[path = "../cleanup/mod.rs"]
#[expect(dead_code, reason = "a part of what it can do is enough here")]
mod cleanup;

mod coverage;
mod documented;
#[cfg(feature = "cli")]
mod examples;
#[cfg(feature = "cli")]
mod readme;
mod reliability;
#[path = "../table/mod.rs"]
mod table;
mod tidy;
