//! The files of one connector, and where their entries are. Later sources override earlier ones, entry by entry;
//! overrides files change entries.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use indexmap::IndexMap;
use serde_json::Value;

use super::super::slice::slice;
use super::super::source::{BuiltInEntry, DefinitionSource};
use super::index::{Index, PackEntry};
use super::lookup::Lookup;
use crate::authoring::Document;
use crate::definition::operation::Record;
use crate::definition::read::{OtherRecords, read_record, record_schema};
use crate::error::{Error, Result};
use crate::lock::lock;

/// Files that hold no entries.
const OTHERS: [&str; 4] = ["connector.yaml", "sandbox.yaml", OVERRIDES, IMPORT];
/// Changes to the entries of other files.
pub(super) const OVERRIDES: &str = "overrides.yaml";
/// What was imported, and how.
const IMPORT: &str = "import.yaml";

#[derive(Default)]
pub(in crate::definition::catalog) struct PackFiles {
    pub(super) sources: Vec<Arc<DefinitionSource>>,
    /// The number of sources after each time that some were added.
    ends: Vec<usize>,
    index: OnceLock<Index>,
    lookup: OnceLock<Option<Lookup>>,
    /// Files that can only be read as a whole, by their numbers.
    wholes: Mutex<HashMap<usize, Arc<Document>>>,
    overrides: OnceLock<Result<Vec<Overrides>>>,
    /// Built-in parts are checked like others: all faults were requested.
    pub(super) strict: AtomicBool,
}

/// An overrides file.
#[derive(Clone)]
pub(super) struct Overrides {
    pub(super) document: Arc<Document>,
    /// Entries of sources from this number on were added later, and are not changed.
    pub(super) until: usize,
    pub(super) is_built_in: bool,
}

impl PackFiles {
    /// The same files and more.
    pub(super) fn with(&self, sources: impl IntoIterator<Item = DefinitionSource>) -> PackFiles {
        let sources: Vec<_> = self.sources.iter().cloned().chain(sources.into_iter().map(Arc::new)).collect();
        let ends = self.ends.iter().copied().chain([sources.len()]).collect();
        PackFiles { sources, ends, ..PackFiles::default() }
    }

    pub(super) fn last_named(&self, file: &str) -> Option<&DefinitionSource> {
        self.numbered(file).map(|(_, source)| source)
    }

    fn numbered(&self, file: &str) -> Option<(usize, &DefinitionSource)> {
        self.sources.iter().map(AsRef::as_ref).enumerate().rev().find(|(_, source)| source.file_name() == file)
    }

    pub(super) fn areas(&self) -> impl Iterator<Item = (usize, &DefinitionSource)> {
        self.sources.iter().map(AsRef::as_ref).enumerate().filter(|(_, s)| !OTHERS.contains(&s.file_name()))
    }

    pub(super) fn index(&self) -> &Index {
        if let Some(index) = self.index.get() {
            return index;
        }
        let mut index = Index::default();
        for (number, source) in self.areas() {
            if let DefinitionSource::BuiltIn(file) = source {
                file.entries().for_each(|entry| {
                    index.put(entry.section, Cow::Borrowed(entry.name), PackEntry::BuiltIn(number, entry));
                });
            } else if let Err(error) = index.put_file(number, source) {
                index.broken.push(error);
            }
        }
        self.index.get_or_init(|| index)
    }

    #[cfg(test)]
    pub(super) fn is_indexed(&self) -> bool {
        self.index.get().is_some()
    }

    /// Its files on disk.
    pub(in crate::definition::catalog) fn files(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(|source| source.path())
    }

    /// Whether it has files besides the built-in ones.
    pub(in crate::definition::catalog) fn has_own_files(&self) -> bool {
        self.sources.iter().any(|source| !matches!(**source, DefinitionSource::BuiltIn(_)))
    }

    /// Faults of whole files, whose entries are not known.
    pub(in crate::definition::catalog) fn broken(&self) -> &[Error] {
        &self.index().broken
    }

    pub(super) fn entry(&self, section: &'static str, name: &str) -> Option<PackEntry> {
        let is_built_in = |source: &Arc<DefinitionSource>| matches!(**source, DefinitionSource::BuiltIn(_));
        if self.index.get().is_none() && self.sources.iter().all(is_built_in) {
            return self.built_in(section, name);
        }
        if self.index.get().is_none()
            && let Some(found) = self.looked_up(section, name)
        {
            return found;
        }
        self.index().section(section).and_then(|entries| entries.get(name)).cloned()
    }

    /// An entry that can be found without the index, which keeps all files. A single file is read once.
    pub(super) fn looked_up(&self, section: &'static str, name: &str) -> Option<Option<PackEntry>> {
        self.areas().nth(1)?;
        let lookup = self.lookup.get_or_init(|| Lookup::over(self.areas())).as_ref()?;
        lookup.find(&self.sources, section, name)
    }

    /// A built-in entry, without an index: searching the names costs less than building one.
    fn built_in(&self, section: &'static str, name: &str) -> Option<PackEntry> {
        let wanted = BuiltInEntry::start(section, name);
        self.sources.iter().enumerate().rev().find_map(|(number, source)| match &**source {
            DefinitionSource::BuiltIn(file) => file.entry(&wanted).map(|entry| PackEntry::BuiltIn(number, entry)),
            DefinitionSource::Given { .. } | DefinitionSource::Later { .. } => None,
        })
    }

    pub(in crate::definition::catalog) fn has(&self, section: &'static str, name: &str) -> bool {
        self.entry(section, name).is_some()
    }

    /// Names in a section, in file order.
    pub(in crate::definition::catalog) fn names(&self, section: &'static str) -> impl Iterator<Item = &str> + use<'_> {
        self.index().section(section).into_iter().flat_map(IndexMap::keys).map(AsRef::as_ref)
    }

    /// Whether built-in parts are trusted, because they are tested.
    pub(super) fn vouches(&self) -> bool {
        !self.strict.load(Ordering::Relaxed)
    }

    /// A file that has no entries.
    pub(super) fn whole(&self, source: &DefinitionSource) -> Result<Document> {
        match source {
            DefinitionSource::BuiltIn(file) if self.vouches() => Ok(Document::built_in(file.name, file.json(), 0)),
            DefinitionSource::BuiltIn(_) | DefinitionSource::Given { .. } | DefinitionSource::Later { .. } => {
                Document::parse(source.name(), source.text()?, 0)
            }
        }
    }

    /// The last connector.yaml, with its overrides.
    pub(super) fn connector_file(&self) -> Result<Option<(Document, &str)>> {
        let Some((number, source)) = self.numbered("connector.yaml") else { return Ok(None) };
        let mut doc = self.whole(source)?;
        let is_merged = doc.is_vouched();
        for overrides in self.overrides()?.iter().filter(|overrides| number < overrides.until) {
            if !(overrides.is_built_in && is_merged) {
                doc = doc.overridden_whole(&overrides.document, "connector");
            }
        }
        Ok(Some((doc, source.name())))
    }

    /// The overrides files, in order.
    ///
    /// # Errors
    /// `definition` when one cannot be read: without it, entries would be others.
    pub(super) fn overrides(&self) -> Result<&[Overrides]> {
        let read = || -> Result<Vec<Overrides>> {
            let built_ins = self.sources.iter().filter(|s| matches!(***s, DefinitionSource::BuiltIn(_))).count();
            let files = self.sources.iter().enumerate().filter(|(_, source)| source.file_name() == OVERRIDES);
            let overrides = |(number, source): (usize, &Arc<DefinitionSource>)| {
                let is_built_in = matches!(**source, DefinitionSource::BuiltIn(_));
                let end = || self.ends.iter().copied().find(|end| *end > number).unwrap_or(usize::MAX);
                let until = if is_built_in { built_ins } else { end() };
                Ok(Overrides { document: Arc::new(self.whole(source)?), until, is_built_in })
            };
            files.map(overrides).collect()
        };
        self.overrides.get_or_init(read).as_deref().map_err(Clone::clone)
    }

    pub(super) fn whole_of(&self, number: usize, source: &DefinitionSource) -> Result<Arc<Document>> {
        if let Some(found) = lock(&self.wholes).get(&number) {
            return Ok(Arc::clone(found));
        }
        let whole = Arc::new(Document::parse(source.name(), source.text()?, 0)?);
        lock(&self.wholes).insert(number, Arc::clone(&whole));
        Ok(whole)
    }

    /// An entry with its overrides: a document with one key.
    pub(super) fn document(&self, section: &'static str, name: &str) -> Result<Option<Document>> {
        let overrides = self.overrides()?;
        let entry = self.entry(section, name);
        let number = entry.as_ref().map(PackEntry::number);
        let Some(mut doc) = self.written(section, name, entry)? else { return Ok(None) };
        let is_merged = doc.is_vouched();
        for overrides in overrides.iter().filter(|overrides| number.is_none_or(|number| number < overrides.until)) {
            if !(overrides.is_built_in && is_merged) {
                doc = doc.overridden(&overrides.document, section);
            }
        }
        Ok(Some(doc))
    }

    /// Whether the entries of a section may differ from what is written in their own files.
    pub(super) fn may_be_overridden(&self, section: &str, name: &str) -> bool {
        let changes = |overrides: &Overrides| {
            let has_patterns = section == "operations" && overrides.document.list_len("/patterns") > 0;
            !overrides.is_built_in && (has_patterns || overrides.document.has_entry(section, name))
        };
        self.overrides().is_ok_and(|all| all.iter().any(changes))
    }

    /// An entry as it is written in its own file.
    pub(super) fn written(
        &self,
        section: &'static str,
        name: &str,
        entry: Option<PackEntry>,
    ) -> Result<Option<Document>> {
        let part = |number: usize, bytes: Range<usize>, line: u64| {
            let Some(source) = self.sources.get(number) else { return Ok(None) };
            let text = source.text()?;
            match Document::parse(source.name(), text.get(bytes).unwrap_or_default(), line) {
                Ok(doc) => Ok(Some(doc)),
                // A part may refer to the rest of its file; only the whole file shows the fault.
                Err(part) => self.whole_of(number, source)?.entry(section, name).map(Some).ok_or(part),
            }
        };
        let found = match entry {
            None => None,
            Some(PackEntry::Parsed(_, doc)) => doc.entry(section, name),
            Some(PackEntry::Slice(number, bytes, line)) => part(number, bytes, line)?,
            Some(PackEntry::BuiltIn(number, entry)) if self.vouches() => {
                Some(Document::built_in(self.name_of(number), entry.json(), entry.line))
            }
            Some(PackEntry::BuiltIn(number, _)) => {
                let text = self.sources.get(number).map_or(Ok(""), |source| source.text())?;
                let slices = slice(text).unwrap_or_default();
                let slice = slices.into_iter().find(|s| s.section == section && s.name == name);
                slice.map_or(Ok(None), |slice| part(number, slice.bytes, slice.line))?
            }
        };
        Ok(found.map(|doc| doc.under(&format!("/{section}"))))
    }

    pub(super) fn name_of(&self, number: usize) -> &str {
        self.sources.get(number).map(|source| source.name()).unwrap_or_default()
    }

    /// The schema of a record, as it is written.
    pub(super) fn schema_of(&self, record: &str) -> Option<Value> {
        record_schema(&self.document("records", record).ok()??)
    }

    /// A record with the records to which it refers.
    pub(super) fn full_record(&self, name: &str, are_near: bool) -> Option<Record> {
        let doc = self.document("records", name).ok()??;
        let schema = |name: &str| self.schema_of(name);
        read_record(&doc, &OtherRecords { schema: &schema, exists: &|_| true, are_near }).ok()
    }
}
