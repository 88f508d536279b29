//! Simulated months: 30 nights of a batch of 6 steps and 5 accounts, with random faults, on a movable clock. At the end no
//! change of the source is missing at the target, none is doubled, and every item that needs a person is listed.
//!
//! By default two months; `MONTHS=200 cargo test --test month -- --nocapture` runs more and prints what happened;
//! `SEED=n` repeats one month and tells each start. `examples/simulated-month.sh` does both.
#![cfg(all(feature = "cli", target_os = "linux"))]

use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Failed, Trial};

#[path = "month/attempt.rs"]
mod attempt;
#[path = "month/batch.rs"]
mod batch;
#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "month/clock.rs"]
mod clock;
#[path = "month/fault.rs"]
mod fault;
#[path = "month/month.rs"]
mod month;
#[path = "month/person.rs"]
mod person;
#[path = "batch_faults/shim.rs"]
#[expect(dead_code, reason = "only a part of it is used here")]
mod shim;
#[path = "month/source.rs"]
mod source;
#[path = "month/system.rs"]
mod system;
#[path = "month/target.rs"]
mod target;
#[path = "month/verdict.rs"]
mod verdict;
#[path = "month/wire.rs"]
mod wire;

use month::{Month, Table};

/// The months of the normal suite.
const SEEDS: [u64; 2] = [1, 2];

fn main() {
    if let Ok(told) = std::env::var(attempt::CHILD) {
        return attempt::be_child(&told);
    }
    let arguments = Arguments::from_args();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds: Vec<u64> = match (number("SEED"), number("MONTHS")) {
        (Some(seed), None) => vec![seed],
        (seed, Some(months)) => (0..months).map(|n| seed.unwrap_or(1) + n).collect(),
        (None, None) => SEEDS.to_vec(),
    };
    let folder = cleanup::folder();
    let shim = shim::build(folder.path()).ok();
    let tables: Arc<Mutex<Vec<Table>>> = Arc::default();
    let trials = seeds.into_iter().map(|seed| {
        let (tables, shim) = (Arc::clone(&tables), shim.clone());
        Trial::test(format!("seed {seed}"), move || {
            let own = cleanup::folder_in_memory();
            let mut month = Month::new(seed, own.path(), shim.as_deref());
            let faults = month.run();
            if !faults.is_empty() && std::env::var_os("KEEP").is_some() {
                println!("SEED={seed}: {}", own.keep().display());
            }
            tables.lock().unwrap().push(month.table.clone());
            if faults.is_empty() {
                return Ok(());
            }
            let told = format!("SEED={seed} {:?}\n{}", month.place.shape, faults.join("\n"));
            // A run of many months takes long.
            eprintln!("{told}");
            Err(Failed::from(told))
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    print(&tables.lock().unwrap());
    drop(folder);
    conclusion.exit();
}

/// Prints what happened in all months.
fn print(tables: &[Table]) {
    let sum = |of: &dyn Fn(&Table) -> u64| tables.iter().map(of).sum::<u64>();
    println!("{} months; starts by fault and end:", tables.len());
    let kinds: std::collections::BTreeSet<String> =
        tables.iter().flat_map(|table| table.ends.keys().map(|(_, end)| end.clone())).collect();
    let shown = |name: &str| {
        let times = kinds.iter().map(|kind| {
            let key = (name.to_owned(), kind.clone());
            (kind, sum(&|table| table.ends.get(&key).copied().unwrap_or_default()))
        });
        times
            .filter(|(_, times)| *times > 0)
            .map(|(kind, times)| format!("{kind} {times}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for name in fault::NAMES.iter().chain(&["none"]) {
        println!("  {name:12} {}", shown(name));
    }
    println!("rows {}, versions {}", sum(&|t| t.rows), sum(&|t| t.versions));
    println!("requests {}, writes {}", sum(&|t| t.requests), sum(&|t| t.writes));
    println!(
        "identical updates that were sent again {}, deletes of what was gone {}",
        sum(&|t| t.same_stamps),
        sum(&|t| t.gone)
    );
    println!("healthy accounts in the morning {}, of them complete {}", sum(&|t| t.mornings), sum(&|t| t.complete));
    println!(
        "a person settled {} items, sent {} again, could not send {}, and compared source and target {} times",
        sum(&|t| t.settled),
        sum(&|t| t.resent),
        sum(&|t| t.not_resent),
        sum(&|t| t.repaired),
    );
    println!(
        "at the end: {} failed and {} unknown items are listed; missing and listed {}",
        sum(&|t| t.left.0 as u64),
        sum(&|t| t.left.1 as u64),
        sum(&|t| t.missing_listed),
    );
}
