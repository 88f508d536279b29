//! What holds for every input, tried with made-up ones: walks do not depend on page size and read-ahead, a plan is what is sent, a run that was
//! stopped ends as one that was not, and JSON keeps its bytes from server to server.
//!
//! `PROOFS=2000 cargo test --test properties` tries more; a failure names the seed that repeats it: `PROOF_SEED=7 PROOFS=1`.
#![cfg(feature = "batch")]

mod scripted;

#[path = "properties/json.rs"]
mod json;
#[path = "properties/plans.rs"]
mod plans;
#[path = "properties/runs.rs"]
mod runs;
#[path = "properties/walks.rs"]
mod walks;

/// Tries a property with one seed after the other.
fn prove(name: &str, few: u64, property: impl Fn(&mut fastrand::Rng)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let first = number("PROOF_SEED").unwrap_or_else(|| fastrand::u64(..) >> 1);
    let count = number("PROOFS").unwrap_or(few);
    for seed in first..first + count {
        let tried =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| property(&mut fastrand::Rng::with_seed(seed))));
        if let Err(why) = tried {
            eprintln!("{name} does not hold: PROOF_SEED={seed} PROOFS=1 repeats it");
            std::panic::resume_unwind(why);
        }
    }
    println!("{name}: {count} times from seed {first}");
}
