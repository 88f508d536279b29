//! Retries of the failed items of an ended run, which are killed too: nothing is duplicated, and a plain `run` ends
//! them.

use std::collections::BTreeSet;

use crate::shim::{Fault, When};
use crate::world::{ALL, Setting, World, wanted};
use crate::{Clean, Point, table, verdict};

const MODES: [When; 4] = [When::After, When::PowerCut, When::Before, When::Half];
/// More calls than such a run makes.
const CALLS: u64 = 110;

pub fn short() -> Vec<Point> {
    (0..8).map(|n| point(3 + n * 12, MODES[(n % 4) as usize])).collect()
}

pub fn full() -> Vec<Point> {
    (1..=CALLS).flat_map(|number| MODES.map(|when| point(number, when))).collect()
}

fn point(number: u64, when: When) -> Point {
    Point::new(format!("kill/retry/{number}-{when:?}").to_lowercase(), move |setting, clean| {
        let fault = Fault::Kill(when, number);
        killed(setting, clean, &fault).map_err(|e| format!("{fault}: {e}"))
    })
}

fn killed(setting: &Setting, clean: &Clean, fault: &Fault) -> Result<(), String> {
    let world = World::new(setting);
    world.run_to_the_end(&[])?;
    world.accept_all();
    let ended = world.run(Some(fault), &["--retry-failed"])?;
    let mut resumes = 0;
    if ended.exit.is_none() && world.has_ended() && world.records().len() < wanted().len() {
        // The retry had not started.
        world.run(None, &["--retry-failed"])?;
    } else if !world.has_ended() {
        resumes = 1 + world.run_to_the_end(&[])?;
    }
    let left = world.left()?;
    let made: BTreeSet<String> = left.made.lines().map(verdict::key).collect();
    if left.made.lines().count() != made.len()
        || made.len() + left.unknown.len() != wanted().len()
        || !left.failed.is_empty()
    {
        return Err(format!(
            "{} rows, of {} items; unknown {:?}, failed {:?}",
            left.made.lines().count(),
            made.len(),
            left.unknown,
            left.failed
        ));
    }
    let lines = left.all.lines().count();
    if verdict::added(&left) != made.len() || lines != made.len() + ALL.lines().count() {
        return Err(format!("all.csv has {lines} lines, {} different new ones", verdict::added(&left)));
    }
    for key in wanted() {
        let times = world.records().get(&key).copied().unwrap_or(0);
        if times > 1 || (made.contains(&key) && times == 0) {
            return Err(format!("the server made {key} {times} times"));
        }
    }
    // All earlier rows, and those of the two elements that failed.
    let (before, now): (BTreeSet<&str>, BTreeSet<&str>) =
        (clean.left.details.lines().collect(), left.details.lines().collect());
    if left.details.lines().count() != now.len() || now.len() != before.len() + 6 || !now.is_superset(&before) {
        return Err(format!("details.csv has {} lines, {} different ones", left.details.lines().count(), now.len()));
    }
    table::count("retry", resumes, left.unknown.len());
    Ok(())
}
