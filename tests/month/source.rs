//! The source of an account: rows that change every day. Each version has a time, and may appear late.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::clock::{DAY, FIRST_DAY, text_of};

/// How late a row may appear: less than the lag of the watermark.
const LATE_MAX: i64 = 540;

/// One state of a row.
#[derive(Clone, Debug)]
pub struct Version {
    pub number: u64,
    /// When it changed, as the source says.
    pub at: i64,
    /// When a reader can see it.
    pub visible: i64,
    pub deleted: bool,
    /// Whether the target refuses it.
    pub wrong: bool,
}

/// The rows of an account, each with its versions in order.
#[derive(Default)]
pub struct Source {
    pub rows: BTreeMap<String, Vec<Version>>,
    next: u64,
}

/// Rows of one page.
const PAGE: usize = 5;

impl Source {
    /// Adds a version to a row, or a new row.
    pub fn change(&mut self, row: Option<&str>, (at, visible): (i64, i64), deleted: bool, wrong: bool) -> String {
        let name = row.map(str::to_owned).unwrap_or_else(|| {
            self.next += 1;
            format!("r{:04}", self.next)
        });
        let versions = self.rows.entry(name.clone()).or_default();
        let number = versions.last().map_or(1, |last| last.number + 1);
        // A later version does not appear before an earlier one.
        let visible = versions.last().map_or(visible, |last| visible.max(last.visible));
        versions.push(Version { number, at, visible, deleted, wrong });
        name
    }

    /// The changes of the 24 hours that begin at 03:00 of a day; the last of them happen while the batch runs.
    pub fn live(&mut self, day: i64, random: &mut fastrand::Rng, wrong: u32) {
        let begin = FIRST_DAY + day * DAY + 3 * 3600;
        let mut times: Vec<i64> = (0..random.usize(3..9)).map(|_| begin + random.i64(0..DAY - 3000)).collect();
        // Some while the batch runs.
        times.extend((0..random.usize(0..3)).map(|_| begin + DAY - 3600 + random.i64(-120..1800)));
        times.sort_unstable();
        for at in times {
            let late = if random.u8(..5) == 0 { random.i64(1..LATE_MAX) } else { 0 };
            // Several changes of one second.
            for _ in 0..if random.u8(..4) == 0 { random.usize(2..5) } else { 1 } {
                self.change_one((at, at + late), random);
            }
        }
        for _ in 0..wrong {
            let at = begin + random.i64(0..DAY - 7200);
            let row = self.changeable(at, random).filter(|_| random.bool());
            self.change(row.as_deref(), (at, at), false, true);
        }
    }

    fn change_one(&mut self, times: (i64, i64), random: &mut fastrand::Rng) {
        let row = self.changeable(times.0, random);
        match (random.u8(..10), row) {
            (0..=4, Some(row)) => drop(self.change(Some(&row), times, false, false)),
            (5, Some(row)) => drop(self.change(Some(&row), times, true, false)),
            _ => drop(self.change(None, times, false, false)),
        }
    }

    /// A row that exists and has no later version.
    fn changeable(&self, at: i64, random: &mut fastrand::Rng) -> Option<String> {
        let fits = |versions: &[Version]| versions.last().is_some_and(|last| !last.deleted && last.at <= at);
        let all: Vec<&String> = self.rows.iter().filter(|(_, versions)| fits(versions)).map(|(name, _)| name).collect();
        (!all.is_empty()).then(|| all[random.usize(..all.len())].clone())
    }

    /// The state of a row at a time.
    pub fn state(&self, row: &str, now: i64) -> Option<&Version> {
        self.rows.get(row)?.iter().rev().find(|version| version.visible <= now)
    }

    /// A page of the rows that changed at or after a time, by time and name; and where the next page starts.
    pub fn page(&self, since: i64, after: Option<(i64, String)>, now: i64) -> (Vec<Value>, Option<String>) {
        let all = self.rows.keys().filter_map(|name| Some((self.state(name, now)?, name)));
        let mut found: Vec<(i64, &String, &Version)> =
            all.filter(|(version, _)| version.at >= since).map(|(version, name)| (version.at, name, version)).collect();
        found.sort_by_key(|(at, name, _)| (*at, *name));
        found.retain(|(at, name, _)| after.as_ref().is_none_or(|after| (*at, *name) > (after.0, &after.1)));
        let next = (found.len() > PAGE).then(|| found.get(PAGE - 1)).flatten();
        let next = next.map(|(at, name, _)| format!("{at}~{name}"));
        found.truncate(PAGE);
        (found.into_iter().map(|(_, name, version)| shown(name, version)).collect(), next)
    }
}

fn shown(name: &str, version: &Version) -> Value {
    json!({
        "ref": name,
        "version": version.number,
        "name": if version.wrong { "?".to_owned() } else { format!("{name} {}", version.number) },
        "updated": text_of(version.at),
        "deleted": version.deleted,
    })
}
