//! The results of the whole matrix as a small table.

use std::collections::BTreeMap;
use std::sync::Mutex;

#[derive(Clone, Copy, Default)]
struct Row {
    points: usize,
    resumes: usize,
    unknown: usize,
}

static ROWS: Mutex<BTreeMap<&'static str, Row>> = Mutex::new(BTreeMap::new());

/// Counts a point that passed: its files were those of the clean run, without loss or duplicates.
pub fn count(kind: &'static str, resumes: usize, unknown: usize) {
    let mut rows = ROWS.lock().unwrap();
    let row = rows.entry(kind).or_default();
    row.points += 1;
    row.resumes += resumes;
    row.unknown += unknown;
}

/// Prints the table. Points that failed are not in it; the trials name them.
pub fn print() {
    let rows = ROWS.lock().unwrap();
    println!("{:<12}{:>8}{:>10}{:>10}{:>9}{:>7}{:>9}", "", "points", "resumes", "equal", "doubled", "lost", "unknown");
    let all = rows.values().fold(Row::default(), |a, b| Row {
        points: a.points + b.points,
        resumes: a.resumes + b.resumes,
        unknown: a.unknown + b.unknown,
    });
    for (kind, row) in rows.iter().chain(std::iter::once((&"all", &all))) {
        println!("{kind:<12}{:>8}{:>10}{:>10}{:>9}{:>7}{:>9}", row.points, row.resumes, row.points, 0, 0, row.unknown);
    }
}
