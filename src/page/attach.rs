//! Puts related records, which a reply has in another list, into the items. Pure.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::item_text::{ItemText, put_with};
use super::model::PageLimits;
use crate::definition::{AttachRule, ResponseRule};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Item, Items};
use crate::reply::scan::Scan;

/// The items with their related records; counts, for each field, the keys without a record.
pub(super) fn attach(
    rule: &ResponseRule,
    related: &[Option<String>],
    items: &Items,
    limits: PageLimits,
    unattached: &mut Vec<u64>,
) -> Result<Items> {
    let mut tables = Vec::new();
    for (attach, list) in rule.attach.iter().zip(related) {
        tables.push(table(attach, list.as_deref().unwrap_or_default())?);
    }
    unattached.resize(tables.len(), 0);
    let mut out = ItemText::new(limits);
    for item in items.iter() {
        if !item.as_str().starts_with('{') {
            out.add(|out| out.push_str(item.as_str()))?;
            continue;
        }
        let mut added: Vec<(&str, String)> = Vec::new();
        for ((attach, records), missing) in rule.attach.iter().zip(&tables).zip(unattached.iter_mut()) {
            added.push((&attach.field, found(item, attach, records, missing)));
        }
        let added: Vec<(&str, &str)> = added.iter().map(|(name, value)| (*name, value.as_str())).collect();
        out.add(|out| put_with(out, item.as_str(), &[], &added))?;
    }
    Ok(out.finish())
}

/// The related records by key. Of records with the same key, the first counts.
fn table<'t>(rule: &AttachRule, list: &'t str) -> Result<HashMap<String, &'t str>> {
    let mut records = HashMap::new();
    let mut add = |raw: &'t str| {
        if let Some(key) = Item::new(raw).raw(rule.key.tokens()).and_then(key_text) {
            records.entry(key).or_insert(raw);
        }
    };
    match list.as_bytes().first() {
        None | Some(b'n') => {}
        Some(b'[') => {
            let read = Scan::new(list).elements(0, |from, to| {
                list.get(from..to).into_iter().for_each(&mut add);
                Ok(())
            });
            read.map_err(|_| Error::new(ErrorKind::Internal, "a list cannot be read a second time"))?;
        }
        Some(b'{') => add(list),
        Some(_) => {
            let message = format!("`{}` in the reply: expected a list, found a single value", rule.from);
            return Err(Error::new(ErrorKind::BadResponse, message));
        }
    }
    Ok(records)
}

/// The field of an item, as JSON.
fn found(item: Item<'_>, rule: &AttachRule, records: &HashMap<String, &str>, missing: &mut u64) -> String {
    let mut one = |raw: &str| {
        let record = key_text(raw).and_then(|key| records.get(&key));
        *missing += u64::from(record.is_none());
        (*record.unwrap_or(&"null")).to_owned()
    };
    match item.raw(rule.by.tokens()) {
        None | Some("null") => "null".to_owned(),
        Some(list) if list.starts_with('[') => {
            let keys: Vec<&RawValue> = serde_json::from_str(list).unwrap_or_default();
            format!("[{}]", keys.iter().map(|key| one(key.get())).collect::<Vec<_>>().join(","))
        }
        Some(key) => one(key),
    }
}

/// A key as text: `7` and `"7"` are the same key. Objects and lists are none.
fn key_text(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(raw.to_owned()),
    }
}
