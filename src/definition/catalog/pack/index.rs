//! The index over the entries of a connector's files.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::super::slice::{SECTIONS, Slice, slice};
use super::super::source::{BuiltInEntry, DefinitionSource};
use super::top_level::top_level;
use crate::authoring::{Document, Format};
use crate::error::{Error, Place, Result};

/// Entries by name, in file order, for each of the [`SECTIONS`].
#[derive(Default)]
pub(super) struct Index {
    entries: [IndexMap<Cow<'static, str>, PackEntry>; SECTIONS.len()],
    /// Faults of files whose entries cannot be found. Entries of other files are available.
    pub(super) broken: Vec<Error>,
}

/// The location of an entry: its source, and its position in it.
#[derive(Clone)]
pub(super) enum PackEntry {
    BuiltIn(usize, BuiltInEntry),
    /// With its bytes and the number of lines before it.
    Slice(usize, Range<usize>, u64),
    Parsed(usize, Arc<Document>),
}

impl PackEntry {
    /// The number of its source.
    pub(super) fn number(&self) -> usize {
        match self {
            PackEntry::BuiltIn(number, _) | PackEntry::Slice(number, ..) | PackEntry::Parsed(number, _) => *number,
        }
    }
}

impl Index {
    pub(super) fn section(&self, section: &str) -> Option<&IndexMap<Cow<'static, str>, PackEntry>> {
        SECTIONS.iter().zip(&self.entries).find_map(|(name, entries)| (*name == section).then_some(entries))
    }

    pub(super) fn put(&mut self, section: &'static str, name: Cow<'static, str>, entry: PackEntry) {
        if let Some((_, entries)) = SECTIONS.iter().zip(&mut self.entries).find(|(name, _)| **name == section) {
            entries.insert(name, entry);
        }
    }

    pub(super) fn put_file(&mut self, number: usize, source: &DefinitionSource) -> Result<()> {
        match slice(source.text()?) {
            Some(slices) => slices.into_iter().for_each(|Slice { section, name, bytes, line }| {
                self.put(section, Cow::Owned(name.to_owned()), PackEntry::Slice(number, bytes, line));
            }),
            None => self.put_parsed(number, source)?,
        }
        Ok(())
    }

    fn put_parsed(&mut self, number: usize, source: &DefinitionSource) -> Result<()> {
        let doc = Arc::new(Document::parse(source.name(), source.text()?, 0)?);
        let format = if doc.keys("").contains(&"templates") { Format::Templates } else { Format::Operations };
        let wrong = top_level(format, &doc);
        let names: Vec<_> =
            SECTIONS.iter().flat_map(|s| doc.keys(&format!("/{s}")).into_iter().map(move |name| (*s, name))).collect();
        // Faults of an entry are reported when it is requested.
        let is_of_entries = |error: &Error| {
            let in_entry = |place: &Place| {
                let field = place.field.as_deref().unwrap_or_default();
                SECTIONS.iter().any(|s| field.strip_prefix(&format!("/{s}/")).is_some())
            };
            !error.faults.is_empty() && error.faults.iter().all(|f| in_entry(&f.place))
        };
        if let Some(error) = wrong.filter(|error| names.is_empty() || !is_of_entries(error)) {
            return Err(error);
        }
        for (section, name) in names {
            self.put(section, Cow::Owned(name.to_owned()), PackEntry::Parsed(number, Arc::clone(&doc)));
        }
        Ok(())
    }
}
