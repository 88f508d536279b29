//! A collection from sandbox.yaml: how its records are generated and changed. Pure; a table contains the records.

use std::sync::Arc;

use super::fields::RecordFields;
use super::tree::Tree;
use crate::authoring::{Json, Pointer, Text};
use crate::definition::{CollectionFile, LanguageFile, OptionNameFile, Record, SandboxFile, SortFile};
use crate::sandbox::http::Pattern;

/// A collection.
pub(in crate::sandbox) struct Collection {
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) pattern: Pattern,
    pub(in crate::sandbox) key: Vec<String>,
    also: Vec<Vec<String>>,
    pub(in crate::sandbox) fields: RecordFields,
    pub(in crate::sandbox) required: Vec<String>,
    pub(in crate::sandbox) filter: Vec<String>,
    pub(in crate::sandbox) unique: Vec<String>,
    pub(in crate::sandbox) hidden: Vec<String>,
    pub(in crate::sandbox) language: Option<LanguageFile>,
    pub(in crate::sandbox) sort: Option<SortFile>,
    pub(in crate::sandbox) choice: Option<OptionNameFile>,
    count: u64,
    /// Records that are given instead.
    given: Option<Vec<Tree>>,
    sample: Tree,
    vary: Vec<(Vec<String>, Tree)>,
    server_fields: Vec<String>,
}

impl Collection {
    /// `Err` is the fault in the description.
    pub(in crate::sandbox) fn new(
        name: &str,
        file: &CollectionFile,
        all: &SandboxFile,
        record: Option<Arc<Record>>,
    ) -> Result<Collection, String> {
        let record = record.ok_or_else(|| format!("no record is called `{}`", file.record))?;
        let path = Text::parse(&file.path)?;
        let vary: Result<_, String> =
            file.vary.iter().map(|(name, values)| Ok((place(name)?, Tree::of(values)))).collect();
        Ok(Collection {
            name: name.to_owned(),
            pattern: Pattern::new(&path),
            key: place(&file.key)?,
            also: file.also.iter().map(|name| place(name)).collect::<Result<_, _>>()?,
            fields: RecordFields::new(&record),
            required: file.required.clone(),
            filter: file.filter.clone(),
            unique: file.unique.clone(),
            hidden: file.hidden.clone(),
            language: file.filter_language.clone().or_else(|| all.filter_language.clone()),
            sort: file.sort.clone().or_else(|| all.sort.clone()),
            choice: file.fields.clone().or_else(|| all.fields.clone()),
            count: file.count,
            given: None,
            sample: sample(&record.sample),
            vary: vary?,
            server_fields: file.server_fields.clone(),
        })
    }

    /// The same with these records at the start; one without a key has its number, from 1.
    pub(in crate::sandbox) fn with_records(self, records: &[Json]) -> Result<Collection, String> {
        let mut given = Vec::with_capacity(records.len());
        for (number, json) in (1u64..).zip(records) {
            let Tree::Object(fields) = Tree::of(json) else {
                return Err(format!("record {number} must be an object, found `{}`", json.0));
            };
            let mut record = Tree::Object(fields);
            if record.at(&self.key).is_none() {
                record.set(&self.key, self.like_sample(&self.key, &number.to_string()));
            }
            if given.iter().any(|other: &Tree| other.at(&self.key) == record.at(&self.key)) {
                return Err(format!("two records have the key of record {number}"));
            }
            given.push(record);
        }
        Ok(Collection { given: Some(given), ..self })
    }

    /// The number of the next record: above all numeric keys.
    pub(in crate::sandbox) fn next_number(&self, records: &[Tree]) -> u64 {
        let largest = records.iter().filter_map(|record| self.key_of(record)?.parse::<u64>().ok()).max();
        largest.unwrap_or_default().max(records.len() as u64).saturating_add(1)
    }

    /// The initial records, numbered from 1. `path` contains the values of the parameters in the collection's path.
    pub(in crate::sandbox) fn generate(&self, path: &[(String, String)]) -> Vec<Tree> {
        if let Some(given) = &self.given {
            return given.clone();
        }
        (1..=self.count).map(|number| self.finish(self.sample.clone(), number, path, &self.vary)).collect()
    }

    /// A new record from the sent fields, in the order of the sample. Fields that were not sent are absent, except the
    /// server's own.
    pub(in crate::sandbox) fn create(&self, given: &Tree, number: u64, path: &[(String, String)]) -> Tree {
        let keyed = self.vary.iter().filter(|(place, _)| *place == self.key).cloned().collect::<Vec<_>>();
        self.finish(self.arrange(given, path), number, path, &keyed)
    }

    /// Replaces a record: the sent fields with the old key.
    pub(in crate::sandbox) fn replace(&self, given: &Tree, old: &Tree, path: &[(String, String)]) -> Tree {
        let mut record = self.finish(self.arrange(given, path), 0, path, &[]);
        if let Some(key) = old.at(&self.key) {
            record.set(&self.key, key.clone());
        }
        record
    }

    /// Overwrites fields of a record, except its key.
    pub(in crate::sandbox) fn merge(&self, record: &mut Tree, given: &Tree) {
        let key = record.at(&self.key).cloned();
        for (name, value) in given.fields() {
            record.set(std::slice::from_ref(name), value.clone());
        }
        if let Some(key) = key {
            record.set(&self.key, key);
        }
    }

    /// The record's key as text for a path.
    pub(in crate::sandbox) fn key_of(&self, record: &Tree) -> Option<String> {
        record.at(&self.key).and_then(Tree::plain)
    }

    /// Whether this text in a path identifies the record.
    pub(super) fn is_called(&self, record: &Tree, name: &str) -> bool {
        let is = |place: &Vec<String>| record.at(place).and_then(Tree::plain).as_deref() == Some(name);
        is(&self.key) || self.also.iter().any(is)
    }

    /// The given fields in the order of the sample; those that the server sets have the values of the sample.
    fn arrange(&self, given: &Tree, path: &[(String, String)]) -> Tree {
        let known = self.sample.fields().iter().filter_map(|(name, value)| {
            let in_path = path.iter().any(|(n, _)| n == name);
            let kept = self.server_fields.contains(name) || self.key.first() == Some(name) || in_path;
            let value = if kept { Some(value) } else { given.get(name) };
            value.map(|v| (name.clone(), v.clone()))
        });
        let further = given.fields().iter().filter(|(name, _)| self.sample.get(name).is_none());
        Tree::Object(known.chain(further.cloned()).collect())
    }

    /// Sets the key, the path values and the varied fields.
    fn finish(&self, mut record: Tree, number: u64, path: &[(String, String)], vary: &[(Vec<String>, Tree)]) -> Tree {
        let shown = number.to_string();
        let key = self.like_sample(&self.key, &shown);
        record.set(&self.key, key);
        for (name, value) in path.iter().filter(|(name, _)| self.sample.get(name).is_some()) {
            let place = std::slice::from_ref(name);
            record.set(place, self.like_sample(place, value));
        }
        for (place, values) in vary {
            let value = match values {
                Tree::List(list) => list.get(position(number, list.len())),
                Tree::Leaf(_) | Tree::Object(_) => Some(values),
            };
            let Some(value) = value else { continue };
            if value.plain().as_deref() == Some("{n}") {
                record.set(place, self.like_sample(place, &shown));
                continue;
            }
            let mut fill = |text: &str| {
                let numbered = text.replace("{n}", &shown);
                path.iter().fold(numbered, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
            };
            let filled = value.map_texts(&mut fill);
            // A number in a template is text, because it contains {n}.
            let number = value.is_text() && self.sample.at(place).is_some_and(Tree::is_number);
            let text = if number { filled.plain() } else { None };
            record.set(place, text.map_or(filled, |text| self.like_sample(place, &text)));
        }
        record
    }

    /// Converts a text to a number, unless the sample has text there.
    fn like_sample(&self, place: &[String], text: &str) -> Tree {
        let is_text = self.sample.at(place).is_some_and(Tree::is_text);
        match text.parse::<u64>() {
            Ok(number) if !is_text => Tree::number(number),
            _ => Tree::text(text),
        }
    }
}

/// The index of a record's value in a cycle of values.
fn position(number: u64, length: usize) -> usize {
    let length = u64::try_from(length.max(1)).unwrap_or(1);
    usize::try_from(number.saturating_sub(1) % length).unwrap_or(0)
}

fn sample(json: &Json) -> Tree {
    match Tree::of(json) {
        object @ Tree::Object(_) => object,
        Tree::Leaf(_) | Tree::List(_) => Tree::object(),
    }
}

/// The path of a field, from a name or a JSON Pointer.
pub(in crate::sandbox) fn place(name: &str) -> Result<Vec<String>, String> {
    if name.starts_with('/') { Pointer::parse(name).map(|p| p.tokens().to_vec()) } else { Ok(vec![name.to_owned()]) }
}
