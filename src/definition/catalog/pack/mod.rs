//! The files of one connector, and the index over them. Parses each entry once, on demand.

mod blocks;
mod faults;
mod files;
mod hints;
mod index;
mod lookup;
mod override_faults;
mod searched;
mod summary;
mod top_level;

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use super::source::DefinitionSource;
use crate::authoring::{Document, in_file};
use crate::definition::connector::Connector;
use crate::definition::file::{SandboxFile, read_sandbox};
use crate::definition::operation::{LaterRecord, Operation, Record};
use crate::definition::read::{OtherRecords, OwnRecords, check_record, read_connector, read_operation};
use crate::definition::search::PackWords;
use crate::definition::template::{Template, read_template};
use crate::error::{Advice, Error, ErrorKind, Result, did_you_mean};
use crate::lock::lock;
#[cfg(feature = "batch")]
use files::OVERRIDES;
use files::PackFiles;
use index::PackEntry;

/// The definitions of one connector.
#[derive(Default)]
pub(super) struct Pack {
    pub(super) name: String,
    files: Arc<PackFiles>,
    connector: OnceLock<Arc<Connector>>,
    /// Its words, if it was searched.
    searched: OnceLock<PackWords>,
    operations: Mutex<HashMap<String, Arc<Operation>>>,
    records: Mutex<HashMap<String, Arc<LaterRecord>>>,
}

impl Deref for Pack {
    type Target = PackFiles;

    fn deref(&self) -> &PackFiles {
        &self.files
    }
}

impl Pack {
    pub(super) fn new(name: &str) -> Pack {
        Pack { name: name.to_owned(), ..Pack::default() }
    }

    /// Adds files; parsed entries are discarded.
    pub(super) fn add(&mut self, sources: impl IntoIterator<Item = DefinitionSource>) {
        self.files = Arc::new(self.files.with(sources));
        self.connector.take();
        self.searched.take();
        self.forget();
    }

    fn forget(&self) {
        lock(&self.operations).clear();
        lock(&self.records).clear();
    }

    pub(super) fn connector(&self) -> Result<Arc<Connector>> {
        if let Some(connector) = self.connector.get() {
            return Ok(Arc::clone(connector));
        }
        let connector = self.own_connector()?;
        Ok(Arc::clone(self.connector.get_or_init(|| Arc::new(connector))))
    }

    fn own_connector(&self) -> Result<Connector> {
        let Some((file, source)) = self.connector_file()? else {
            return Err(Error::new(
                ErrorKind::Definition,
                format!("the connector {} has no connector.yaml", self.name),
            )
            .advise(format!("add operations/{}/connector.yaml", self.name)));
        };
        let connector = read_connector(&file)?;
        if connector.name != self.name {
            let message = format!("the connector is named `{}` but its folder is `{}`", connector.name, self.name);
            return Err(Error::new(ErrorKind::Definition, message).at(in_file(source)));
        }
        Ok(connector)
    }

    pub(super) fn sandbox(&self) -> Result<Option<SandboxFile>> {
        self.last_named("sandbox.yaml").map(|s| read_sandbox(&self.whole(s)?)).transpose()
    }

    /// The connector's and an operation's definitions.
    #[cfg(feature = "batch")]
    pub(super) fn definition_text(&self, id: &str) -> String {
        let connector = self.last_named("connector.yaml").and_then(|s| s.text().ok()).unwrap_or_default();
        let own = self
            .connector_file()
            .ok()
            .flatten()
            .filter(|(doc, _)| !doc.is_vouched() && self.last_named(OVERRIDES).is_some());
        let connector = own.map_or_else(|| connector.to_owned(), |(doc, _)| doc.to_value().to_string());
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
        let schemas = OtherRecords {
            schema: &|name| self.schema_of(name),
            exists: &|name| self.has("records", name),
            are_near: !self.vouches(),
        };
        let read = read_operation(doc, &connector, &OwnRecords { record: &record, schemas });
        // An invalid record is not a missing one.
        broken.take().map_or(read, Err)
    }

    /// The OperationId of the operation with this id of the vendor.
    pub(super) fn by_vendor_id(&self, id: &str) -> Option<String> {
        let said = |name: &&str| {
            let text = match self.entry("operations", name) {
                Some(PackEntry::BuiltIn(_, entry)) => Some(entry.json()),
                Some(PackEntry::Slice(number, bytes, _)) => {
                    self.sources.get(number).and_then(|s| s.text().ok()).and_then(|text| text.get(bytes))
                }
                Some(PackEntry::Parsed(..)) | None => None,
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

    /// A record, checked by itself; it is joined with those to which it refers on first use.
    pub(super) fn later_record(&self, name: &str) -> Result<Option<Arc<LaterRecord>>> {
        if let Some(found) = lock(&self.records).get(name) {
            return Ok(Some(Arc::clone(found)));
        }
        let is_checked = matches!(self.entry("records", name), Some(PackEntry::BuiltIn(..))) && self.vouches();
        if !is_checked {
            let Some(doc) = self.document("records", name)? else { return Ok(None) };
            let exists = |name: &str| self.has("records", name);
            check_record(&doc, &OtherRecords { schema: &|_| None, exists: &exists, are_near: true })?;
        }
        let (files, own, are_near) = (Arc::clone(&self.files), name.to_owned(), !self.vouches());
        let later: LaterRecord = LazyLock::new(Box::new(move || files.full_record(&own, are_near).map(Arc::new)));
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
            let given = |file: &'static crate::definition::catalog::source::BuiltIn| DefinitionSource::Given {
                name: file.name.to_owned(),
                text: file.text().to_owned(),
            };
            // The build script has applied the overrides.
            let folder = file.name.rsplit_once('/').unwrap().0;
            let overrides = BUILT_IN.iter().find(|other| other.name == format!("{folder}/overrides.yaml"));
            let overrides = overrides.filter(|other| other.name != file.name).map(given);
            let (built_in, mut given) = (pack(DefinitionSource::BuiltIn(file)), pack(given(file)));
            given.add(overrides);
            if file.entries().next().is_none() {
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
            PackEntry::BuiltIn(..) | PackEntry::Parsed(..) => None,
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
        assert!(!pack.is_indexed());
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
