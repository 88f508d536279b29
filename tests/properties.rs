//! Properties that hold for every input, tried with generated ones: walks do not depend on page size and read-ahead, a
//! plan shows what is sent, a stopped and resumed run ends like an uninterrupted one, and JSON keeps its bytes.
//!
//! `PROOFS=2000 cargo test --test properties` tries more. A failure is shrunk, and its seed is added to
//! `tests/properties/*.regressions`, which are tried first.
#![cfg(feature = "batch")]

#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
mod scripted;
#[path = "scripted/signed_in.rs"]
mod signed_in;

#[path = "properties/json.rs"]
mod json;
#[path = "properties/plans.rs"]
mod plans;
#[path = "properties/runs.rs"]
mod runs;
#[path = "properties/walks.rs"]
mod walks;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

/// The path of a file of seeds.
macro_rules! regressions {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/properties/", $name, ".regressions")
    };
}
use regressions;

/// Tries a property with the stored seeds, then with `few` new inputs or the number in `PROOFS`.
fn prove<I: Strategy>(kept: &'static str, few: u32, inputs: &I, property: impl Fn(I::Value)) {
    let cases = std::env::var("PROOFS").ok().and_then(|n| n.parse().ok()).unwrap_or(few);
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(kept))),
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(inputs, |input| {
        property(input);
        Ok(())
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}
