//! `import`: a document becomes the definition files of a connector, or newer files of it.

use std::collections::BTreeMap;
use std::path::Path;

use super::answers::own_definitions;
use super::lock::{ImportLock, own_files, write};
use super::questions::ask_on_terminal;
use super::report;
use super::source::{ImportSource, read, wrong};
use super::trial::SystemTrials;
use super::update::{Update, catalog_of, update};
use crate::cli::app::{App, own_definitions as own_folder};
use crate::cli::args::{ImportAnswers, ImportArgs, ImportCommand};
use crate::cli::call::ask;
use crate::cli::connector::check_form;
use crate::cli::{messages, new_files};
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::import::{Doc, ImportSettings, Imported, Tried, import};
use crate::text_file::read_text;

/// Largest overrides file, in bytes.
const BYTES_MAX: u64 = 16 << 20;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, command: &ImportCommand) -> Result<u8> {
    let (ImportCommand::OpenApi(args)
    | ImportCommand::Postman(args)
    | ImportCommand::Har(args)
    | ImportCommand::Curl(args)) = command;
    check_form(&args.connector)?;
    let base = args.into.clone().unwrap_or_else(|| own_folder(&app.global.definitions));
    let folder = base.join("operations").join(&args.connector);
    let _held = new_files::hold(&folder)?;
    let old = ImportLock::read(&folder)?;
    refuse(args, &folder, old.is_some())?;
    if args.update && args.connection.is_some() && !args.yes && !ask::is_possible(app.screen) {
        return Err(Error::new(ErrorKind::Usage, "--update --try reads from the system, and nothing would be written")
            .advise("nothing was sent; add --yes"));
    }
    let old = old.unwrap_or_default();
    let mut answers = args.answers.over(&old.answers);
    let ImportSource { files, document, seen } = read(app, command, args, answers.base_url.as_deref())?;
    let own = own_definitions(&folder, &old.files)?;
    let settings = |answers: &ImportAnswers| answers.settings(&args.connector, own.clone());
    let with = |answers: &ImportAnswers, tried: &[Tried]| {
        let settings = ImportSettings { tried: tried.to_vec(), seen: seen.clone(), ..settings(answers)? };
        import(&files, &settings).map_err(|why| wrong(args, why))
    };
    let mut imported = with(&answers, &old.tried)?;
    let is_first = !args.update && args.connection.is_none();
    if is_first && ask_on_terminal(app, &imported, &mut answers, &|answers| settings(answers).map(|_| ()))? {
        imported = with(&answers, &old.tried)?;
    }
    let mut trial = None;
    if let Some(connection) = &args.connection {
        let catalog = |imported: &Imported| -> Result<Catalog> {
            let own = own_files(&folder, &old.files)?;
            Ok(catalog_of((&args.connector, &folder), &imported.files, own, overrides(&folder)?))
        };
        let import = |tried: &[Tried]| with(&answers, tried);
        let trials = SystemTrials { app, connector: &args.connector, connection, catalog: &catalog, import: &import };
        let (settled, report) = trials.settle(imported, &old).await?;
        (imported, trial) = (settled, Some(report));
    }
    drop(files);
    let tried = trial.as_ref().map_or(&old.tried, |report| &report.found);
    let new = ImportLock {
        document: described(document, &imported, !answers.without_texts),
        answers: answers.to_doc(),
        tried: tried.iter().filter(|tried| imported.lines.contains(&tried.line)).cloned().collect(),
        files: imported.files.clone(),
    };
    if let Some(trial) = &trial {
        messages::print(&report::trial(trial, &old.tried))?;
    }
    if args.update {
        return update(&Update { app, args, base: &base, folder: &folder, imported: &imported, old: &old, new: &new });
    }
    refuse_overwriting(&folder, &imported)?;
    write(&folder, &BTreeMap::new(), &new)?;
    messages::print(&report::text(&imported, &folder, &args.connector))?;
    Ok(0)
}

/// Refuses an import over files that the flags do not mean.
fn refuse(args: &ImportArgs, folder: &Path, is_imported: bool) -> Result<()> {
    let shown = folder.display();
    let refused = match (is_imported, args.update) {
        (true, false) => Some((
            format!("{shown} was imported before"),
            "add --update to see what this document changes, or choose another name with --connector",
        )),
        (false, true) => {
            Some((format!("{shown} was not imported before"), "leave --update out to import the document"))
        }
        (_, _) => None,
    };
    if let Some((message, advice)) = refused {
        return Err(Error::new(ErrorKind::Usage, message).advise(advice));
    }
    if !is_imported && !folder.join("connector.yaml").exists() && Catalog::builtin().connector(&args.connector).is_ok()
    {
        let message = format!("`{}` is a built-in connector", args.connector);
        return Err(Error::new(ErrorKind::Usage, message).advise("choose another name with --connector"));
    }
    Ok(())
}

/// overrides.yaml, if there is one.
fn overrides(folder: &Path) -> Result<Option<String>> {
    let path = folder.join("overrides.yaml");
    let text = || {
        read_text(&path, BYTES_MAX)
            .map_err(|why| Error::new(ErrorKind::Definition, format!("{} cannot be read: {why}", path.display())))
    };
    path.exists().then(text).transpose()
}

fn described(mut document: Doc, imported: &Imported, has_title: bool) -> Doc {
    if has_title {
        document.put("title", imported.title.as_str());
    }
    match imported.format.strip_prefix("OpenAPI ") {
        Some(version) => document.put("openapi", version),
        None => document.put("format", imported.format.as_str()),
    }
    document
}

/// Refuses names of files that the user has already.
fn refuse_overwriting(folder: &Path, imported: &Imported) -> Result<()> {
    match imported.files.keys().find(|name| folder.join(name).exists()) {
        None => Ok(()),
        Some(name) => {
            let path = folder.join(name).display().to_string();
            Err(Error::new(ErrorKind::Usage, format!("{path} exists, and would be overwritten"))
                .at(Place { file: Some(path), ..Place::default() })
                .advise("nothing was written; rename it, or import with another name or folder"))
        }
    }
}
