//! `check FILES`: finds the format and the connector of each file. Files are checked together with the rest of their connector.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::connections::{connections_file, unreadable};
use crate::authoring::Document;
use crate::batch::{Batch, BatchConfig};
use crate::cli::app::App;
use crate::cli::batch_test::test_file_faults;
use crate::cli::connections::file::default_file;
use crate::cli::output::standard_output;
use crate::cli::screen::terminal_text;
use crate::connection::ConnectionSpec;
use crate::definition::Catalog;
use crate::error::{Error, Fault, Place};
use crate::formats::Format;
use crate::text_file::read_text;
use crate::{Engine, EngineConfig};

/// What a check found.
pub(super) struct Checked {
    pub(super) faults: Vec<Fault>,
    pub(super) hints: Vec<Fault>,
    /// What was checked, in words.
    pub(super) what: String,
}

/// A file of the command line, with its format.
pub(crate) struct NamedFile {
    typed: PathBuf,
    real: PathBuf,
    pub(crate) format: Format,
    text: String,
}

/// Checks the named files.
pub(super) fn check(app: &App, mut catalog: Catalog, files: &[PathBuf]) -> Checked {
    let mut faults = Vec::new();
    let mut named: Vec<NamedFile> = Vec::new();
    let (mut connections, mut batches) = (Vec::new(), Vec::new());
    for typed in files {
        match classify(typed) {
            Ok(file) if file.format == Format::Connections => connections.push(typed),
            Ok(file) if file.format == Format::Batch => batches.push(file),
            Ok(file) if file.format == Format::BatchTest => {
                faults.extend(test_file_faults(&file.typed.display().to_string(), &file.text));
            }
            Ok(file) => named.push(file),
            Err(found) => faults.extend(found),
        }
    }
    let (found, hints) = definitions(&mut catalog, &named);
    faults.extend(found);
    // Connections come after definitions, because they may use a connector from these files. Batches use both.
    faults.extend(connections.into_iter().flat_map(|path| connections_file(app.screen, &catalog, path)));
    faults.extend(batch_files(app, catalog, &batches));
    Checked { faults, hints, what: terminal_text::count(files.len() as u64, "file") }
}

pub(crate) fn classify(typed: &Path) -> Result<NamedFile, Vec<Fault>> {
    let shown = typed.display().to_string();
    if typed.is_dir() {
        let advice =
            Some("name the files in it, or pass a folder of definitions with --definitions and no file".into());
        return Err(vec![Fault { advice, ..unreadable(&shown, "it is a folder") }]);
    }
    let text = read_text(typed, crate::authoring::yaml::BYTES_MAX as u64)
        .map_err(|why| vec![unreadable(&shown, &why.to_string())])?;
    let format = Format::of(&shown, &text).map_err(|e| e.to_faults())?;
    let real = std::fs::canonicalize(typed).unwrap_or_else(|_| typed.to_owned());
    Ok(NamedFile { typed: typed.to_owned(), real, format, text })
}

/// How a batch file is checked without a run. Secrets are not read and need not exist.
pub(crate) fn batch_config(app: &App, engine: Arc<Engine>) -> BatchConfig {
    let mut config = BatchConfig::new(engine);
    config.connections_instead = app.named_connections();
    config.connections = default_file();
    config.env = Arc::new(|name| Some(std::env::var(name).unwrap_or_default()));
    config.stdout = Some(standard_output());
    config.sample_inputs = true;
    config.resolve = Arc::new(|_, name, connection| {
        let is_address = connection.connector == crate::batch::HTTP;
        let text =
            |property: &str| if is_address { "https://host.invalid".to_owned() } else { format!("the {property}") };
        let spec = connection.resolve(|property, _| Ok(text(property)))?;
        Ok(ConnectionSpec { name: Some(name.to_owned()), ..spec })
    });
    config
}

/// Faults of batch files, as a run would report them.
pub(crate) fn batch_files(app: &App, catalog: Catalog, batches: &[NamedFile]) -> Vec<Fault> {
    let config = batch_config(app, Arc::new(Engine::new(EngineConfig::new(catalog))));
    batches
        .iter()
        .filter_map(|file| Batch::parse(&file.typed, &file.text, &config).err())
        .flat_map(|e| e.to_faults())
        .collect()
}

/// Faults and hints of a definition file as it is in an editor.
#[cfg(feature = "studio")]
pub(crate) fn check_text(mut catalog: Catalog, path: &Path, text: &str) -> (Vec<Fault>, Vec<Fault>) {
    let format = match Format::of(&path.display().to_string(), text) {
        Ok(format) => format,
        Err(error) => return (error.to_faults(), Vec::new()),
    };
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let file = NamedFile { typed: path.to_owned(), real, format, text: text.to_owned() };
    if let Some((_, connector)) = pack_of(&file.real) {
        catalog.add(connector, file.real.display().to_string(), file.text.clone());
    }
    definitions_within(&mut catalog, &[file])
}

/// Faults and hints of definition files, checked within their connectors.
fn definitions(catalog: &mut Catalog, named: &[NamedFile]) -> (Vec<Fault>, Vec<Fault>) {
    let mut faults = Vec::new();
    let roots: BTreeSet<&Path> = named.iter().filter_map(|f| pack_of(&f.real)).map(|(root, _)| root).collect();
    for root in roots {
        faults.extend(catalog.add_folder(root).err().map(|e| e.to_faults()).unwrap_or_default());
    }
    let (own, hints) = definitions_within(catalog, named);
    faults.extend(own);
    (faults, hints)
}

fn definitions_within(catalog: &mut Catalog, named: &[NamedFile]) -> (Vec<Fault>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut connectors = BTreeSet::new();
    for file in named {
        match pack_of(&file.real) {
            Some((_, connector)) => {
                connectors.insert(connector.to_owned());
            }
            None => match add_to_connector(catalog, file, named) {
                Ok(connector) => {
                    connectors.insert(connector);
                }
                Err(fault) => faults.push(*fault),
            },
        }
    }
    if connectors.is_empty() {
        return (faults, Vec::new());
    }
    let names: Vec<&str> = connectors.iter().map(String::as_str).collect();
    let all = catalog.faults(&names);
    let typed: BTreeMap<String, String> =
        named.iter().map(|f| (f.real.display().to_string(), f.typed.display().to_string())).collect();
    let is_named = |f: &Fault| f.place.file.as_ref().is_some_and(|name| typed.contains_key(name));
    let (own, others): (Vec<Fault>, Vec<Fault>) = all.into_iter().partition(is_named);
    // A fault elsewhere in the connector may hide those of the named files, so it is shown instead.
    let shown = if own.is_empty() { others } else { own };
    let as_typed = |mut fault: Fault| {
        fault.place.file = fault.place.file.map(|name| typed.get(&name).cloned().unwrap_or(name));
        fault
    };
    faults.extend(shown.into_iter().map(as_typed));
    let hints = catalog.hints(&names).into_iter().filter(is_named).map(as_typed).collect();
    (faults, hints)
}

/// The folder and the connector of a file at `FOLDER/operations/CONNECTOR/x.yaml`.
fn pack_of(real: &Path) -> Option<(&Path, &str)> {
    let folder = real.parent()?;
    let kind = folder.parent()?;
    let is_pack = kind.file_name().is_some_and(|n| n == "operations" || n == "templates");
    if is_pack { Some((kind.parent()?, folder.file_name()?.to_str()?)) } else { None }
}

/// Adds a file from any other folder to the connector that it belongs to.
fn add_to_connector(catalog: &mut Catalog, file: &NamedFile, named: &[NamedFile]) -> Result<String, Box<Fault>> {
    let fault = |message: &str, advice: String| {
        Box::new(Fault {
            place: Place { file: Some(file.typed.display().to_string()), ..Place::default() },
            message: message.to_owned(),
            advice: Some(advice.into()),
        })
    };
    let expected = match file.format {
        Format::Connector => Some("connector.yaml"),
        Format::Sandbox => Some("sandbox.yaml"),
        Format::Operations
        | Format::Templates
        | Format::Connections
        | Format::Overrides
        | Format::Batch
        | Format::BatchTest => None,
    };
    if let Some(expected) = expected.filter(|name| file.real.file_name().is_none_or(|n| n != *name)) {
        return Err(fault(
            &format!("a {} file must have the name {expected}", file.format.name()),
            format!("rename it to operations/CONNECTOR/{expected}"),
        ));
    }
    let beside = file.real.with_file_name("connector.yaml");
    let own = (file.format == Format::Connector).then(|| connector_name(&file.text)).flatten();
    let among = || named.iter().filter(|f| f.format == Format::Connector).find_map(|f| connector_name(&f.text));
    let neighbour = || {
        read_text(&beside, crate::authoring::yaml::BYTES_MAX as u64)
            .ok()
            .and_then(|text| connector_name(&text).map(|name| (name, text)))
    };
    let connector = if let Some(own) = own {
        own
    } else if let Some((name, text)) = neighbour() {
        catalog.add(&name, beside.display().to_string(), text);
        name
    } else if let Some(name) = among().or_else(|| only(catalog)) {
        name
    } else {
        return Err(fault(
            "the connector of this file is unknown",
            "move it to operations/CONNECTOR/, or beside its connector.yaml".to_owned(),
        ));
    };
    catalog.add(&connector, file.real.display().to_string(), file.text.clone());
    Ok(connector)
}

fn connector_name(text: &str) -> Option<String> {
    let value = Document::parse("connector.yaml", text, 0).map_err(|_: Error| ()).ok()?.to_value();
    value.get("connector")?.as_str().map(str::to_owned)
}

fn only(catalog: &Catalog) -> Option<String> {
    let mut names = catalog.connector_names();
    names.next().filter(|_| names.next().is_none()).map(str::to_owned)
}
