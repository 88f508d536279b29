//! The kill matrix: a run is killed at one of its calls and resumed until it ends; nothing may be lost or duplicated.

use crate::shim::{Call, Fault, KINDS, When};
use crate::world::{Setting, World};
use crate::{Point, table, verdict};

/// Points of the short matrix: for each kind, the number of points.
const SHORT: [(&str, u64); 8] =
    [("open", 4), ("write", 8), ("sync", 6), ("rename", 4), ("truncate", 2), ("unlink", 2), ("mkdir", 1), ("send", 6)];
/// Points of an addition to a file.
const ADDING: u64 = 24;
const MODES: [When; 4] = [When::PowerCut, When::Before, When::Half, When::After];

/// The calls of the short matrix depend on the number of calls of the clean run.
pub fn short() -> Vec<Point> {
    let mut points = Vec::new();
    for (kind, count) in SHORT {
        for number in 0..count {
            let mode = MODES[(number % 4) as usize];
            points.push(Point::new(format!("kill/{kind}/{number}-{mode:?}").to_lowercase(), move |setting, clean| {
                let own: Vec<&Call> = clean.calls.iter().filter(|c| c.kind == kind).collect();
                let at = (own.len().saturating_sub(1) as u64 * number / count.saturating_sub(1).max(1)) as usize;
                let call = own.get(at).ok_or_else(|| format!("a run does nothing of the kind {kind}"))?;
                kill(setting, clean, kind, &[Fault::Kill(mode, call.number)])
            }));
        }
    }
    // From the first call that prepares an addition to a file, to those behind the last.
    for number in 0..ADDING {
        let mode = MODES[(number % 4) as usize];
        points.push(Point::new(format!("kill/adding/{number}-{mode:?}").to_lowercase(), move |setting, clean| {
            let is_added = |call: &&Call| call.path.to_string_lossy().contains("all.csv");
            let mut own = clean.calls.iter().filter(is_added).map(|call| call.number);
            let (first, last) = own.next().zip(own.next_back()).ok_or("a run adds nothing")?;
            let at = first + (last + 3 - first) * number / (ADDING - 1);
            kill(setting, clean, "adding", &[Fault::Kill(mode, at)])
        }));
    }
    // The facts that an element failed and that the next one started are recorded together.
    points.push(Point::new("kill/write/half-of-facts-recorded-together".into(), |setting, clean| {
        let mut calls = clean
            .calls
            .iter()
            .skip_while(|c| !c.path.ends_with("failed/main/details.ndjson"))
            .filter(|c| c.kind == "write");
        let call = calls.find(|c| c.path.ends_with("journal")).ok_or("no element failed")?;
        kill(setting, clean, "write", &[Fault::Kill(When::Half, call.number)])
    }));
    // Repeated kills, each some calls after the run was resumed.
    for (number, steps) in
        [[60, 31, 90, 17, 45, 8], [200, 40, 40, 40, 40, 40], [350, 25, 90, 3, 60, 70]].into_iter().enumerate()
    {
        points.push(Point::new(format!("kill/again-and-again/{number}"), move |setting, clean| {
            let faults: Vec<Fault> =
                steps.iter().enumerate().map(|(n, at)| Fault::Kill(MODES[(n + number) % 4], *at)).collect();
            kill(setting, clean, "again", &faults)
        }));
    }
    points
}

/// Every call of the clean run, in every way; each also with a kill in the resuming run; and at random.
pub fn full(calls: &[Call]) -> Vec<Point> {
    let mut points = Vec::new();
    for call in calls {
        let (number, kind) = (call.number, KINDS.iter().find(|k| call.kind == **k).copied().unwrap_or("other"));
        let modes: &[When] =
            if matches!(kind, "write" | "send") { &MODES } else { &[When::PowerCut, When::Before, When::After] };
        for mode in modes.iter().copied() {
            points.push(Point::new(format!("kill/{kind}/{number}-{mode:?}").to_lowercase(), move |setting, clean| {
                kill(setting, clean, kind, &[Fault::Kill(mode, number)])
            }));
        }
        if number % 4 == 0 {
            points.push(Point::new(format!("kill/resume/{number}"), move |setting, clean| {
                let second = Fault::Kill(MODES[(number / 4 % 4) as usize], 5 + number * 7 % 120);
                kill(setting, clean, "resume", &[Fault::Kill(When::After, number), second])
            }));
        }
    }
    for number in 0..100_u64 {
        points.push(Point::new(format!("kill/random/{number}"), move |setting, clean| {
            let mut chance = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
            let mut next = |below: u64| {
                chance ^= chance << 13;
                chance ^= chance >> 7;
                chance ^= chance << 17;
                chance % below
            };
            let count = 1 + next(6);
            let calls = clean.calls.len() as u64;
            let faults: Vec<Fault> = (0..count)
                .map(|n| Fault::Kill(MODES[next(4) as usize], 1 + next(if n == 0 { calls } else { 150 })))
                .collect();
            kill(setting, clean, "random", &faults)
        }));
    }
    points
}

fn kill(setting: &Setting, clean: &crate::Clean, kind: &'static str, faults: &[Fault]) -> Result<(), String> {
    let world = World::new(setting);
    let told = |e: String| format!("{}: {e}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    let resumes = world.run_to_the_end(faults).map_err(told)?;
    let unknown = verdict::check(&world, &clean.left).map_err(told)?;
    table::count(kind, resumes, unknown);
    Ok(())
}
