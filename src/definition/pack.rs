//! The files of one connector and the index over them. Parses an entry when it is asked for, and once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use super::check::{Format, explain, in_file};
use super::connector::Connector;
use super::operation::{LaterRecord, Operation, Record};
use super::read_connector::read_connector;
use super::read_operation::{read_operation, read_record};
use super::sandbox::{SandboxFile, read_sandbox};
use super::slice::{Slice, slice};
use super::template::{Template, read_template};
use crate::error::{Error, ErrorKind, Fault, Result, did_you_mean};
use crate::lock::lock;
use crate::yaml::Document;

/// One definition file.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: Cow<'static, str>,
}

/// All that is known of one connector. Later sources override earlier ones, entry by entry.
#[derive(Default)]
pub(crate) struct Pack {
    pub(crate) name: String,
    sources: Vec<Source>,
    connector: OnceLock<Arc<Connector>>,
    index: OnceLock<Index>,
    operations: Mutex<HashMap<String, Arc<Operation>>>,
    records: Mutex<HashMap<String, Arc<LaterRecord>>>,
    /// Built-in parts are checked like others: somebody asks for all faults.
    strict: AtomicBool,
}

#[derive(Default)]
struct Index {
    entries: HashMap<(&'static str, String), Entry>,
    /// Names in file order, for listings.
    order: HashMap<&'static str, Vec<String>>,
}

enum Entry {
    Slice(usize, Slice),
    Parsed(Arc<Document>, &'static str),
}

impl Pack {
    pub(crate) fn new(name: &str) -> Pack {
        Pack { name: name.to_owned(), ..Pack::default() }
    }

    /// Adds a file; what was parsed before is forgotten.
    pub(crate) fn add(&mut self, source: Source) {
        self.sources.push(source);
        let sources = std::mem::take(&mut self.sources);
        *self = Pack { name: std::mem::take(&mut self.name), sources, ..Pack::default() };
    }

    fn last_named(&self, file: &str) -> Option<&Source> {
        self.sources.iter().rev().find(|s| s.name.rsplit(['/', '\\']).next() == Some(file))
    }

    fn areas(&self) -> impl Iterator<Item = (usize, &Source)> {
        let special = |s: &Source| matches!(s.name.rsplit(['/', '\\']).next(), Some("connector.yaml" | "sandbox.yaml"));
        self.sources.iter().enumerate().filter(move |(_, s)| !special(s))
    }

    pub(crate) fn connector(&self) -> Result<Arc<Connector>> {
        if let Some(connector) = self.connector.get() {
            return Ok(Arc::clone(connector));
        }
        let connector = self.own_connector()?;
        Ok(Arc::clone(self.connector.get_or_init(|| Arc::new(connector))))
    }

    fn own_connector(&self) -> Result<Connector> {
        let Some(source) = self.last_named("connector.yaml") else {
            return Err(Error::new(ErrorKind::Definition, format!("the connector {} has no connector.yaml", self.name))
                .advise(format!("add operations/{}/connector.yaml", self.name)));
        };
        let connector = read_connector(&source.name, &source.text, self.vouches(source))?;
        if connector.name != self.name {
            let message = format!("the connector is called `{}` but its folder is `{}`", connector.name, self.name);
            return Err(Error::new(ErrorKind::Definition, message).at(in_file(&source.name)));
        }
        Ok(connector)
    }

    pub(crate) fn sandbox(&self) -> Result<Option<SandboxFile>> {
        self.last_named("sandbox.yaml").map(|s| read_sandbox(&s.name, &s.text)).transpose()
    }

    fn index(&self) -> Result<&Index> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let mut index = Index::default();
        for (number, source) in self.areas() {
            match slice(&source.text) {
                Some(slices) => slices.into_iter().for_each(|s| index.put(s.section, s.name.clone(), Entry::Slice(number, s))),
                None => index.put_parsed(source)?,
            }
        }
        Ok(self.index.get_or_init(|| index))
    }

    /// Names in a section, in file order.
    pub(crate) fn names(&self, section: &'static str) -> Result<&[String]> {
        Ok(self.index()?.order.get(section).map(Vec::as_slice).unwrap_or_default())
    }

    fn vouches(&self, source: &Source) -> bool {
        matches!(source.text, Cow::Borrowed(_)) && !self.strict.load(Ordering::Relaxed)
    }

    fn document(&self, section: &'static str, name: &str) -> Result<Option<Document>> {
        match self.index()?.entries.get(&(section, name.to_owned())) {
            None => Ok(None),
            Some(Entry::Parsed(doc, section)) => Ok(doc.entry(section, name)),
            Some(Entry::Slice(number, slice)) => {
                let Some(source) = self.sources.get(*number) else { return Ok(None) };
                let text = source.text.get(slice.bytes.clone()).unwrap_or_default();
                match Document::parse_as(&source.name, text, slice.line, self.vouches(source)) {
                    Ok(doc) => Ok(Some(doc.under(&format!("/{section}")))),
                    // A part may refer to the rest of its file; the whole file then tells the truth.
                    Err(part) => Document::parse(&source.name, &source.text, 0)?.entry(section, name).map(Some).ok_or(part),
                }
            }
        }
    }

    /// The connector's and an operation's definitions.
    #[cfg(feature = "batch")]
    pub(crate) fn definition_text(&self, id: &str) -> String {
        let connector = self.last_named("connector.yaml").map(|s| s.text.as_ref()).unwrap_or_default();
        let operation = self.document("operations", id).ok().flatten().map(|doc| doc.to_value().to_string());
        format!("{connector}\n{}", operation.unwrap_or_default())
    }

    pub(crate) fn operation(&self, id: &str) -> Result<Option<Arc<Operation>>> {
        if let Some(found) = lock(&self.operations).get(id) {
            return Ok(Some(Arc::clone(found)));
        }
        let Some(doc) = self.document("operations", id)? else { return Ok(None) };
        let connector = self.connector()?;
        let operation = Arc::new(read_operation(&doc, &connector, &|name| self.later_record(name).ok().flatten())?);
        lock(&self.operations).insert(id.to_owned(), Arc::clone(&operation));
        Ok(Some(operation))
    }

    pub(crate) fn record(&self, name: &str) -> Result<Option<Arc<Record>>> {
        Ok(self.later_record(name)?.and_then(|record| LazyLock::force(&record).clone()))
    }

    /// A record; a built-in one is read when it is looked at.
    fn later_record(&self, name: &str) -> Result<Option<Arc<LaterRecord>>> {
        if let Some(found) = lock(&self.records).get(name) {
            return Ok(Some(Arc::clone(found)));
        }
        let later: LaterRecord = match self.built_in("records", name) {
            Some((file, text, line)) => LazyLock::new(Box::new(move || {
                let doc = Document::parse_as(&file, text, line, true).ok()?;
                read_record(&doc).ok().map(Arc::new)
            })),
            None => {
                let Some(doc) = self.document("records", name)? else { return Ok(None) };
                let record = Arc::new(read_record(&doc)?);
                LazyLock::new(Box::new(move || Some(record)))
            }
        };
        let later = Arc::new(later);
        lock(&self.records).insert(name.to_owned(), Arc::clone(&later));
        Ok(Some(later))
    }

    /// File, text and first line of an entry that is built in.
    fn built_in(&self, section: &'static str, name: &str) -> Option<(String, &'static str, u64)> {
        let Some(Entry::Slice(number, slice)) = self.index().ok()?.entries.get(&(section, name.to_owned())) else { return None };
        let source = self.sources.get(*number).filter(|s| self.vouches(s))?;
        let Cow::Borrowed(text) = &source.text else { return None };
        Some((source.name.clone(), text.get(slice.bytes.clone())?, slice.line))
    }

    pub(crate) fn template(&self, name: &str) -> Result<Option<Template>> {
        let Some(doc) = self.document("templates", name)? else { return Ok(None) };
        read_template(&doc, &|id| self.operation(id)?.ok_or_else(|| self.unknown_operation(id))).map(Some)
    }

    pub(crate) fn unknown_operation(&self, id: &str) -> Error {
        let names = self.names("operations").unwrap_or_default();
        let hint = did_you_mean(id, names.iter().map(String::as_str));
        Error::new(ErrorKind::UnknownOperation, format!("{} has no operation `{id}`{hint}", self.name))
            .advise(format!("`opnode operations --connector {}` lists them", self.name))
    }

    /// Every fault of every file of the connector.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.strict.store(true, Ordering::Relaxed);
        // What was read before was not checked in full.
        lock(&self.operations).clear();
        lock(&self.records).clear();
        let mut errors: Vec<Error> = Vec::new();
        errors.extend(self.own_connector().err());
        errors.extend(self.sandbox().err());
        for (_, source) in self.areas() {
            match Document::parse(&source.name, &source.text, 0) {
                Err(error) => errors.push(error),
                Ok(doc) => {
                    let format = if doc.keys("").contains(&"templates") { Format::Templates } else { Format::Operations };
                    errors.extend(top_level(format, &doc));
                }
            }
        }
        errors.extend(self.entry_errors());
        let mut faults: Vec<Fault> = Vec::new();
        for fault in errors.into_iter().flat_map(into_faults) {
            // What the file's schema said is said again by the entry's.
            if !faults.iter().any(|f| f.place.line == fault.place.line && f.place.file == fault.place.file && f.message == fault.message) {
                faults.push(fault);
            }
        }
        faults
    }

    fn entry_errors(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        let names = |section| self.names(section).unwrap_or_default();
        errors.extend(names("records").iter().filter_map(|n| self.record(n).err()));
        errors.extend(names("operations").iter().filter_map(|n| self.operation(n).err()));
        errors.extend(names("templates").iter().filter_map(|n| self.template(n).err()));
        let probe = self.connector().ok().and_then(|c| c.probe.as_ref().map(|p| p.operation.clone()));
        if let Some(probe) = probe.filter(|p| !names("operations").contains(p)) {
            let file = self.last_named("connector.yaml").map(|s| s.name.as_str()).unwrap_or_default();
            errors.push(self.unknown_operation(&probe).with(|d| {
                d.message = format!("the probe is wrong: {}", d.message);
                d.place = Some(in_file(file));
            }));
        }
        errors
    }
}

impl Index {
    fn put(&mut self, section: &'static str, name: String, entry: Entry) {
        if self.entries.insert((section, name.clone()), entry).is_none() {
            self.order.entry(section).or_default().push(name);
        }
    }

    fn put_parsed(&mut self, source: &Source) -> Result<()> {
        let doc = Arc::new(Document::parse(&source.name, &source.text, 0)?);
        let format = if doc.keys("").contains(&"templates") { Format::Templates } else { Format::Operations };
        if let Some(error) = top_level(format, &doc) {
            return Err(error);
        }
        for section in ["operations", "records", "templates"] {
            for name in doc.keys(&format!("/{section}")) {
                self.put(section, name.to_owned(), Entry::Parsed(Arc::clone(&doc), section));
            }
        }
        Ok(())
    }
}

/// Faults of a file as a whole, before its entries are looked at one by one.
fn top_level(format: Format, doc: &Document) -> Option<Error> {
    let fits = match format {
        Format::Templates => doc.read::<super::file::TemplatesFile>().map(|f| (f.version, f.templates.0.len())),
        Format::Connector | Format::Operations | Format::Connections | Format::Sandbox | Format::Batch => {
            doc.read::<super::file::OperationsFile>().map(|f| (f.version, f.operations.0.len() + f.records.0.len()))
        }
    };
    match fits {
        Err(misfit) => Some(explain(format, doc, &[], &misfit)),
        Ok((version, entries)) => {
            let mut checker = super::check::Checker::new(doc);
            super::check::version(&mut checker, version);
            if entries == 0 {
                checker.fault("", format!("the file holds no {}", format.name()), None);
            }
            checker.finish(&format!("the {} file is wrong", format.name()), Some(())).err()
        }
    }
}

/// An error's faults, or the error as one fault.
pub(crate) fn into_faults(error: Error) -> Vec<Fault> {
    if error.faults.is_empty() {
        let message = error.message.split_once(" is wrong: ").map_or(error.message.as_str(), |(_, tail)| tail).to_owned();
        return vec![Fault { place: error.place.clone().unwrap_or_default(), message, advice: error.advice.clone() }];
    }
    error.faults.clone()
}
