//! The words of a connector's entries as numbers: built once, then searched without reading a text again. Pure.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;

use super::lexicon::{Actions, action, lexicon};
use super::pieces::{EntryPiece, FoundIn, Receives, pieces};
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
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Known { text: text.into(), stem: None, is_plain: true };
        }
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

    fn new(found: FoundIn, word: u32) -> WordAt {
        WordAt(((found as u32) << WordAt::SHIFT) | word)
    }

    fn number(self) -> u32 {
        self.0 & ((1 << WordAt::SHIFT) - 1)
    }

    pub(super) fn word(self) -> usize {
        self.number() as usize
    }

    pub(super) fn found(self) -> FoundIn {
        FoundIn::ALL.get((self.0 >> WordAt::SHIFT) as usize).copied().unwrap_or(FoundIn::Text)
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

/// Texts by what is known of them. A search hashes a million words.
type Texts<T> = HashMap<Box<str>, T, FixedState>;

/// A part of `parts`.
type Span = (u32, u32);

/// Builds [`PackWords`].
#[derive(Default)]
pub(in crate::definition) struct IndexBuilder {
    words: PackWords,
    numbers: Texts<u32>,
    /// The words within a word as it is written.
    split: Texts<Span>,
    /// Lines with all of an option, which are repeated from operation to operation, as parts of `line_words`.
    lines: Texts<Span>,
    line_words: Vec<WordAt>,
    parts: Vec<u32>,
    /// Names of entries, by which others refer to them.
    record_numbers: Texts<u32>,
    operation_numbers: Texts<u32>,
}

/// How many lines are kept, and how long they are at most.
const LINES_MAX: usize = 4_096;
const LINE_BYTES_MAX: usize = 300;

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

/// Collects the words of an entry.
struct WordCollector<'b, 't> {
    builder: &'b mut IndexBuilder,
    facts: EntryFacts<'t>,
    /// The line that is read, and where its words start.
    line: Option<(&'t str, usize)>,
}

impl<'t> Receives<'t> for WordCollector<'_, 't> {
    fn piece(&mut self, piece: EntryPiece<'t>) {
        match piece {
            EntryPiece::Words(found, _, text) => self.builder.put(found, text),
            EntryPiece::Record(name) => self.facts.records.push(name),
            EntryPiece::Operation(id) => self.facts.operation = Some(id),
            EntryPiece::Method(method) => self.facts.method = method,
            EntryPiece::Verb(verb) => self.facts.verb = verb,
            EntryPiece::Shape(shape) => self.facts.shape = shape,
            EntryPiece::Deprecated => self.facts.is_deprecated = true,
        }
    }

    fn knows(&mut self, line: &'t str) -> bool {
        let builder = &mut *self.builder;
        if let Some((start, end)) = builder.lines.get(line) {
            let words = builder.line_words.get(*start as usize..*end as usize).unwrap_or_default();
            builder.words.tokens.extend_from_slice(words);
            return true;
        }
        self.line = (line.len() <= LINE_BYTES_MAX).then_some((line, builder.words.tokens.len()));
        false
    }

    fn learned(&mut self) {
        let builder = &mut *self.builder;
        if let Some((line, start)) = self.line.take().filter(|_| builder.lines.len() < LINES_MAX) {
            let begin = number(builder.line_words.len());
            builder.line_words.extend_from_slice(builder.words.tokens.get(start..).unwrap_or_default());
            builder.lines.insert(line.into(), (begin, number(builder.line_words.len())));
        }
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

impl IndexBuilder {
    fn word(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = number(self.words.known.len());
        self.words.known.push(Known::new(text));
        self.numbers.insert(text.into(), number);
        number
    }

    fn put(&mut self, found: FoundIn, text: &str) {
        for raw in raw_words(text) {
            let span = match self.split.get(raw) {
                Some(span) => *span,
                None => self.split(raw),
            };
            self.put_parts(found, span);
        }
    }

    fn split(&mut self, raw: &str) -> Span {
        let begin = self.parts.len();
        split_name(raw, |part| {
            let number = self.word(part);
            self.parts.push(number);
        });
        let span = self.span(begin);
        self.split.insert(raw.into(), span);
        span
    }

    /// The parts from a place on.
    fn span(&self, begin: usize) -> Span {
        (number(begin), number(self.parts.len()))
    }

    fn put_parts(&mut self, found: FoundIn, (start, end): Span) {
        let parts = self.parts.get(start as usize..end as usize).unwrap_or_default();
        self.words.tokens.extend(parts.iter().map(|number| WordAt::new(found, *number)));
    }

    fn at(&self) -> u32 {
        number(self.words.tokens.len())
    }

    /// The name and title of the connector.
    pub(in crate::definition) fn connector(&mut self, texts: &[&str]) {
        let start = self.at();
        texts.iter().for_each(|text| self.put(FoundIn::Connector, text));
        self.words.connector = start..self.at();
    }

    /// Adds an entry; records come first, then operations, then templates. Returns false, and adds nothing, if its text
    /// cannot be scanned.
    pub(in crate::definition) fn entry(&mut self, section: &'static str, name: &str, text: &str) -> bool {
        let start = self.at();
        let mut collector = WordCollector { builder: self, facts: EntryFacts::default(), line: None };
        let scanned = pieces(section, text, false, &mut collector);
        let facts = collector.facts;
        if scanned.is_none() {
            self.words.tokens.truncate(start as usize);
            return false;
        }
        let mut entry = EntryWords { tokens: start..self.at(), ..EntryWords::default() };
        match section {
            "records" => {
                self.record_numbers.insert(name.into(), number(self.words.records.len()));
                self.words.records.push(entry);
            }
            "operations" => {
                self.operation_numbers.insert(name.into(), number(self.words.operations.len()));
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
            let names = self.words.range(&entry.tokens).iter().filter(|token| token.found() == FoundIn::Id);
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
