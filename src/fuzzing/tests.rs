//! The targets with their seeds and random changes of them. `FUZZ_SECONDS=60 cargo test --lib fuzzing` takes longer;
//! `FUZZ_SEED=7` repeats a run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{TARGETS, Target};

/// Maximum processor time per input: a multiple of the second that a fuzzer allows, and more without optimization.
const SLOW: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 5 });

/// Fragments that a change may insert.
const WORDS: [&str; 44] = [
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    "[[[[[[[[",
    "{\"a\":",
    ",",
    ":",
    ";",
    "<",
    ">",
    "\n",
    "\r\n",
    "\t",
    "\u{feff}",
    "\u{2028}",
    "é",
    "1e400",
    "-0",
    "18446744073709551616",
    "null",
    "true",
    "..",
    "//",
    "@",
    "#",
    "?",
    "%2e",
    "${{ ",
    " }}",
    "|",
    "&a ",
    "*a",
    "<<: ",
    "- ",
    "!!",
    "'",
    "rel=next",
    "99999",
    "\0",
];

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(target)).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has no seeds");
    files.iter().map(|f| std::fs::read(f).unwrap()).collect()
}

/// Processor time of this thread, if the system reports it.
fn used() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

fn changed(seeds: &[Vec<u8>], dice: &mut fastrand::Rng) -> Vec<u8> {
    let mut data = dice.choice(seeds).unwrap().clone();
    for _ in 0..dice.usize(1..8) {
        let at = dice.usize(..=data.len());
        let to = dice.usize(at..=data.len().min(at + 40));
        match dice.u8(..8) {
            0 if at < data.len() => data[at] ^= 1 << dice.u8(..8),
            1 => drop(data.drain(at..to)),
            2 => data.truncate(at.max(1)),
            3 => {
                let other = dice.choice(seeds).unwrap();
                let from = dice.usize(..=other.len());
                data.splice(at..to, other[from..].iter().copied());
            }
            4 => {
                let part = data[at..to].repeat(dice.usize(1..50));
                data.splice(at..at, part);
            }
            5 if at < data.len() => data[at] = dice.u8(..),
            _ => {
                let word = dice.choice(WORDS).unwrap();
                data.splice(at..at, word.bytes());
            }
        }
    }
    data.truncate(1 << 16);
    data
}

fn take(target: Target, data: &[u8]) -> Duration {
    let before = used();
    let held = catch_unwind(AssertUnwindSafe(|| target(data)));
    let took = used().saturating_sub(before);
    assert!(held.is_ok(), "this input breaks a promise: b\"{}\"", data.escape_ascii());
    assert!(took < SLOW, "this input takes {took:?}: b\"{}\"", data.escape_ascii());
    took
}

fn run(name: &str) {
    let target = TARGETS.iter().find(|(n, _)| *n == name).unwrap().1;
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let (seconds, seed) =
        (number("FUZZ_SECONDS").unwrap_or(1), number("FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..)));
    let seeds = seeds(name);
    let mut slowest = (Duration::ZERO, Vec::new());
    let mut try_one = |data: Vec<u8>| {
        let took = take(target, &data);
        if took > slowest.0 {
            slowest = (took, data);
        }
    };
    seeds.iter().cloned().for_each(&mut try_one);
    let (mut dice, mut runs, start) = (fastrand::Rng::with_seed(seed), 0u64, Instant::now());
    println!("{name}: FUZZ_SEED={seed}");
    while start.elapsed() < Duration::from_secs(seconds) {
        try_one(changed(&seeds, &mut dice));
        runs += 1;
    }
    let input: String = slowest.1.escape_ascii().to_string().chars().take(300).collect();
    println!("{name}: {} seeds, {runs} changed, the slowest took {:?}: b\"{input}\"", seeds.len(), slowest.0);
}

#[test]
fn every_target_has_a_fuzzer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, TARGETS.map(|(name, _)| name));
}

macro_rules! targets {
    ($($name:ident)*) => { $( #[test] fn $name() { run(stringify!($name)); } )* };
}

targets!(batch c_request definition expression items journal link_header page row_file url);

/// Long chains and deep nesting: refused or evaluated, on a stack as small as those of threads.
#[test]
fn deep_expressions_do_not_end_the_process() {
    let only = std::env::var("ONLY").ok();
    for (name, head, link, tail) in [
        ("attributes", "item", ".a", ""),
        ("sum", "1", "+1", ""),
        ("text", "'a'", " ~ 'a'", ""),
        ("filters", "'a'", "|upper", ""),
        ("tests", "1", " is defined", ""),
        ("calls", "item", "()", ""),
        ("indices", "item", "[0]", ""),
        ("and", "true", " and true", ""),
        ("compare", "1", " < 1", ""),
        ("power", "1", " ** 1", ""),
        ("not", "", "not ", "true"),
        ("minus", "", "-", "1"),
        ("choice", "", "1 if true else ", "1"),
        ("lists", "", "[", "1"),
        ("brackets", "", "(", "1"),
        ("maps", "", "{'a':", "1"),
    ] {
        for count in [30, 100, 149, 400, 3000, 20000] {
            if only.as_deref().is_some_and(|o| o != name) {
                continue;
            }
            for close in ["", "]", ")", "}"] {
                println!("{name} {count} {close}");
                let text = format!("${{{{ {head}{}{tail}{} }}}}", link.repeat(count), close.repeat(count));
                crate::batch::fuzzing::expression(text.as_bytes());
            }
        }
    }
}
