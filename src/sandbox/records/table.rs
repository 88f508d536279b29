//! The records of a sandbox: generated on first use, kept in memory, changed by writes.

use std::collections::HashMap;

use super::collection::{Collection, Values};
use super::fields::path as field_path;
use super::links::{self, Linked};
use super::tree::Tree;
use crate::json_pointer::unescape;
use crate::sandbox::answer::check_required;
use crate::sandbox::http::{Refusal, RefusalKind};

/// Memory limits: records of one collection, collections with different path values, bytes of all writes.
const RECORDS_MAX: usize = 100_000;
const TABLES_MAX: usize = 1_000;
const WRITTEN_MAX: usize = 256 << 20;

/// The key of a table.
fn name(collection: &Collection, path: &Values) -> (usize, Vec<String>) {
    (collection.index, path.iter().map(|(_, value)| value.clone()).collect())
}

/// All records of one connector.
#[derive(Default)]
pub(in crate::sandbox) struct Tables {
    by_path: HashMap<(usize, Vec<String>), Table>,
    written: usize,
}

impl Tables {
    /// The records of the collection with these path values. New ones refer to records of the `linked` collections.
    pub(in crate::sandbox) fn open(&mut self, collection: &Collection, path: &Values, linked: &[Linked]) -> &mut Table {
        let name = name(collection, path);
        if self.by_path.len() >= TABLES_MAX && !self.by_path.contains_key(&name) {
            // Beyond the limit, all of these collections start again.
            self.by_path.clear();
        }
        if !self.by_path.contains_key(&name) {
            let records = self.generated(collection, path, linked);
            self.by_path.insert(name.clone(), Table { next: collection.next_number(&records), records });
        }
        self.by_path.entry(name).or_insert_with(|| Table { next: 1, records: Vec::new() })
    }

    fn generated(&self, collection: &Collection, path: &Values, linked: &[Linked]) -> Vec<Tree> {
        let mut records = collection.generate(path, usize::MAX);
        if linked.is_empty() {
            return records;
        }
        let mut seen = HashMap::new();
        let mut existing = |target: &Collection, path: &Values, most: usize| {
            seen.entry(name(target, path)).or_insert_with(|| self.existing(target, path, most)).clone()
        };
        for (number, record) in records.iter_mut().enumerate() {
            links::fill(record, number, (collection, path), linked, &mut existing);
        }
        records
    }

    /// The records of a collection as they are; a collection that nobody has opened has those of its start.
    fn existing(&self, collection: &Collection, path: &Values, most: usize) -> Vec<Tree> {
        match self.by_path.get(&name(collection, path)) {
            Some(table) => table.records.iter().take(most).cloned().collect(),
            None => collection.generate(path, most),
        }
    }

    /// A record that was written, with the rest of its references.
    pub(in crate::sandbox) fn completed(
        &mut self,
        collection: &Collection,
        path: &Values,
        linked: &[Linked],
        mut record: Tree,
    ) -> Tree {
        let before = record.clone();
        let mut existing = |target: &Collection, path: &Values, most: usize| self.existing(target, path, most);
        links::complete(&mut record, (collection, path), linked, &mut existing);
        if record != before
            && let Some(table) = self.by_path.get_mut(&name(collection, path))
            && let Some(kept) = table.records.iter_mut().find(|kept| **kept == before)
        {
            *kept = record.clone();
        }
        record
    }

    /// Counts the bytes of a write, or refuses it.
    pub(in crate::sandbox) fn admit(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.written = self.written.saturating_add(bytes);
        if self.written <= WRITTEN_MAX {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalKind::Unavailable,
            "the sandbox's memory limit is reached; POST /__sandbox/reset resets it",
        ))
    }

    /// Removes everything.
    pub(in crate::sandbox) fn clear(&mut self) {
        *self = Tables::default();
    }
}

/// The records of one collection.
pub(in crate::sandbox) struct Table {
    pub(in crate::sandbox) records: Vec<Tree>,
    next: u64,
}

impl Table {
    /// The index of a record.
    pub(in crate::sandbox) fn find(&self, collection: &Collection, key: &str) -> Result<usize, Refusal> {
        let found = self.records.iter().position(|record| collection.is_called(record, key));
        found.ok_or_else(|| {
            Refusal::new(RefusalKind::NotFound, format!("{} `{key}` was not found", collection.fields().title()))
        })
    }

    /// The record with this key.
    pub(in crate::sandbox) fn get(&self, collection: &Collection, key: &str) -> Result<&Tree, Refusal> {
        let at = self.find(collection, key)?;
        self.records.get(at).ok_or_else(|| Refusal::new(RefusalKind::NotFound, "not found"))
    }

    pub(in crate::sandbox) fn create(
        &mut self,
        collection: &Collection,
        given: &Tree,
        path: &Values,
    ) -> Result<Tree, Refusal> {
        if self.records.len() >= RECORDS_MAX {
            return Err(Refusal::new(
                RefusalKind::Unavailable,
                format!("the sandbox keeps at most {RECORDS_MAX} records of a collection"),
            ));
        }
        check_required(given, &collection.required)?;
        self.check_unique(collection, given, None)?;
        let record = collection.create(given, self.next, path);
        self.next += 1;
        self.records.push(record.clone());
        Ok(record)
    }

    pub(in crate::sandbox) fn replace(
        &mut self,
        collection: &Collection,
        key: &str,
        given: &Tree,
        path: &Values,
    ) -> Result<Tree, Refusal> {
        let at = self.find(collection, key)?;
        check_required(given, &collection.required)?;
        self.check_unique(collection, given, Some(at))?;
        self.change(at, |old| Ok(collection.replace(given, old, path)))
    }

    pub(in crate::sandbox) fn merge(
        &mut self,
        collection: &Collection,
        key: &str,
        given: &Tree,
    ) -> Result<Tree, Refusal> {
        let at = self.find(collection, key)?;
        self.check_unique(collection, given, Some(at))?;
        self.change(at, |old| {
            let mut record = old.clone();
            collection.merge(&mut record, given);
            Ok(record)
        })
    }

    /// Applies patch operations in order: all or none.
    pub(in crate::sandbox) fn patch(
        &mut self,
        collection: &Collection,
        key: &str,
        operations: &[Tree],
    ) -> Result<Tree, Refusal> {
        let at = self.find(collection, key)?;
        let steps: Vec<TableStep> =
            operations.iter().map(|operation| step(collection, operation)).collect::<Result<_, _>>()?;
        let mut changes = Tree::object();
        for step in &steps {
            if let TableStep::Set(name, value) = step {
                changes.set(std::slice::from_ref(name), value.clone());
            }
        }
        self.check_unique(collection, &changes, Some(at))?;
        self.change(at, |old| {
            let mut record = old.clone();
            for step in &steps {
                match step {
                    TableStep::Set(name, _) | TableStep::Remove(name) if collection.key.first() == Some(name) => {}
                    TableStep::Set(name, value) => record.set(std::slice::from_ref(name), value.clone()),
                    TableStep::Remove(name) => record.remove(name),
                    TableStep::Nothing => {}
                }
            }
            Ok(record)
        })
    }

    pub(in crate::sandbox) fn delete(&mut self, collection: &Collection, key: &str) -> Result<Tree, Refusal> {
        let at = self.find(collection, key)?;
        Ok(self.records.remove(at))
    }

    fn change(&mut self, at: usize, change: impl FnOnce(&Tree) -> Result<Tree, Refusal>) -> Result<Tree, Refusal> {
        let Some(slot) = self.records.get_mut(at) else { return Err(Refusal::new(RefusalKind::NotFound, "not found")) };
        *slot = change(slot)?;
        Ok(slot.clone())
    }

    fn check_unique(&self, collection: &Collection, given: &Tree, own: Option<usize>) -> Result<(), Refusal> {
        for name in &collection.unique {
            let Some(value) = given.get(name).filter(|v| !v.is_null()) else { continue };
            let taken =
                self.records.iter().enumerate().any(|(i, record)| Some(i) != own && record.get(name) == Some(value));
            if taken {
                let shown = value.plain().unwrap_or_else(|| value.to_json());
                let message = format!("another {} has the {name} `{shown}`", collection.fields().title());
                return Err(Refusal::new(RefusalKind::Conflict, message).at(name.as_str(), "Duplicate"));
            }
        }
        Ok(())
    }
}

/// The effect of one patch operation.
enum TableStep {
    Set(String, Tree),
    Remove(String),
    /// An operation on a part of a record, such as `company/identifier`: real systems with patches report success and
    /// change nothing. A reference can only be replaced as a whole.
    Nothing,
}

/// Reads one patch operation (RFC 6902; the leading slash is optional).
fn step(collection: &Collection, operation: &Tree) -> Result<TableStep, Refusal> {
    let text = |name: &str| operation.get(name).filter(|v| v.is_text()).and_then(Tree::plain);
    let invalid = |message: String| Refusal::invalid(message).at("", "InvalidPatch");
    let (Some(op), Some(path)) = (text("op"), text("path")) else {
        return Err(invalid("a patch operation needs the texts `op` and `path`".into()));
    };
    let mut path = match path.strip_prefix('/') {
        Some(pointer) => pointer.split('/').map(unescape).collect(),
        None => field_path(&path),
    };
    let name = path
        .pop()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| invalid("the path of a patch operation is empty".into()))?;
    let value = operation.get("value").cloned();
    match (op.as_str(), value) {
        ("add" | "replace", None) => Err(invalid(format!("`{op}` of `{name}` has no value"))),
        ("add" | "replace" | "remove", _) if !path.is_empty() => Ok(TableStep::Nothing),
        ("add" | "replace", Some(value)) => Ok(TableStep::Set(name, value)),
        ("remove", _) if collection.required.contains(&name) => {
            Err(Refusal::invalid(format!("`{name}` cannot be removed")).at(name, "MissingField"))
        }
        ("remove", _) => Ok(TableStep::Remove(name)),
        (other, _) => Err(invalid(format!("`{other}` is not an operation of a patch: add, replace, remove"))),
    }
}
