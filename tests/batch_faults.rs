//! Fault tolerance of runs: killed at any call, on a failing disk, or with a damaged journal, a run is resumed without
//! loss or duplicates, or refused with a reason. `tests/faults/shim.c` injects the faults into the built binary from
//! outside.
//!
//! By default a subset of all points is tried; `FULL=1 cargo test --test batch_faults` tries all and prints the
//! results.

use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};

#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "batch_faults/damage.rs"]
mod damage;
#[path = "batch_faults/disk.rs"]
mod disk;
#[path = "batch_faults/kills.rs"]
mod kills;
#[path = "batch_faults/retry.rs"]
mod retry;
#[path = "batch_faults/server.rs"]
mod server;
#[path = "batch_faults/shim.rs"]
mod shim;
#[path = "batch_faults/table.rs"]
mod table;
#[path = "batch_faults/verdict.rs"]
mod verdict;
#[path = "batch_faults/world.rs"]
mod world;

use shim::Call;
use world::{Left, Setting, World};

/// A run without faults.
pub struct Clean {
    pub calls: Vec<Call>,
    pub left: Left,
}

type Test = dyn FnOnce(&Setting, &Clean) -> Result<(), String> + Send;

/// A named trial.
pub struct Point {
    name: String,
    test: Box<Test>,
}

impl Point {
    pub fn new(name: String, test: impl FnOnce(&Setting, &Clean) -> Result<(), String> + Send + 'static) -> Point {
        Point { name, test: Box::new(test) }
    }
}

fn main() {
    let mut arguments = Arguments::from_args();
    // A run mostly waits for the server and the disk.
    arguments.test_threads.get_or_insert(8);
    let folder = cleanup::folder();
    let built = shim::build(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let worlds = server::Worlds::default();
    let server = runtime.block_on(server::start(worlds.clone()));
    let is_full = std::env::var_os("FULL").is_some() && built.is_ok();
    let setting = Arc::new(Setting { server, worlds, shim: built.clone().unwrap_or_default() });
    let clean: Arc<OnceLock<Result<Clean, String>>> = Arc::default();
    let points: Vec<Point> = if is_full {
        let calls = &clean.get_or_init(|| run_clean(&setting)).as_ref().unwrap().calls;
        kills::full(calls).into_iter().chain(retry::full()).chain(disk::full(calls)).chain(damage::all()).collect()
    } else {
        kills::short().into_iter().chain(retry::short()).chain(disk::short()).chain(damage::all()).collect()
    };
    let trials = points.into_iter().map(|point| {
        let (setting, clean) = (Arc::clone(&setting), Arc::clone(&clean));
        let kind = built.as_ref().err().map_or("", String::as_str).to_owned();
        let test = move || {
            let clean = clean.get_or_init(|| run_clean(&setting)).as_ref().map_err(Failed::from)?;
            (point.test)(&setting, clean).map_err(Failed::from)
        };
        Trial::test(point.name, test).with_ignored_flag(!kind.is_empty()).with_kind(kind)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if is_full {
        table::print();
    }
    drop(folder);
    conclusion.exit();
}

fn run_clean(setting: &Setting) -> Result<Clean, String> {
    let world = World::new(setting);
    let ended = world.run(None, &[])?;
    if ended.exit != Some(8) {
        return Err(format!("the clean run ended with {:?} instead of `partial`: {}", ended.exit, ended.stderr));
    }
    Ok(Clean { calls: ended.calls, left: verdict::check_clean(&world)? })
}
