//! The catalogue: maps OperationIds to operations, over built-in packs and the host's folders. Reads a folder only on
//! request.

mod find;
mod listing;
mod pack;
mod records;
#[cfg(feature = "sandbox")]
mod routes;
mod slice;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::connector::Connector;
use super::file::SandboxFile;
use super::operation::{Operation, Record};
use super::template::Template;
use crate::authoring::in_file;
use crate::authoring::yaml::BYTES_MAX;
use crate::error::{Advice, Error, ErrorKind, Fault, Result, did_you_mean, io_text};
pub use find::{Hit, Hits, Search};
pub use listing::OperationList;
use pack::Pack;
pub use records::RecordUses;
#[cfg(feature = "sandbox")]
pub(crate) use routes::OperationRoute;
use source::{BUILT_IN, DefinitionSource};

/// All connectors, operations and templates of an engine.
///
/// ```
/// use opnode::{Catalog, ErrorKind, Method};
///
/// let mut catalog = Catalog::empty();
/// catalog.add_folder("examples/definitions".as_ref())?;
/// assert!(catalog.faults(&[]).is_empty());
/// let connector = catalog.connector("acme-desk")?;
/// let names: Vec<&str> = connector.properties.iter().map(|property| property.name.as_str()).collect();
/// assert_eq!(names, ["siteUrl", "username", "password"]);
///
/// let operation = catalog.operation(Some("acme-desk"), "createTicket")?;
/// assert_eq!((operation.method, operation.request_line().as_str()), (Method::Mutate, "POST /tickets"));
/// assert_eq!(catalog.template(None, "open-tickets")?.operation.id, "getTickets");
///
/// let error = catalog.operation(None, "getTicketz").err().unwrap();
/// assert_eq!(error.kind(), ErrorKind::UnknownOperation);
/// assert!(error.message.contains("did you mean `getTicket"));
/// # Ok::<(), opnode::Error>(())
/// ```
pub struct Catalog {
    packs: BTreeMap<String, Pack>,
}

impl Catalog {
    /// A catalogue without connectors.
    #[must_use]
    pub fn empty() -> Catalog {
        Catalog { packs: BTreeMap::new() }
    }

    /// The built-in connectors. Parses nothing.
    #[must_use]
    pub fn builtin() -> Catalog {
        let mut catalog = Catalog::empty();
        for file in BUILT_IN {
            // Names come from the build script and are valid.
            if let Some(connector) = file.name.split('/').nth(1) {
                catalog.put(connector, [DefinitionSource::BuiltIn(file)]);
            }
        }
        catalog
    }

    fn put(&mut self, connector: &str, sources: impl IntoIterator<Item = DefinitionSource>) {
        if !self.packs.contains_key(connector) {
            self.packs.insert(connector.to_owned(), Pack::new(connector));
        }
        if let Some(pack) = self.packs.get_mut(connector) {
            pack.add(sources);
        }
    }

    /// Adds one file; its entries override existing ones: `connector.yaml`, `sandbox.yaml`, or a file of operations,
    /// records or templates. `file` is the name in errors.
    pub fn add(&mut self, connector: &str, file: impl Into<String>, text: impl Into<String>) {
        self.put(connector, [DefinitionSource::Given { name: file.into(), text: text.into() }]);
    }

    /// Adds a folder with `operations/<connector>/*.yaml` and `templates/<connector>/*.yaml`. Entries override those
    /// with the same name.
    ///
    /// The first request looks through all files of a connector, and keeps those of the entries in use: a call holds
    /// one file of a large catalogue. A file that is kept is not read again.
    ///
    /// # Errors
    /// `definition` when the folder contains neither, or cannot be listed.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let mut found = false;
        // The process may have changed its working folder before a file is read.
        let here = if folder.is_relative() { std::env::current_dir().unwrap_or_default() } else { PathBuf::new() };
        for kind in ["operations", "templates"] {
            let root = folder.join(kind);
            match std::fs::metadata(&root) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => continue,
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && folder.is_dir() => continue,
                Err(_) if !folder.is_dir() => return Err(no_folder(folder)),
                Err(cause) => return Err(unreadable(&root.display().to_string(), &cause)),
            }
            for connector in list(&root)?.into_iter().filter(|p| p.is_dir()) {
                let name = connector.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                let files =
                    list(&connector)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml"));
                let sources: Vec<DefinitionSource> = files
                    .map(|file| {
                        let name = file.to_string_lossy().into_owned();
                        let path = here.join(file);
                        DefinitionSource::later(name.clone(), path.clone(), move || read(&path, &name))
                    })
                    .collect();
                if !sources.is_empty() {
                    self.put(&name, sources);
                    found = true;
                }
            }
        }
        if found {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Definition, format!("{} contains no definitions", folder.display()))
            .at(in_file(&folder.display().to_string()))
            .advise("it should contain operations/<connector>/connector.yaml, operations/<connector>/<area>.yaml and templates/<connector>/<area>.yaml"))
    }

    /// The definition files on disk, which outputs must not overwrite.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.packs.values().flat_map(|pack| pack.files())
    }

    /// Names of the connectors.
    pub fn connector_names(&self) -> impl Iterator<Item = &str> {
        self.packs.keys().map(String::as_str)
    }

    /// Names of the connectors that have files besides the built-in ones.
    pub fn own_connector_names(&self) -> impl Iterator<Item = &str> {
        self.packs.values().filter(|pack| pack.has_own_files()).map(|pack| pack.name.as_str())
    }

    fn pack(&self, connector: &str) -> Result<&Pack> {
        self.packs.get(connector).ok_or_else(|| {
            let hint = did_you_mean(connector, self.connector_names());
            Error::new(ErrorKind::UnknownOperation, format!("no connector is called `{connector}`{hint}"))
                .advise(Advice::ListConnectors)
        })
    }

    /// The text of an operation's definition, for digests.
    #[cfg(feature = "batch")]
    pub(crate) fn definition_text(&self, connector: &str, id: &str) -> String {
        self.packs.get(connector).map(|pack| pack.definition_text(id)).unwrap_or_default()
    }

    /// A connector by name.
    ///
    /// # Errors
    /// `unknown_operation` with the nearest name; `definition` when its file is invalid.
    pub fn connector(&self, name: &str) -> Result<Arc<Connector>> {
        self.pack(name)?.connector()
    }

    /// An operation: by OperationId within a connector, as `connector/operationId`, or by an OperationId that only one
    /// connector has.
    ///
    /// # Errors
    /// `unknown_operation` with the nearest name; `definition` when its definition is invalid.
    pub fn operation(&self, connector: Option<&str>, id: &str) -> Result<Arc<Operation>> {
        let (connector, id) = self.split(connector, id)?;
        if let Some(connector) = connector {
            let pack = self.pack(connector)?;
            return pack.operation(id)?.ok_or_else(|| pack.unknown_operation(id));
        }
        let mut holders = self.holders("operations", id);
        if holders.is_empty() {
            holders = self.packs.values().filter(|pack| pack.by_vendor_id(id).is_some()).collect();
        }
        match holders.as_slice() {
            [one] => one.operation(id)?.ok_or_else(|| one.unknown_operation(id)),
            [] if !self.holders("templates", id).is_empty() => {
                Err(Error::new(ErrorKind::UnknownOperation, format!("`{id}` is a template, not an operation")))
            }
            [] => {
                let names = self.all_names("operations");
                let hint = did_you_mean(id, names);
                Err(Error::new(ErrorKind::UnknownOperation, format!("no connector has an operation `{id}`{hint}"))
                    .advise(self.with_broken(Advice::ListOperations(None))))
            }
            several => Err(ambiguous("operation", id, several)),
        }
    }

    /// A curated template by name, or an operation's automatic one by OperationId.
    ///
    /// # Errors
    /// `unknown_operation` with the nearest name; `definition` when the template is invalid.
    pub fn template(&self, connector: Option<&str>, name: &str) -> Result<Template> {
        let (connector, name) = self.split(connector, name)?;
        let packs = match connector {
            Some(connector) => vec![self.pack(connector)?],
            None => self.holders("templates", name),
        };
        match packs.as_slice() {
            [one] => {
                if let Some(template) = one.template(name)? {
                    return Ok(template);
                }
            }
            [] => {}
            several => return Err(ambiguous("template", name, several)),
        }
        match self.operation(connector, name) {
            Ok(operation) => Ok(Template::automatic(&operation)),
            Err(error) if error.kind() != ErrorKind::UnknownOperation => Err(error),
            Err(_) => {
                let names = self.all_names("templates");
                let hint = did_you_mean(name, names);
                Err(Error::new(ErrorKind::UnknownOperation, format!("no template is called `{name}`{hint}"))
                    .advise(self.with_broken(Advice::ListTemplates)))
            }
        }
    }

    /// The OperationIds of a connector, in file order. Does not parse the operations.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector; `definition` when a whole file is invalid.
    pub fn operation_ids(&self, connector: &str) -> Result<impl Iterator<Item = &str> + use<'_>> {
        self.all_of(connector, "operations")
    }

    /// The names of a connector's curated templates, in file order. Does not parse the templates.
    ///
    /// # Errors
    /// As [`operation_ids`](Self::operation_ids).
    pub fn template_names(&self, connector: &str) -> Result<impl Iterator<Item = &str> + use<'_>> {
        self.all_of(connector, "templates")
    }

    fn all_of(&self, connector: &str, section: &'static str) -> Result<impl Iterator<Item = &str> + use<'_>> {
        let pack = self.pack(connector)?;
        pack.broken().first().map_or(Ok(()), |error| Err(error.clone()))?;
        Ok(pack.names(section))
    }

    /// All operations of a connector, in file order.
    ///
    /// # Errors
    /// `definition` when one of them is invalid.
    pub fn operations(&self, connector: &str) -> Result<Vec<Arc<Operation>>> {
        let (good, errors) = self.sound_operations(connector)?;
        errors.into_iter().next().map_or(Ok(good), Err)
    }

    /// The valid operations of a connector, in file order, and the faults of the others.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub fn sound_operations(&self, connector: &str) -> Result<(Vec<Arc<Operation>>, Vec<Error>)> {
        self.pack(connector).map(|pack| sound(pack, "operations", |id| pack.operation(id)))
    }

    /// All curated templates of a connector, in file order.
    ///
    /// # Errors
    /// `definition` when one of them is invalid.
    pub fn templates(&self, connector: &str) -> Result<Vec<Template>> {
        let (good, errors) = self.sound_templates(connector)?;
        errors.into_iter().next().map_or(Ok(good), Err)
    }

    /// The valid curated templates of a connector, in file order, and the faults of the others.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub fn sound_templates(&self, connector: &str) -> Result<(Vec<Template>, Vec<Error>)> {
        self.pack(connector).map(|pack| sound(pack, "templates", |name| pack.template(name)))
    }

    /// A record definition by name.
    ///
    /// # Errors
    /// `definition` when it is invalid.
    pub fn record(&self, connector: &str, name: &str) -> Result<Option<Arc<Record>>> {
        self.pack(connector)?.record(name)
    }

    /// The sandbox file of a connector, if its pack has one.
    ///
    /// # Errors
    /// `definition` when the file is invalid.
    pub fn sandbox(&self, connector: &str) -> Result<Option<SandboxFile>> {
        self.pack(connector)?.sandbox()
    }

    /// Every authoring fault of the given connectors (all if empty), each with its place.
    #[must_use]
    pub fn faults(&self, connectors: &[&str]) -> Vec<Fault> {
        let chosen = |name: &str| connectors.is_empty() || connectors.contains(&name);
        self.packs.values().filter(|p| chosen(&p.name)).flat_map(Pack::faults).collect()
    }

    /// What may be a mistake in the given connectors (all if empty), each with its place. Built-in files are left out.
    #[must_use]
    pub fn hints(&self, connectors: &[&str]) -> Vec<Fault> {
        let chosen = |name: &str| connectors.is_empty() || connectors.contains(&name);
        self.packs.values().filter(|p| chosen(&p.name)).flat_map(Pack::hints).collect()
    }

    /// `connector/operationId` is the full name.
    fn split<'n>(&self, connector: Option<&'n str>, name: &'n str) -> Result<(Option<&'n str>, &'n str)> {
        match (connector, name.split_once('/')) {
            (_, None) => Ok((connector, name)),
            // An id may have a slash itself.
            (Some(own), Some((prefix, _))) if prefix != own && !self.packs.contains_key(prefix) => {
                Ok((connector, name))
            }
            (Some(own), Some(_)) if self.packs.get(own).is_some_and(|pack| pack.has("operations", name)) => {
                Ok((connector, name))
            }
            (None, Some((prefix, _))) if !self.packs.contains_key(prefix) && self.is_id(name) => Ok((None, name)),
            (None, Some((prefix, id))) => Ok((Some(prefix), id)),
            (Some(connector), Some((prefix, id))) if prefix == connector => Ok((Some(connector), id)),
            (Some(connector), Some((prefix, _))) => Err(Error::new(
                ErrorKind::UnknownOperation,
                format!("`{name}` belongs to {prefix}, but the connection is for {connector}"),
            )
            .advise(format!("use a connection to {prefix}"))),
        }
    }

    /// Whether an operation has this id, its own or the vendor's.
    fn is_id(&self, name: &str) -> bool {
        self.packs.values().any(|pack| pack.has("operations", name) || pack.by_vendor_id(name).is_some())
    }

    fn holders(&self, section: &'static str, name: &str) -> Vec<&Pack> {
        self.packs.values().filter(|pack| pack.has(section, name)).collect()
    }

    fn all_names(&self, section: &'static str) -> impl Iterator<Item = &str> {
        self.packs.values().flat_map(move |p| p.names(section))
    }

    /// Advice for an unknown name: it may be in a file that cannot be read.
    fn with_broken(&self, advice: Advice) -> Advice {
        let broken = self.packs.values().find_map(|pack| pack.broken().first());
        let place = broken.and_then(|error| error.place.as_ref().or_else(|| error.faults.first().map(|f| &f.place)));
        match place.and_then(|p| p.file.as_ref()) {
            Some(file) => advice
                .and(format!("the definitions in {file} are not among them, because the file is invalid"))
                .and(Advice::CheckFile(file.clone())),
            None => advice,
        }
    }
}

/// The valid entries of a pack, and the faults of the others. A fault of the connector is reported once.
fn sound<T>(pack: &Pack, section: &'static str, read: impl Fn(&str) -> Result<Option<T>>) -> (Vec<T>, Vec<Error>) {
    if let Err(error) = pack.connector() {
        return (Vec::new(), vec![error]);
    }
    let (mut good, mut errors) = (Vec::new(), pack.broken().to_vec());
    for name in pack.names(section) {
        match read(name) {
            Ok(found) => good.extend(found),
            Err(error) => errors.push(error),
        }
    }
    (good, errors)
}

fn ambiguous(what: &str, name: &str, packs: &[&Pack]) -> Error {
    let full: Vec<String> = packs.iter().map(|p| format!("{}/{name}", p.name)).collect();
    Error::new(ErrorKind::UnknownOperation, format!("several connectors have {what} `{name}`"))
        .advise(format!("write {}", full.join(" or ")))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let shown = folder.display().to_string();
    let entries = std::fs::read_dir(folder).map_err(|e| unreadable(&shown, &e))?;
    let mut paths = entries
        .map(|e| e.map(|e| e.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(|e| unreadable(&shown, &e))?;
    paths.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(paths)
}

fn read(file: &Path, shown: &str) -> Result<String> {
    let wrong =
        |why: &str| Error::new(ErrorKind::Definition, format!("{shown} cannot be read: {why}")).at(in_file(shown));
    let meta = std::fs::metadata(file).map_err(|e| unreadable(shown, &e))?;
    if !meta.is_file() {
        return Err(wrong("it is not a regular file"));
    }
    if meta.len() > BYTES_MAX as u64 {
        return Err(wrong(&format!("it is larger than the limit yaml_bytes ({BYTES_MAX})"))
            .advise("split the file; this limit is fixed"));
    }
    std::fs::read_to_string(file).map_err(|e| unreadable(shown, &e))
}

/// The error for a path that is not a readable folder.
fn no_folder(folder: &Path) -> Error {
    let shown = folder.display().to_string();
    match std::fs::metadata(folder) {
        Err(cause) => unreadable(&shown, &cause),
        Ok(_) => Error::new(ErrorKind::Definition, format!("{shown} is not a folder")).at(in_file(&shown)),
    }
}

fn unreadable(file: &str, cause: &std::io::Error) -> Error {
    Error::new(ErrorKind::Definition, format!("{file} cannot be read: {}", io_text(cause)))
        .at(in_file(file))
        .advise("check that the file exists and that you may read it")
}
