//! Finds single entries without keeping all files: a call needs one operation of thousands.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::super::slice::slice;
use super::super::source::DefinitionSource;
use super::Pack;
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
    fn over<'s>(areas: impl Iterator<Item = (usize, &'s DefinitionSource)>) -> Option<Lookup> {
        let mut lookup =
            Lookup { hasher: RandomState::new(), sources: HashMap::new(), files: Mutex::new(HashMap::new()) };
        for (number, source) in areas {
            if let DefinitionSource::BuiltIn(file) = source {
                file.entries.iter().for_each(|entry| lookup.put(entry.section, entry.name, number));
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
}

impl Pack {
    /// An entry, if it can be found without the index: `Some(None)` if there is none of this name.
    pub(super) fn looked_up(&self, section: &'static str, name: &str) -> Option<Option<PackEntry>> {
        let lookup = self.lookup.get_or_init(|| Lookup::over(self.areas())).as_ref()?;
        let Some(number) = lookup.sources.get(&lookup.hash(section, name)) else { return Some(None) };
        let source = self.sources.get(*number)?;
        if let DefinitionSource::BuiltIn(file) = source {
            let entry = file.entries.iter().find(|entry| entry.section == section && entry.name == name)?;
            return Some(Some(PackEntry::BuiltIn(*number, entry)));
        }
        // If the file has changed since, the index decides.
        let (bytes, line) = lookup.entries(*number, source)?.get(&(section, Box::from(name)))?.clone();
        Some(Some(PackEntry::Slice(*number, bytes, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::PackEntry;
    use super::Pack;
    use crate::definition::catalog::source::DefinitionSource;

    const ONE: &str = "version: 1\noperations:\n  a: { title: first }\n  b: { title: first }\nrecords:\n  b: {}\n";
    const TWO: &str = "version: 1\noperations:\n  a: { title: second }\n";

    fn pack(texts: &[&str]) -> Pack {
        let mut pack = Pack::new("p");
        let given = |text: &&str| DefinitionSource::Given { name: "a.yaml".to_owned(), text: (*text).to_owned() };
        pack.add(texts.iter().map(given));
        pack
    }

    fn place(entry: Option<PackEntry>) -> Option<(usize, usize)> {
        match entry? {
            PackEntry::Slice(number, bytes, _) => Some((number, bytes.start)),
            PackEntry::BuiltIn(..) | PackEntry::Parsed(_) => None,
        }
    }

    #[test]
    fn the_lookup_finds_what_the_index_finds() {
        let (pack, indexed) = (pack(&[ONE, TWO]), pack(&[ONE, TWO]));
        indexed.index();
        for (section, name) in
            [("operations", "a"), ("operations", "b"), ("records", "b"), ("records", "a"), ("operations", "c")]
        {
            let found = place(pack.looked_up(section, name).unwrap());
            assert_eq!(found, place(indexed.entry(section, name)), "{section} {name}");
        }
        assert_eq!(place(pack.entry("operations", "a")).unwrap().0, 1, "the last source overrides");
        assert!(pack.index.get().is_none());
    }

    #[test]
    fn a_file_that_needs_a_full_parse_is_left_to_the_index() {
        let pack = pack(&[ONE, "{ version: 1, operations: { c: { title: third } } }"]);
        assert!(pack.looked_up("operations", "a").is_none());
        assert!(pack.has("operations", "c") && pack.has("operations", "a") && !pack.has("operations", "d"));
    }

    #[test]
    fn a_file_that_changes_after_the_first_look_is_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let later = |file: &std::path::Path| {
            let path = file.to_owned();
            DefinitionSource::later("a.yaml".to_owned(), path.clone(), move || {
                Ok(std::fs::read_to_string(&path).unwrap())
            })
        };
        for (changed, found) in [
            (ONE, true),
            ("version: 1\noperations:\n  x: {}\n  a: { title: moved }\n", true),
            (TWO, true),
            ("version: 1\noperations:\n  c: {}\n", false),
            ("a: [", false),
            ("", false),
        ] {
            std::fs::write(file.path(), ONE).unwrap();
            let mut pack = Pack::new("p");
            pack.add([later(file.path())]);
            assert!(pack.looked_up("operations", "none").unwrap().is_none());
            std::fs::write(file.path(), changed).unwrap();
            let doc = pack.document("operations", "a").unwrap();
            assert_eq!(doc.is_some(), found, "{changed}");
            assert!(doc.is_none_or(|doc| doc.keys("") == ["a"]), "{changed}");
        }
    }
}
