//! Random damage to the folder of a killed run: flipped bits, zeroed ranges, truncated files, swapped parts, files of
//! another run or time. The run is resumed or refused; the requests to the system are counted. No item may be sent
//! twice, silently left out or sent with another value, and no file may be saved with other rows.
//!
//! `FULL=1 cargo test --test damage` tries 10,000 (`DAMAGES=n` another number). The seed is printed, and `SEED=n`
//! repeats it.
#![cfg(feature = "batch")]

#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "damage/harm.rs"]
mod harm;
#[path = "damage/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use opnode::ErrorKind;
use world::{Image, SHAPES, Story};

/// The results of the runs.
#[derive(Default)]
struct Sums {
    twice: u64,
    skipped: u64,
    changed: u64,
    /// By kind of damage: refused at the start, refused in the middle, resumed and all done, resumed with items
    /// reported as unknown.
    ends: BTreeMap<&'static str, [u64; 4]>,
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

#[test]
fn damage_never_causes_duplicate_or_missing_requests() {
    let is_full = std::env::var_os("FULL").is_some();
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..) >> 1);
    let damages = number("DAMAGES").unwrap_or(if is_full { 10_000 } else { 120 });
    println!("seed {seed}, {damages} damages");
    let folder = cleanup::folder_in_memory();
    let mut dice = fastrand::Rng::with_seed(seed);
    // Two runs of each batch, because some damages use files of another run.
    let rounds = if is_full { 6 } else { 1 };
    let stories: Vec<[Story; 2]> = (0..rounds * SHAPES.len())
        .map(|n| {
            [0, 1].map(|which| {
                Story::live(&folder.path().join(format!("story-{n}-{which}")), &SHAPES[n % SHAPES.len()], dice.u64(..))
            })
        })
        .collect();
    for story in stories.iter().flatten() {
        assert!(story.images.len() > 5, "{} was looked at {} times only", story.shape.name, story.images.len());
        // Without damage each of them is resumed.
        for image in &story.images {
            let end = story.go_on_whole(image, &folder.path().join("whole"));
            let is_well = end.error.as_ref().is_none_or(|e| e.kind() == ErrorKind::UnknownOutcome);
            assert!(
                is_well && (end.twice, end.skipped, end.changed) == (0, 0, 0),
                "{} at {}: {end:?}",
                story.shape.name,
                image.moment
            );
        }
    }
    let (sums, next) = (Mutex::new(Sums::default()), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (stories, sums, next, folder) =
                (&stories, &sums, &next, folder.path().join(format!("worker-{worker}")));
            scope.spawn(move || {
                loop {
                    let trial = next.fetch_add(1, Ordering::Relaxed);
                    if trial >= damages {
                        return;
                    }
                    one(stories, seed, trial, &folder, sums);
                }
            });
        }
    });
    let sums = sums.into_inner().unwrap();
    print(&sums);
    assert_eq!(
        (sums.twice, sums.skipped, sums.changed),
        (0, 0, 0),
        "SEED={seed} repeats it; the trials are named above"
    );
    // If all or none are refused, the test shows little.
    let total = |place: usize| sums.ends.values().map(|row| row[place]).sum::<u64>();
    assert!(
        total(0) > damages / 5 && total(2) + total(3) > damages / 50,
        "refused {}, gone on {}",
        total(0),
        total(2) + total(3)
    );
}

fn one(stories: &[[Story; 2]], seed: u64, trial: u64, folder: &Path, sums: &Mutex<Sums>) {
    let mut dice = fastrand::Rng::with_seed(seed ^ trial.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    // Repeats until something has changed.
    let (story, image, harm) = loop {
        let pair = &stories[dice.usize(..stories.len())];
        let which = dice.usize(..2);
        let story = &pair[which];
        let at = dice.usize(..story.images.len());
        let image: &Image = &story.images[at];
        let _none_before_the_first = std::fs::remove_dir_all(folder);
        world::copy(&image.folder, folder);
        if let Some(harm) = harm::any(&mut dice, folder, &story.images[..at], &pair[1 - which].images) {
            break (story, image, harm);
        }
    };
    let end = story.go_on(image, folder);
    let told = |what: &str| {
        println!("trial {trial} of SEED={seed}: {what}: {} at {}: {harm:?}: {:?}", story.shape.name, image.moment, end)
    };
    let mut sums = sums.lock().unwrap();
    let place = match &end.error {
        Some(error) if error.kind() == ErrorKind::State => usize::from(end.begun),
        None => 2,
        Some(error) if error.kind() == ErrorKind::UnknownOutcome => 3,
        Some(_) => {
            told("it ends otherwise");
            panic!("it ends otherwise");
        }
    };
    sums.ends.entry(harm.kind).or_default()[place] += 1;
    for (bad, what) in [(end.twice, "sent twice"), (end.skipped, "left out"), (end.changed, "with another value")] {
        if bad > 0 {
            told(what);
        }
    }
    sums.twice += end.twice;
    sums.skipped += end.skipped;
    sums.changed += end.changed;
}

fn print(sums: &Sums) {
    println!("{:<10}{:>10}{:>16}{:>10}{:>14}", "damage", "refused", "in the middle", "gone on", "with unknown");
    let mut all = [0; 4];
    for (kind, row) in &sums.ends {
        println!("{kind:<10}{:>10}{:>16}{:>10}{:>14}", row[0], row[1], row[2], row[3]);
        all.iter_mut().zip(row).for_each(|(all, n)| *all += n);
    }
    println!("{:<10}{:>10}{:>16}{:>10}{:>14}", "all", all[0], all[1], all[2], all[3]);
    println!(
        "items sent twice: {}, left out in silence: {}, sent or saved with another value: {}",
        sums.twice, sums.skipped, sums.changed
    );
}
