//! Finds single entries without keeping all files: a call needs one operation of thousands.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::super::slice::slice;
use super::super::source::{BuiltInEntry, DefinitionSource};
use super::index::PackEntry;
use crate::lock::lock;

/// The entries of one file: where each is, by section and name.
type FileEntries = HashMap<(&'static str, Box<str>), (Range<usize>, u64)>;

/// Which file defines an entry. Of an entry it keeps only a hash; the files of the entries in use are kept whole.
pub(super) struct Lookup {
    hasher: RandomState,
    /// The last source that defines an entry, by the hash of its section and name.
    sources: HashMap<u64, usize>,
    files: Mutex<HashMap<usize, Arc<FileEntries>>>,
}

impl Lookup {
    /// Reads the files one after the other; `None` if one of them has a layout that needs a full parse.
    pub(super) fn over<'s>(areas: impl Iterator<Item = (usize, &'s DefinitionSource)>) -> Option<Lookup> {
        let mut lookup =
            Lookup { hasher: RandomState::new(), sources: HashMap::new(), files: Mutex::new(HashMap::new()) };
        for (number, source) in areas {
            if let DefinitionSource::BuiltIn(file) = source {
                file.entries().for_each(|entry| lookup.put(entry.section, entry.name, number));
                continue;
            }
            let is_sliced = source.glance(|text| {
                let slices = slice(text)?;
                slices.iter().for_each(|part| lookup.put(part.section, part.name, number));
                Some(())
            });
            // An unreadable file has no entries; the index reports it.
            if is_sliced.is_ok_and(|sliced| sliced.is_none()) {
                return None;
            }
        }
        Some(lookup)
    }

    fn hash(&self, section: &str, name: &str) -> u64 {
        self.hasher.hash_one((section, name))
    }

    fn put(&mut self, section: &str, name: &str, number: usize) {
        self.sources.insert(self.hash(section, name), number);
    }

    /// The entries of a file, which is kept from now on.
    fn entries(&self, number: usize, source: &DefinitionSource) -> Option<Arc<FileEntries>> {
        if let Some(found) = lock(&self.files).get(&number) {
            return Some(Arc::clone(found));
        }
        let slices = slice(source.text().ok()?)?;
        let entries = slices.into_iter().map(|part| ((part.section, part.name.into()), (part.bytes, part.line)));
        let entries: Arc<FileEntries> = Arc::new(entries.collect());
        lock(&self.files).insert(number, Arc::clone(&entries));
        Some(entries)
    }

    /// An entry: `Some(None)` if there is none of this name, `None` if only the index can tell.
    pub(super) fn find(
        &self,
        sources: &[Arc<DefinitionSource>],
        section: &'static str,
        name: &str,
    ) -> Option<Option<PackEntry>> {
        let Some(number) = self.sources.get(&self.hash(section, name)) else { return Some(None) };
        let source = sources.get(*number)?;
        if let DefinitionSource::BuiltIn(file) = &**source {
            let entry = file.entry(&BuiltInEntry::start(section, name))?;
            return Some(Some(PackEntry::BuiltIn(*number, entry)));
        }
        // If the file has changed since, the index decides.
        let (bytes, line) = self.entries(*number, source)?.get(&(section, Box::from(name)))?.clone();
        Some(Some(PackEntry::Slice(*number, bytes, line)))
    }
}
