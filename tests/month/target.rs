//! The target of an account: it counts each write by key and version.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// What is wrong with the writes that it has received, and what is only worth counting.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub creates: u64,
    pub updates: u64,
    pub stamps: u64,
    pub deletes: u64,
    pub changes: u64,
    pub events: u64,
    pub summaries: u64,
    /// Identical updates of an operation that can be repeated.
    pub same_stamps: u64,
    /// Deletes of what was not there.
    pub gone: u64,
}

/// A record as it is now.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: u64,
    pub version: u64,
    /// All its fields.
    fields: Value,
}

/// The records of an account.
#[derive(Default)]
pub struct Target {
    /// By reference; several if one was created twice.
    pub records: BTreeMap<String, Vec<Record>>,
    pub stamps: BTreeMap<String, u64>,
    /// How often each change and each event was added.
    pub changes: BTreeMap<String, u64>,
    pub events: BTreeMap<String, u64>,
    /// Updates that can not be repeated, by reference and version.
    updates: BTreeMap<(String, u64), u64>,
    pub deleted: BTreeSet<String>,
    pub counts: Counts,
    /// Writes that must not happen.
    pub faults: Vec<String>,
    next: u64,
}

/// A reply: status and body.
type Answer = (u16, Value);

impl Target {
    pub fn find(&self, name: &str) -> Answer {
        let found = self.records.get(name).into_iter().flatten();
        (200, found.map(|record| record.fields.clone()).collect())
    }

    pub fn find_change(&self, key: &str) -> Answer {
        (200, self.changes.get(key).into_iter().map(|_| json!({ "key": key })).collect())
    }

    /// Creates a record. It does not check whether there is one.
    pub fn create(&mut self, body: &Value) -> Answer {
        let name = text(body, "ref");
        self.next += 1;
        self.counts.creates += 1;
        let mut fields = body.clone();
        fields["id"] = self.next.into();
        let record = Record { id: self.next, version: number(body, "version"), fields };
        let own = self.records.entry(name.clone()).or_default();
        own.push(record.clone());
        if own.len() > 1 {
            self.faults.push(format!("{name} was created twice"));
        }
        if self.deleted.contains(&name) {
            self.faults.push(format!("{name} was created after it was deleted"));
        }
        (201, record.fields)
    }

    pub fn update(&mut self, id: u64, body: &Value) -> Answer {
        let version = number(body, "version");
        let found = self.records.iter_mut().find_map(|(name, own)| Some((name, own.iter_mut().find(|r| r.id == id)?)));
        let Some((name, record)) = found else { return missing() };
        self.counts.updates += 1;
        let times = self.updates.entry((name.clone(), version)).or_default();
        *times += 1;
        if *times > 1 {
            self.faults.push(format!("{name} was changed to version {version} {times} times"));
        }
        if version < record.version {
            self.faults.push(format!("{name} went back from version {} to {version}", record.version));
        }
        record.version = version;
        for (field, value) in body.as_object().into_iter().flatten() {
            record.fields[field] = value.clone();
        }
        (200, record.fields.clone())
    }

    pub fn stamp(&mut self, name: &str, body: &Value) -> Answer {
        let version = number(body, "version");
        self.counts.stamps += 1;
        let before = self.stamps.insert(name.to_owned(), version);
        self.counts.same_stamps += u64::from(before == Some(version));
        if let Some(before) = before.filter(|before| *before > version) {
            self.faults.push(format!("the stamp of {name} went back from version {before} to {version}"));
        }
        (200, json!({ "ref": name, "version": version }))
    }

    pub fn delete(&mut self, name: &str) -> Answer {
        self.deleted.insert(name.to_owned());
        if self.records.remove(name).is_none() {
            self.counts.gone += 1;
            return missing();
        }
        self.counts.deletes += 1;
        (204, Value::Null)
    }

    pub fn add_change(&mut self, body: &Value) -> Answer {
        self.counts.changes += 1;
        add(&mut self.changes, "change", &mut self.faults, body)
    }

    pub fn add_event(&mut self, body: &Value) -> Answer {
        self.counts.events += 1;
        add(&mut self.events, "event", &mut self.faults, body)
    }
}

fn add(all: &mut BTreeMap<String, u64>, what: &str, faults: &mut Vec<String>, body: &Value) -> Answer {
    let key = text(body, "key");
    let times = all.entry(key.clone()).or_default();
    *times += 1;
    if *times > 1 {
        faults.push(format!("the {what} {key} was added {times} times"));
    }
    (201, json!({ "key": key }))
}

fn missing() -> Answer {
    (404, json!({ "message": "there is no such record" }))
}

pub fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_default().to_owned()
}

pub fn number(body: &Value, name: &str) -> u64 {
    body[name].as_u64().unwrap_or_default()
}
