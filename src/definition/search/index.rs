//! The words of a connector's entries as numbers: built once, then searched without reading a text again. Pure.

use std::collections::HashMap;
use std::ops::Range;

use super::lexicon::{Actions, action, lexicon};
use super::pieces::{EntryPiece, Found, pieces};
use super::text::{raw_words, split_name, stem};

/// A word of a catalogue.
pub(in crate::definition) struct Known {
    pub(super) text: Box<str>,
    /// Its stem, unless that is the word itself.
    stem: Option<Box<str>>,
    /// Whether it names an action or says nothing: a title is not described by it.
    pub(super) is_plain: bool,
}

impl Known {
    pub(super) fn new(text: &str) -> Known {
        let stem = stem(text);
        let is_plain = !lexicon().is_ignored(text) && lexicon().actions_of(&stem) == 0;
        let stem = (*stem != *text).then(|| Box::from(&*stem));
        Known { text: text.into(), stem, is_plain }
    }

    pub(super) fn stem(&self) -> &str {
        self.stem.as_deref().unwrap_or(&self.text)
    }
}

/// A word at a place: its number, and in the upper bits where it is.
#[derive(Clone, Copy)]
pub(super) struct WordAt(u32);

impl WordAt {
    const SHIFT: u32 = 28;

    fn new(found: Found, word: u32) -> WordAt {
        WordAt(((found as u32) << WordAt::SHIFT) | word)
    }

    pub(super) fn word(self) -> usize {
        (self.0 & ((1 << WordAt::SHIFT) - 1)) as usize
    }

    pub(super) fn found(self) -> Found {
        Found::ALL.get((self.0 >> WordAt::SHIFT) as usize).copied().unwrap_or(Found::Text)
    }
}

/// What is known of an entry besides its words.
#[derive(Default)]
pub(super) struct EntryWords {
    tokens: Range<u32>,
    /// The records that it returns and takes.
    pub(super) records: [Option<u32>; 2],
    /// Of a template: its operation.
    pub(super) operation: Option<u32>,
    pub(super) actions: Actions,
    pub(super) is_list: bool,
    pub(super) is_deprecated: bool,
}

/// The words of one connector.
#[derive(Default)]
pub(in crate::definition) struct PackWords {
    pub(in crate::definition) known: Vec<Known>,
    tokens: Vec<WordAt>,
    pub(super) operations: Vec<EntryWords>,
    pub(super) records: Vec<EntryWords>,
    pub(super) templates: Vec<EntryWords>,
    connector: Range<u32>,
}

impl PackWords {
    pub(super) fn tokens_of(&self, entry: &EntryWords) -> &[WordAt] {
        self.range(&entry.tokens)
    }

    pub(super) fn connector(&self) -> &[WordAt] {
        self.range(&self.connector)
    }

    fn range(&self, range: &Range<u32>) -> &[WordAt] {
        self.tokens.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// Builds [`PackWords`].
#[derive(Default)]
pub(in crate::definition) struct IndexBuilder {
    words: PackWords,
    numbers: HashMap<Box<str>, u32>,
    /// The words within a word as it is written, as a part of `parts`.
    split: HashMap<Box<str>, Range<usize>>,
    parts: Vec<u32>,
    /// Names of entries, by which others refer to them.
    record_numbers: HashMap<Box<str>, u32>,
    operation_numbers: HashMap<Box<str>, u32>,
}

/// The pieces of an entry that are not words.
#[derive(Default)]
struct EntryFacts<'t> {
    method: &'t str,
    verb: &'t str,
    shape: &'t str,
    records: Vec<&'t str>,
    operation: Option<&'t str>,
    is_deprecated: bool,
}

impl IndexBuilder {
    fn word(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.words.known.len()).unwrap_or_default();
        self.words.known.push(Known::new(text));
        self.numbers.insert(text.into(), number);
        number
    }

    fn put(&mut self, found: Found, text: &str) {
        for raw in raw_words(text) {
            let range = match self.split.get(raw) {
                Some(range) => range.clone(),
                None => {
                    let start = self.parts.len();
                    split_name(raw, |part| {
                        let number = self.word(part);
                        self.parts.push(number);
                    });
                    self.split.insert(raw.into(), start..self.parts.len());
                    start..self.parts.len()
                }
            };
            let parts = self.parts.get(range).into_iter().flatten();
            self.words.tokens.extend(parts.map(|number| WordAt::new(found, *number)));
        }
    }

    fn at(&self) -> u32 {
        u32::try_from(self.words.tokens.len()).unwrap_or(u32::MAX)
    }

    /// The name and title of the connector.
    pub(in crate::definition) fn connector(&mut self, texts: &[&str]) {
        let start = self.at();
        texts.iter().for_each(|text| self.put(Found::Connector, text));
        self.words.connector = start..self.at();
    }

    /// Adds an entry; records come first, then operations, then templates. Returns false, and adds nothing, if its text
    /// cannot be scanned.
    pub(in crate::definition) fn entry(&mut self, section: &'static str, name: &str, text: &str) -> bool {
        let start = self.at();
        let mut facts = EntryFacts::default();
        let scanned = pieces(section, text, false, &mut |piece| match piece {
            EntryPiece::Words(found, _, text) => self.put(found, text),
            EntryPiece::Record(name) => facts.records.push(name),
            EntryPiece::Operation(id) => facts.operation = Some(id),
            EntryPiece::Method(method) => facts.method = method,
            EntryPiece::Verb(verb) => facts.verb = verb,
            EntryPiece::Shape(shape) => facts.shape = shape,
            EntryPiece::Deprecated => facts.is_deprecated = true,
        });
        if scanned.is_none() {
            self.words.tokens.truncate(start as usize);
            return false;
        }
        let mut entry = EntryWords { tokens: start..self.at(), ..EntryWords::default() };
        match section {
            "records" => {
                self.record_numbers.insert(name.into(), u32::try_from(self.words.records.len()).unwrap_or_default());
                self.words.records.push(entry);
            }
            "operations" => {
                self.operation_numbers
                    .insert(name.into(), u32::try_from(self.words.operations.len()).unwrap_or_default());
                self.describe(&mut entry, &facts);
                self.words.operations.push(entry);
            }
            _ => {
                entry.operation = facts.operation.and_then(|id| self.operation_numbers.get(id)).copied();
                self.words.templates.push(entry);
            }
        }
        true
    }

    fn describe(&self, entry: &mut EntryWords, facts: &EntryFacts<'_>) {
        let named: Actions = {
            let names = self.words.range(&entry.tokens).iter().filter(|token| token.found() == Found::Id);
            let known = names.filter_map(|token| self.words.known.get(token.word()));
            known.map(|known| lexicon().actions_of(known.stem())).find(|actions| *actions != 0).unwrap_or_default()
        };
        let by_verb = match (facts.method, facts.verb) {
            ("delete", _) => action("delete"),
            ("query", _) => action("read"),
            (_, "PUT" | "PATCH") => action("update"),
            (_, _) if named != 0 => 0,
            (_, _) => action("create"),
        };
        let by_shape = match facts.shape {
            "count" => action("count"),
            "file" => action("download"),
            _ => 0,
        };
        entry.actions = named | by_verb | by_shape;
        entry.is_list = matches!(facts.shape, "list" | "report");
        entry.is_deprecated = facts.is_deprecated;
        let mut numbers = facts.records.iter().filter_map(|name| self.record_numbers.get(*name)).copied();
        let first = numbers.next();
        entry.records = [first, numbers.find(|number| Some(*number) != first)];
    }

    pub(in crate::definition) fn finish(mut self) -> PackWords {
        self.words.tokens.shrink_to_fit();
        self.words
    }
}
