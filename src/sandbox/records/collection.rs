//! A collection, from sandbox.yaml or from a list: how its records are generated and changed. Pure; a table contains the
//! records.

use std::sync::{Arc, LazyLock};

use super::fields::RecordFields;
use super::made;
use super::tree::Tree;
use crate::authoring::{Json, Pointer, Text};
use crate::definition::{CollectionFile, LanguageFile, LaterRecord, OptionNameFile, Record, SandboxFile, SortFile};
use crate::sandbox::http::Pattern;

/// Values of path parameters.
pub(in crate::sandbox) type Values = [(String, String)];

/// A collection.
pub(in crate::sandbox) struct Collection {
    /// Its number among those of the connector.
    pub(in crate::sandbox) index: usize,
    pub(in crate::sandbox) name: String,
    /// The name of its record.
    pub(in crate::sandbox) record: String,
    pub(in crate::sandbox) pattern: Pattern,
    /// The shape of its path.
    pub(in crate::sandbox) shape: String,
    pub(in crate::sandbox) key: Vec<String>,
    also: Vec<Vec<String>>,
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
    /// What is read of its record when records are needed.
    kind: LazyLock<RecordKind, Box<dyn FnOnce() -> RecordKind + Send>>,
    vary: Vec<(Vec<String>, Tree)>,
    server_fields: Vec<String>,
}

/// What is read of the record of a collection.
pub(in crate::sandbox) struct RecordKind {
    pub(in crate::sandbox) fields: RecordFields,
    pub(in crate::sandbox) sample: Tree,
}

impl RecordKind {
    fn new(record: &Record) -> RecordKind {
        RecordKind { fields: RecordFields::new(record), sample: sample(&record.sample) }
    }

    fn unknown(name: &str) -> RecordKind {
        let json = |text: &str| Json(text.to_owned());
        RecordKind::new(&Record {
            name: name.to_owned(),
            title: name.to_owned(),
            schema: json("true"),
            sample: json("{}"),
        })
    }
}

impl Collection {
    /// `Err` is the fault in the description.
    pub(in crate::sandbox) fn new(
        (index, name): (usize, &str),
        file: &CollectionFile,
        all: &SandboxFile,
        record: Option<Arc<LaterRecord>>,
    ) -> Result<Collection, String> {
        let record = record.ok_or_else(|| format!("no record is called `{}`", file.record))?;
        let pattern = Pattern::new(&Text::parse(&file.path)?);
        let vary: Result<_, String> =
            file.vary.iter().map(|(name, values)| Ok((place(name)?, Tree::of(values)))).collect();
        let own = file.record.clone();
        let kind = move || (*record).as_ref().map_or_else(|| RecordKind::unknown(&own), |r| RecordKind::new(r));
        Ok(Collection {
            index,
            name: name.to_owned(),
            record: file.record.clone(),
            shape: pattern.shape(),
            pattern,
            key: place(&file.key)?,
            also: file.also.iter().map(|name| place(name)).collect::<Result<_, _>>()?,
            required: file.required.clone(),
            filter: file.filter.clone(),
            unique: file.unique.clone(),
            hidden: file.hidden.clone(),
            language: file.filter_language.clone().or_else(|| all.filter_language.clone()),
            sort: file.sort.clone().or_else(|| all.sort.clone()),
            choice: file.fields.clone().or_else(|| all.fields.clone()),
            count: file.count,
            given: None,
            kind: LazyLock::new(Box::new(kind)),
            vary: vary?,
            server_fields: file.server_fields.clone(),
        })
    }

    /// A collection that a list of these records makes: `count` records with numbered names. `None` if they have no key.
    pub(in crate::sandbox) fn of_list(
        (index, pattern): (usize, Pattern),
        key: Option<&str>,
        count: u64,
        all: &SandboxFile,
        record: &Record,
    ) -> Option<Collection> {
        let kind = RecordKind::new(record);
        let key = made::key(&kind.sample, key)?;
        let vary = made::numbered(record, &kind.sample, &key);
        Some(Collection {
            index,
            name: pattern.name(),
            record: record.name.clone(),
            shape: pattern.shape(),
            pattern,
            key: vec![key],
            also: Vec::new(),
            required: Vec::new(),
            filter: Vec::new(),
            unique: Vec::new(),
            hidden: Vec::new(),
            language: all.filter_language.clone(),
            sort: all.sort.clone(),
            choice: all.fields.clone(),
            count,
            given: None,
            server_fields: made::server_fields(record, &kind.sample),
            kind: LazyLock::new(Box::new(move || kind)),
            vary,
        })
    }

    /// What is read of its record.
    pub(in crate::sandbox) fn kind(&self) -> &RecordKind {
        &self.kind
    }

    /// The known fields of its records.
    pub(in crate::sandbox) fn fields(&self) -> &RecordFields {
        &self.kind.fields
    }

    /// Whether the value at this place, or a part of it, is said for each record.
    pub(in crate::sandbox) fn varies(&self, place: &[String]) -> bool {
        self.given.is_some() || self.vary.iter().any(|(own, _)| own.starts_with(place) || place.starts_with(own))
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
    pub(in crate::sandbox) fn generate(&self, path: &[(String, String)], most: usize) -> Vec<Tree> {
        if let Some(given) = &self.given {
            return given.iter().take(most).cloned().collect();
        }
        let numbers = (1..=self.count).take(most);
        numbers.map(|number| self.finish(self.kind.sample.clone(), number, path, &self.vary)).collect()
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

    /// The name that people know the record by: its first numbered text.
    pub(super) fn label<'r>(&self, record: &'r Tree) -> Option<&'r Tree> {
        self.vary.iter().find_map(|(place, _)| record.at(place).filter(|value| value.is_text()))
    }

    /// Whether this text in a path identifies the record.
    pub(super) fn is_called(&self, record: &Tree, name: &str) -> bool {
        let is = |place: &Vec<String>| record.at(place).and_then(Tree::plain).as_deref() == Some(name);
        is(&self.key) || self.also.iter().any(is)
    }

    /// The given fields in the order of the sample; those that the server sets have the values of the sample.
    fn arrange(&self, given: &Tree, path: &[(String, String)]) -> Tree {
        let known = self.kind.sample.fields().iter().filter_map(|(name, value)| {
            let in_path = path.iter().any(|(n, _)| n == name);
            let kept = self.server_fields.contains(name) || self.key.first() == Some(name) || in_path;
            let value = if kept { Some(value) } else { given.get(name) };
            value.map(|v| (name.clone(), v.clone()))
        });
        let further = given.fields().iter().filter(|(name, _)| self.kind.sample.get(name).is_none());
        Tree::Object(known.chain(further.cloned()).collect())
    }

    /// Sets the key, the path values and the varied fields.
    fn finish(&self, mut record: Tree, number: u64, path: &[(String, String)], vary: &[(Vec<String>, Tree)]) -> Tree {
        let shown = number.to_string();
        let key = self.like_sample(&self.key, &shown);
        record.set(&self.key, key);
        let is_field = |name: &String| self.key.first() != Some(name) && self.kind.sample.get(name).is_some();
        for (name, value) in path.iter().filter(|(name, _)| is_field(name)) {
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
            let number = value.is_text() && self.kind.sample.at(place).is_some_and(Tree::is_number);
            let text = if number { filled.plain() } else { None };
            record.set(place, text.map_or(filled, |text| self.like_sample(place, &text)));
        }
        record
    }

    /// Converts a text to a number, unless the sample has text there.
    fn like_sample(&self, place: &[String], text: &str) -> Tree {
        let own = self.kind.sample.at(place);
        let is_text = own.is_some_and(Tree::is_text);
        if let Some(text) = own.and_then(|own| made::like_uuid(own, text)).filter(|_| self.key == place) {
            return Tree::text(&text);
        }
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
