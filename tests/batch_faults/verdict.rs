//! The conditions that must hold when a run has ended, whatever faults it had.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::server::{REFUSED, key_of};
use crate::world::{ALL, Left, World, wanted};

/// Checks a run without faults against the server's records.
pub fn check_clean(world: &World<'_>) -> Result<Left, String> {
    let left = world.left()?;
    let refused: BTreeSet<String> = REFUSED.map(key_of).into();
    let expect =
        |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("the clean run: {what}: {left:#?}")) };
    expect(left.unknown.is_empty(), "something is unknown")?;
    expect(left.failed.get("make") == Some(&refused), "other items failed than the server refused")?;
    expect(left.failed.get("details") == Some(&["32", "54"].map(String::from).into()), "other elements failed")?;
    expect(
        left.counts.get("details") == Some(&(2, 0)) && left.counts.get("make") == Some(&(2, 0)),
        "the report counts otherwise",
    )?;
    expect(left.list.lines().count() as u64 == crate::server::ITEMS, "rows of the list")?;
    // Two rows for each element that did not fail, two more for each tenth, and the header.
    expect(left.details.lines().count() == 2 * 78 + 2 * 8 + 1, "rows of the details")?;
    expect(left.all.starts_with(ALL) && added(&left) == left.made.lines().count(), "added rows")?;
    // The watermark waits until every item is settled.
    expect(left.watermarks == "{}", "the watermark")?;
    expect(world.records().len() == wanted().len() - refused.len(), "records")?;
    Ok(left)
}

/// Compares with the clean run and counts the created records. Returns the number of unknown items.
pub fn check(world: &World<'_>, clean: &Left) -> Result<usize, String> {
    let left = world.left()?;
    let records = world.records();
    let same =
        |what: &str, left: &str, clean: &str| if left == clean { Ok(()) } else { Err(differs(what, left, clean)) };
    same("list.ndjson", &left.list, &clean.list)?;
    same("details.csv", &left.details, &clean.details)?;
    same("watermarks.json", &left.watermarks, &clean.watermarks)?;
    let without_unknown: String =
        clean.made.split_inclusive('\n').filter(|row| !left.unknown.contains(&key(row))).collect();
    same("made.ndjson", &left.made, &without_unknown)?;
    let is_unknown = |line: &str| left.unknown.iter().any(|key| line.starts_with(&format!("{key},")));
    let without_unknown: String = clean.all.split_inclusive('\n').filter(|line| !is_unknown(line)).collect();
    same("all.csv", &left.all, &without_unknown)?;
    // The next run removes a remaining probe; see the table in disk.rs.
    let leftover_files: Vec<_> = world.leftover_files().into_iter().filter(|p| !p.ends_with(".opnode-probe")).collect();
    if !leftover_files.is_empty() {
        return Err(format!("left behind: {leftover_files:?}"));
    }
    if left.failed.get("details") != clean.failed.get("details") {
        return Err(format!("failed elements: {:?}", left.failed));
    }
    // The numbers in the report match the files.
    for (step, set) in &left.failed {
        let unknown = if step == "make" { left.unknown.len() as u64 } else { 0 };
        if left.counts.get(step) != Some(&(set.len() as u64, unknown)) {
            return Err(format!(
                "the report counts {:?} for {step}, its file has {} failed and {unknown} unknown",
                left.counts.get(step),
                set.len()
            ));
        }
    }
    check_records(&left, &records)?;
    Ok(left.unknown.len())
}

/// Every item has one outcome, and the server agrees with it.
fn check_records(left: &Left, records: &BTreeMap<String, u64>) -> Result<(), String> {
    let refused: BTreeSet<String> = REFUSED.map(key_of).into();
    let failed = left.failed.get("make").cloned().unwrap_or_default();
    let made: BTreeSet<String> = left.made.lines().map(key).collect();
    for key in wanted() {
        let fates = [made.contains(&key), failed.contains(&key), left.unknown.contains(&key)];
        if fates.iter().filter(|f| **f).count() != 1 {
            return Err(format!("{key} is lost or reported twice: created, failed, unknown = {fates:?}"));
        }
        let times = records.get(&key).copied().unwrap_or(0);
        let agrees = match fates {
            [true, ..] => times == 1,
            [_, true, _] => times == 0 && refused.contains(&key),
            _ => times <= 1,
        };
        if !agrees {
            return Err(format!("{key}: made, failed, unknown = {fates:?}, and the server made it {times} times"));
        }
    }
    match records.keys().find(|key| !wanted().contains(*key)) {
        Some(key) => Err(format!("unexpected record {key}")),
        None => Ok(()),
    }
}

/// The number of different rows that were added to the older ones.
pub fn added(left: &Left) -> usize {
    let rows: BTreeSet<&str> = left.all.strip_prefix(ALL).unwrap_or_default().lines().collect();
    rows.len()
}

pub fn key(row: &str) -> String {
    serde_json::from_str::<Value>(row).ok().and_then(|row| Some(row["key"].as_str()?.to_owned())).unwrap_or_default()
}

fn differs(what: &str, left: &str, clean: &str) -> String {
    let lines = (left.lines().count(), clean.lines().count());
    let at = left.lines().zip(clean.lines()).position(|(a, b)| a != b).unwrap_or(lines.0.min(lines.1));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").to_owned();
    format!(
        "{what} differs ({} lines, clean {}) at line {}: {} instead of {}",
        lines.0,
        lines.1,
        at + 1,
        line(left),
        line(clean)
    )
}
