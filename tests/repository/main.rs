//! What the repository says about itself is so: its README, its examples, its list of operations, its catalogue of faults, its layers.

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
