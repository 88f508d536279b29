//! What is missing at the targets, and which items are listed as needing a person.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use opnode::OutcomeStatus;
use opnode::batch::{LeftItem, left_items};
use serde_json::Value;

use super::batch::NAME;
use super::clock::{text_of, time_of};
use super::system::{ACCOUNTS, Account, System};
use super::target::{number, text};

/// What a source demands of a target: the list, the row and its version.
pub type Demand = (&'static str, String, u64);

/// The items of an account that need a person.
#[derive(Default)]
pub struct Listed {
    pub named: BTreeSet<Demand>,
    /// Number of items without content, by list.
    pub unnamed: BTreeMap<&'static str, usize>,
    pub items: Vec<LeftItem>,
}

/// The list that a step writes.
pub fn list_of(step: &str) -> &'static str {
    match step.split("__").next().unwrap_or_default() {
        "stamps" => "stamps",
        "removed" => "removed",
        "events" => "events",
        "changed" => "changed",
        _ => "records",
    }
}

/// The row and the version of an item, if its content is known.
pub fn content(item: &LeftItem, account: &Account) -> Option<(String, u64, Value)> {
    let body: Value = serde_json::from_str(item.item.as_ref()?.get()).ok()?;
    let id = body["id"].as_u64();
    let owner = |own: &[super::target::Record]| own.iter().any(|record| Some(record.id) == id);
    let by_id = account.target.records.iter().find(|(_, own)| owner(own)).map(|(name, _)| name.clone());
    let name = Some(text(&body, "ref")).filter(|name| !name.is_empty()).or(by_id)?;
    let version = number(&body, "version");
    Some((name, version, body))
}

pub fn listed(folder: &Path, system: &System) -> BTreeMap<String, Listed> {
    let mut found: BTreeMap<String, Listed> =
        ACCOUNTS.iter().map(|name| ((*name).to_owned(), Listed::default())).collect();
    for item in left_items(&folder.join(".opnode/runs")).unwrap() {
        let account = &system.accounts[&item.job];
        let own = found.get_mut(&item.job).unwrap();
        match content(&item, account) {
            Some((name, version, _)) => drop(own.named.insert((list_of(&item.step), name, version))),
            None => *own.unnamed.entry(list_of(&item.step)).or_default() += 1,
        }
        own.items.push(item);
    }
    found
}

/// What is missing at the target of an account, of the rows that were visible then.
pub fn missing(account: &Account, is_upsert: bool, then: i64, now: i64) -> Vec<Demand> {
    let mut found = Vec::new();
    let target = &account.target;
    for name in account.source.rows.keys() {
        let Some(version) = account.source.state(name, then) else { continue };
        let number = version.number;
        let mut lacks = |list: &'static str, lacks: bool| {
            if lacks {
                found.push((list, name.clone(), number));
            }
        };
        let record = target.records.get(name).and_then(|own| own.last());
        let is_deleted = account.source.state(name, now).is_some_and(|version| version.deleted);
        if is_upsert && (version.deleted || is_deleted) {
            lacks("removed", version.deleted && record.is_some());
            continue;
        }
        // Only the state of the moment of the reading is written.
        let has = |all: &BTreeMap<String, u64>| {
            let first = format!("{name}@");
            let own = all.range(first.clone()..).take_while(|(key, _)| key.starts_with(&first));
            own.filter_map(|(key, _)| key.strip_prefix(&first)?.parse::<u64>().ok()).any(|own| own >= number)
        };
        lacks("stamps", target.stamps.get(name).is_none_or(|stamp| *stamp < number));
        if is_upsert {
            // A later version has deleted it since.
            let is_gone = target.deleted.contains(name);
            lacks("records", !is_gone && record.is_none_or(|record| record.version < number));
        } else {
            lacks("records", !has(&target.changes));
            lacks("events", !has(&target.events));
        }
    }
    found
}

/// Of what is missing, what is not listed either.
pub fn forgotten(missing: Vec<Demand>, listed: &Listed) -> Vec<Demand> {
    let mut unnamed = listed.unnamed.clone();
    let mut left = missing;
    left.retain(|demand| {
        let later = (demand.0, demand.1.clone(), u64::MAX);
        if listed.named.range(demand.clone()..=later).next().is_some() {
            return false;
        }
        match unnamed.get_mut(demand.0).filter(|count| **count > 0) {
            Some(count) => {
                *count -= 1;
                false
            }
            None => true,
        }
    });
    left
}

/// Writes that took effect without a reply, are not listed, and that nobody has settled.
pub fn unlisted(name: &str, account: &Account, listed: &Listed, settled: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut found = Vec::new();
    let mut unnamed: usize = listed.unnamed.values().sum();
    for (kind, key) in &account.lost {
        let (row, version) = key.split_once('@').unwrap_or((key, "0"));
        let list = if kind == "events" { "events" } else { "records" };
        let demand = (list, row.to_owned(), version.parse().unwrap_or_default());
        if listed.named.contains(&demand) || settled.contains(&(name.to_owned(), format!("{list} {key}"))) {
            continue;
        }
        if unnamed > 0 {
            unnamed -= 1;
            continue;
        }
        found.push(format!("the unknown outcome of {kind} {key} is not listed"));
    }
    found
}

/// The watermark of an account has not passed an item that is left, but for its lag.
pub fn passed(folder: &Path, name: &str, account: &Account, listed: &Listed) -> Vec<String> {
    let path = folder.join(".opnode/runs").join(NAME).join("jobs").join(name).join("watermarks.json");
    let Ok(bytes) = std::fs::read(&path) else { return Vec::new() };
    let kept: Value = serde_json::from_slice(&bytes).unwrap();
    let Some(mark) = kept["marks"][format!("{name}/changed")].as_str() else { return Vec::new() };
    let at = |item: &LeftItem| {
        let (_, _, body) = content(item, account)?;
        let at = Some(text(&body, "at")).filter(|at| !at.is_empty()).unwrap_or_else(|| text(&body, "updated"));
        Some(time_of(&at)).filter(|at| *at > i64::MIN)
    };
    let is_passed = |item: &&LeftItem| at(item).is_some_and(|at| time_of(mark) > at + 600);
    let told = |item: &LeftItem| {
        let at = text_of(at(item).unwrap_or_default());
        format!("the watermark {mark} is past an item of {} that changed at {at}: {:?}", item.step, item.item)
    };
    listed.items.iter().filter(is_passed).map(told).collect()
}

/// Number of items by status.
pub fn count(listed: &BTreeMap<String, Listed>) -> (usize, usize) {
    let items = || listed.values().flat_map(|own| &own.items);
    let failed = items().filter(|item| item.status == OutcomeStatus::Failed).count();
    (failed, items().count() - failed)
}
