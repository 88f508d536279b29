//! The words of a connector's entries, for searches. Read from the texts of the entries without checking them.

use std::borrow::Cow;

use super::{Pack, PackEntry};
use crate::definition::search::{IndexBuilder, PackWords, names_record, refers};

impl Pack {
    /// Its words; they are collected once.
    pub(in crate::definition::catalog) fn searched(&self) -> &PackWords {
        self.searched.get_or_init(|| self.collect())
    }

    fn collect(&self) -> PackWords {
        let mut builder = IndexBuilder::default();
        let title = self.connector().map(|connector| connector.title.clone()).unwrap_or_default();
        builder.connector(&[&self.name, &title]);
        for section in ["records", "operations", "templates"] {
            for name in self.names(section) {
                let is_scanned = builder.entry(section, name, &self.entry_text(section, name));
                // Also what cannot be read has a place, so that numbers are those of the index.
                if !is_scanned && !builder.entry(section, name, &self.parsed_text(section, name)) {
                    builder.entry(section, name, &format!("{name}: {{}}"));
                }
            }
        }
        builder.finish()
    }

    /// The name of an entry by its number.
    pub(in crate::definition::catalog) fn name_at(&self, section: &'static str, number: usize) -> Option<&str> {
        self.index().section(section)?.get_index(number).map(|(name, _)| name.as_ref())
    }

    /// The number of an entry.
    pub(in crate::definition::catalog) fn number_of(&self, section: &'static str, name: &str) -> Option<usize> {
        self.index().section(section)?.get_index_of(name)
    }

    /// An entry as YAML or JSON, to be scanned.
    pub(in crate::definition::catalog) fn entry_text(&self, section: &'static str, name: &str) -> Cow<'_, str> {
        if self.may_be_overridden(section, name) {
            return Cow::Owned(self.parsed_text(section, name));
        }
        match self.index().section(section).and_then(|entries| entries.get(name)) {
            Some(PackEntry::BuiltIn(_, entry)) => Cow::Borrowed(entry.json()),
            Some(PackEntry::Slice(number, bytes, _)) => {
                let text = self.sources.get(*number).and_then(|source| source.text().ok()?.get(bytes.clone()));
                Cow::Borrowed(text.unwrap_or_default())
            }
            Some(PackEntry::Parsed(..)) | None => Cow::Owned(self.parsed_text(section, name)),
        }
    }

    /// Whether an operation returns or takes a record.
    pub(in crate::definition::catalog) fn names_record(&self, id: &str, record: &str) -> bool {
        self.scanned("operations", id, |text| names_record(text, record))
    }

    /// Whether an entry refers to a record with `$ref`.
    pub(in crate::definition::catalog) fn refers(&self, section: &'static str, name: &str, record: &str) -> bool {
        self.scanned(section, name, |text| refers(text, record))
    }

    fn scanned(&self, section: &'static str, name: &str, scan: impl Fn(&str) -> Option<bool>) -> bool {
        let found = scan(&self.entry_text(section, name));
        found.or_else(|| scan(&self.parsed_text(section, name))).unwrap_or_default()
    }

    fn parsed_text(&self, section: &'static str, name: &str) -> String {
        let doc = self.document(section, name).ok().flatten();
        doc.map(|doc| doc.to_value().to_string()).unwrap_or_default()
    }
}
