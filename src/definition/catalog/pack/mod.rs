//! The files of one connector, and the index over them. Parses each entry once, on demand.

mod blocks;
mod faults;
mod hints;
mod index;
mod lookup;
mod searched;
mod summary;
mod top_level;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use indexmap::IndexMap;

use super::slice::slice;
use super::source::DefinitionSource;
use crate::authoring::{Document, in_file};
use crate::definition::connector::Connector;
use crate::definition::file::{SandboxFile, read_sandbox};
use crate::definition::operation::{LaterRecord, Operation, Record};
use crate::definition::read::{may_refer, read_connector, read_operation, read_record, record_schema};
use crate::definition::search::PackWords;
use crate::definition::template::{Template, read_template};
use crate::error::{Advice, Error, ErrorKind, Result, did_you_mean};
use crate::lock::lock;
use index::{Index, PackEntry};
use lookup::Lookup;

/// The definitions of one connector. Later sources override earlier ones, entry by entry.
#[derive(Default)]
pub(super) struct Pack {
    pub(super) name: String,
    sources: Vec<DefinitionSource>,
    connector: OnceLock<Arc<Connector>>,
    index: OnceLock<Index>,
    lookup: OnceLock<Option<Lookup>>,
    /// Its words, if it was searched.
    searched: OnceLock<PackWords>,
    operations: Mutex<HashMap<String, Arc<Operation>>>,
    records: Mutex<HashMap<String, Arc<LaterRecord>>>,
    /// Files that can only be read as a whole, by their numbers.
    wholes: Mutex<HashMap<usize, Arc<Document>>>,
    /// Built-in parts are checked like others: all faults were requested.
    strict: AtomicBool,
}

impl Pack {
    pub(super) fn new(name: &str) -> Pack {
        Pack { name: name.to_owned(), ..Pack::default() }
    }

    /// Adds files; parsed entries are discarded.
    pub(super) fn add(&mut self, sources: impl IntoIterator<Item = DefinitionSource>) {
        self.sources.extend(sources);
        self.connector.take();
        self.index.take();
        self.lookup.take();
        self.searched.take();
        self.forget();
    }

    fn forget(&self) {
        lock(&self.operations).clear();
        lock(&self.records).clear();
        lock(&self.wholes).clear();
    }

    fn last_named(&self, file: &str) -> Option<&DefinitionSource> {
        self.sources.iter().rev().find(|s| s.file_name() == file)
    }

    fn areas(&self) -> impl Iterator<Item = (usize, &DefinitionSource)> {
        self.sources.iter().enumerate().filter(|(_, s)| !matches!(s.file_name(), "connector.yaml" | "sandbox.yaml"))
    }

    pub(super) fn connector(&self) -> Result<Arc<Connector>> {
        if let Some(connector) = self.connector.get() {
            return Ok(Arc::clone(connector));
        }
        let connector = self.own_connector()?;
        Ok(Arc::clone(self.connector.get_or_init(|| Arc::new(connector))))
    }

    fn own_connector(&self) -> Result<Connector> {
        let Some(source) = self.last_named("connector.yaml") else {
            return Err(Error::new(
                ErrorKind::Definition,
                format!("the connector {} has no connector.yaml", self.name),
            )
            .advise(format!("add operations/{}/connector.yaml", self.name)));
        };
        let connector = read_connector(&self.whole(source)?)?;
        if connector.name != self.name {
            let message = format!("the connector is named `{}` but its folder is `{}`", connector.name, self.name);
            return Err(Error::new(ErrorKind::Definition, message).at(in_file(source.name())));
        }
        Ok(connector)
    }

    pub(super) fn sandbox(&self) -> Result<Option<SandboxFile>> {
        self.last_named("sandbox.yaml").map(|s| read_sandbox(&self.whole(s)?)).transpose()
    }

    fn index(&self) -> &Index {
        if let Some(index) = self.index.get() {
            return index;
        }
        let mut index = Index::default();
        for (number, source) in self.areas() {
            if let DefinitionSource::BuiltIn(file) = source {
                file.entries
                    .iter()
                    .for_each(|e| index.put(e.section, Cow::Borrowed(e.name), PackEntry::BuiltIn(number, e)));
            } else if let Err(error) = index.put_file(number, source) {
                index.broken.push(error);
            }
        }
        self.index.get_or_init(|| index)
    }

    /// Its files on disk.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(DefinitionSource::path)
    }

    /// Faults of whole files, whose entries are not known.
    pub(super) fn broken(&self) -> &[Error] {
        &self.index().broken
    }

    fn entry(&self, section: &'static str, name: &str) -> Option<PackEntry> {
        if self.index.get().is_none() && self.sources.iter().all(|s| matches!(s, DefinitionSource::BuiltIn(_))) {
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
    fn looked_up(&self, section: &'static str, name: &str) -> Option<Option<PackEntry>> {
        self.areas().nth(1)?;
        let lookup = self.lookup.get_or_init(|| Lookup::over(self.areas())).as_ref()?;
        lookup.find(&self.sources, section, name)
    }

    /// A built-in entry, without an index: searching some hundred names costs less than building one.
    fn built_in(&self, section: &'static str, name: &str) -> Option<PackEntry> {
        self.sources.iter().enumerate().rev().find_map(|(number, source)| match source {
            DefinitionSource::BuiltIn(file) => file
                .entries
                .iter()
                .find(|e| e.name == name && e.section == section)
                .map(|e| PackEntry::BuiltIn(number, e)),
            DefinitionSource::Given { .. } | DefinitionSource::Later { .. } => None,
        })
    }

    pub(super) fn has(&self, section: &'static str, name: &str) -> bool {
        self.entry(section, name).is_some()
    }

    /// Names in a section, in file order.
    pub(super) fn names(&self, section: &'static str) -> impl Iterator<Item = &str> + use<'_> {
        self.index().section(section).into_iter().flat_map(IndexMap::keys).map(AsRef::as_ref)
    }

    /// Whether built-in parts are trusted, because they are tested.
    fn vouches(&self) -> bool {
        !self.strict.load(Ordering::Relaxed)
    }

    /// A file that has no entries.
    fn whole(&self, source: &DefinitionSource) -> Result<Document> {
        match source {
            DefinitionSource::BuiltIn(file) if self.vouches() => Ok(Document::built_in(file.name, file.json, 0)),
            DefinitionSource::BuiltIn(_) | DefinitionSource::Given { .. } | DefinitionSource::Later { .. } => {
                Document::parse(source.name(), source.text()?, 0)
            }
        }
    }

    fn whole_of(&self, number: usize, source: &DefinitionSource) -> Result<Arc<Document>> {
        if let Some(found) = lock(&self.wholes).get(&number) {
            return Ok(Arc::clone(found));
        }
        let whole = Arc::new(Document::parse(source.name(), source.text()?, 0)?);
        lock(&self.wholes).insert(number, Arc::clone(&whole));
        Ok(whole)
    }

    fn document(&self, section: &'static str, name: &str) -> Result<Option<Document>> {
        let part = |number: usize, bytes: Range<usize>, line: u64| {
            let Some(source) = self.sources.get(number) else { return Ok(None) };
            let text = source.text()?;
            match Document::parse(source.name(), text.get(bytes).unwrap_or_default(), line) {
                Ok(doc) => Ok(Some(doc)),
                // A part may refer to the rest of its file; only the whole file shows the fault.
                Err(part) => self.whole_of(number, source)?.entry(section, name).map(Some).ok_or(part),
            }
        };
        let found = match self.entry(section, name) {
            None => None,
            Some(PackEntry::Parsed(doc)) => doc.entry(section, name),
            Some(PackEntry::Slice(number, bytes, line)) => part(number, bytes, line)?,
            Some(PackEntry::BuiltIn(number, entry)) if self.vouches() => {
                Some(Document::built_in(self.name_of(number), entry.json, entry.line))
            }
            Some(PackEntry::BuiltIn(number, _)) => {
                let text = self.sources.get(number).map_or(Ok(""), DefinitionSource::text)?;
                let slices = slice(text).unwrap_or_default();
                let slice = slices.into_iter().find(|s| s.section == section && s.name == name);
                slice.map_or(Ok(None), |slice| part(number, slice.bytes, slice.line))?
            }
        };
        Ok(found.map(|doc| doc.under(&format!("/{section}"))))
    }

    fn name_of(&self, number: usize) -> &str {
        self.sources.get(number).map(DefinitionSource::name).unwrap_or_default()
    }

    /// The connector's and an operation's definitions.
    #[cfg(feature = "batch")]
    pub(super) fn definition_text(&self, id: &str) -> String {
        let connector = self.last_named("connector.yaml").and_then(|s| s.text().ok()).unwrap_or_default();
        let operation = self.document("operations", id).ok().flatten().map(|doc| doc.to_value().to_string());
        format!("{connector}\n{}", operation.unwrap_or_default())
    }

    pub(super) fn operation(&self, id: &str) -> Result<Option<Arc<Operation>>> {
        if let Some(found) = lock(&self.operations).get(id) {
            return Ok(Some(Arc::clone(found)));
        }
        let Some(doc) = self.document("operations", id)? else {
            return match self.by_vendor_id(id) {
                Some(own) => self.operation(&own),
                None => Ok(None),
            };
        };
        let operation = Arc::new(self.read(&doc)?);
        lock(&self.operations).insert(id.to_owned(), Arc::clone(&operation));
        Ok(Some(operation))
    }

    fn read(&self, doc: &Document) -> Result<Operation> {
        let connector = self.connector()?;
        let broken = Cell::new(None);
        let record = |name: &str| {
            self.later_record(name).unwrap_or_else(|error| {
                broken.set(Some(error));
                None
            })
        };
        let read = read_operation(doc, &connector, &record);
        // An invalid record is not a missing one.
        broken.take().map_or(read, Err)
    }

    /// The OperationId of the operation with this id of the vendor.
    pub(super) fn by_vendor_id(&self, id: &str) -> Option<String> {
        let said = |name: &&str| {
            let text = match self.entry("operations", name) {
                Some(PackEntry::BuiltIn(_, entry)) => Some(entry.json),
                Some(PackEntry::Slice(number, bytes, _)) => {
                    self.sources.get(number).and_then(|s| s.text().ok()).and_then(|text| text.get(bytes))
                }
                Some(PackEntry::Parsed(_)) | None => None,
            };
            // Most entries are excluded without parsing them.
            if text.is_some_and(|text| !text.contains("vendor_id") || !text.contains(id)) {
                return false;
            }
            let written = self.document("operations", name).ok().flatten().map(|doc| doc.to_value());
            let own = |value: &serde_json::Value| value.get(*name)?.get("vendor_id")?.as_str().map(|own| own == id);
            written.as_ref().and_then(own) == Some(true)
        };
        self.names("operations").find(said).map(str::to_owned)
    }

    pub(super) fn record(&self, name: &str) -> Result<Option<Arc<Record>>> {
        Ok(self.later_record(name)?.and_then(|record| LazyLock::force(&record).clone()))
    }

    /// A record; a built-in one is parsed on first use.
    fn later_record(&self, name: &str) -> Result<Option<Arc<LaterRecord>>> {
        if let Some(found) = lock(&self.records).get(name) {
            return Ok(Some(Arc::clone(found)));
        }
        let later: LaterRecord = match self.entry("records", name) {
            Some(PackEntry::BuiltIn(number, entry)) if self.vouches() && !may_refer(entry.json) => {
                let file = self.name_of(number).to_owned();
                LazyLock::new(Box::new(move || {
                    read_record(&Document::built_in(&file, entry.json, entry.line), &|_| None).ok().map(Arc::new)
                }))
            }
            _ => {
                let Some(doc) = self.document("records", name)? else { return Ok(None) };
                let other = |name: &str| record_schema(&self.document("records", name).ok()??);
                let record = Arc::new(read_record(&doc, &other)?);
                LazyLock::new(Box::new(move || Some(record)))
            }
        };
        let later = Arc::new(later);
        lock(&self.records).insert(name.to_owned(), Arc::clone(&later));
        Ok(Some(later))
    }

    pub(super) fn template(&self, name: &str) -> Result<Option<Template>> {
        let Some(doc) = self.document("templates", name)? else { return Ok(None) };
        read_template(&doc, &|id| self.operation(id)?.ok_or_else(|| self.unknown_operation(id))).map(Some)
    }

    pub(super) fn unknown_operation(&self, id: &str) -> Error {
        // It may be in a file that cannot be read.
        if let Some(error) = self.broken().first() {
            return error.clone();
        }
        let hint = did_you_mean(id, self.names("operations"));
        Error::new(ErrorKind::UnknownOperation, format!("{} has no operation `{id}`{hint}", self.name))
            .advise(Advice::ListOperations(Some(self.name.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::{Pack, PackEntry};
    use crate::definition::catalog::slice::SECTIONS;
    use crate::definition::catalog::source::{BUILT_IN, DefinitionSource};

    /// The build script's result equals that of the YAML reader, in the same order.
    #[test]
    fn built_in_definitions_match_their_files() {
        let mut entries = 0;
        for file in BUILT_IN {
            let pack = |source| {
                let mut pack = Pack::new("p");
                pack.add([source]);
                pack
            };
            let (built_in, given) = (
                pack(DefinitionSource::BuiltIn(file)),
                pack(DefinitionSource::Given { name: file.name.to_owned(), text: file.text.to_owned() }),
            );
            if file.entries.is_empty() {
                let whole = |pack: &Pack| pack.whole(&pack.sources[0]).unwrap().outline();
                assert_eq!(whole(&built_in), whole(&given), "{}", file.name);
                continue;
            }
            for section in SECTIONS {
                let names = |pack: &Pack| pack.names(section).map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(names(&built_in), names(&given), "{}", file.name);
                for name in names(&given) {
                    let entry = |pack: &Pack| pack.document(section, &name).unwrap().unwrap().outline();
                    assert_eq!(entry(&built_in), entry(&given), "{}: {name}", file.name);
                    entries += 1;
                }
            }
        }
        assert!(entries > 195, "{entries}");
    }

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
            pack.add([
                DefinitionSource::Given {
                    name: "b.yaml".to_owned(),
                    text: "version: 1\nrecords:\n  r: {}\n".to_owned(),
                },
                later(file.path()),
            ]);
            assert!(pack.looked_up("operations", "none").unwrap().is_none());
            std::fs::write(file.path(), changed).unwrap();
            let doc = pack.document("operations", "a").unwrap();
            assert_eq!(doc.is_some(), found, "{changed}");
            assert!(doc.is_none_or(|doc| doc.keys("") == ["a"]), "{changed}");
        }
    }
}
