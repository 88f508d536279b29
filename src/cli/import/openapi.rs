//! `import openapi`: a document becomes the definition files of a connector, or newer files of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::answers::own_definitions;
use super::lock::{ImportLock, digest, own_files, write};
use super::report;
use super::trial::Trials;
use super::update::{Update, catalog_of, update};
use crate::cli::app::{App, own_definitions as own_folder};
use crate::cli::args::OpenApiArgs;
use crate::cli::call::arguments::text::input;
use crate::cli::connector::check_form;
use crate::cli::{messages, new_files};
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Place, Result, io_text};
use crate::import::{Doc, Files, ImportSettings, Imported, Tried, apply_overlay, import};
use crate::text_file::read_text;

/// Largest file of a description, in bytes.
const BYTES_MAX: u64 = 256 << 20;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &OpenApiArgs) -> Result<u8> {
    check_form(&args.connector)?;
    let base = args.into.clone().unwrap_or_else(|| own_folder(&app.global.definitions));
    let folder = base.join("operations").join(&args.connector);
    let _held = new_files::hold(&folder)?;
    let old = ImportLock::read(&folder)?;
    let shown = folder.display();
    let refused = match (&old, args.update) {
        (Some(_), false) => Some((
            format!("{shown} was imported before"),
            "add --update to see what this document changes, or choose another name with --connector",
        )),
        (None, true) => Some((format!("{shown} was not imported before"), "leave --update out to import the document")),
        (_, _) => None,
    };
    if let Some((message, advice)) = refused {
        return Err(Error::new(ErrorKind::Usage, message).advise(advice));
    }
    if old.is_none() && !folder.join("connector.yaml").exists() && Catalog::builtin().connector(&args.connector).is_ok()
    {
        let message = format!("`{}` is a built-in connector", args.connector);
        return Err(Error::new(ErrorKind::Usage, message).advise("choose another name with --connector"));
    }
    let old = old.unwrap_or_default();
    let (files, document) = read(app, args)?;
    let answers = args.answers.over(&old.answers);
    let settings = answers.settings(&args.connector, own_definitions(&folder, &old.files)?)?;
    let with = |tried: &[Tried]| {
        let settings = ImportSettings { tried: tried.to_vec(), ..settings.clone() };
        import(&files, &settings).map_err(|why| wrong(args, why))
    };
    let mut imported = with(&old.tried)?;
    let mut trial = None;
    if let Some(connection) = &args.connection {
        let catalog = |imported: &Imported| -> Result<Catalog> {
            let own = own_files(&folder, &old.files)?;
            Ok(catalog_of((&args.connector, &folder), &imported.files, own, overrides(&folder)?))
        };
        let trials = Trials { app, connector: &args.connector, connection, catalog: &catalog, import: &with };
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

fn wrong(args: &OpenApiArgs, why: String) -> Error {
    let file = if args.file == "-" { "standard input" } else { &args.file };
    Error::new(ErrorKind::Usage, format!("{file} cannot be imported: {why}"))
        .at(Place { file: Some(file.to_owned()), ..Place::default() })
        .advise("nothing was written")
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

/// The document with its files and overlays, and its name and digest.
fn read(app: &App, args: &OpenApiArgs) -> Result<(Files, Doc)> {
    let argument = if args.file == "-" { "-".to_owned() } else { format!("@{}", args.file) };
    let text = input("FILE", &argument, ErrorKind::Usage)?.text;
    let name = Path::new(&args.file).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let document = Doc::of([("file", Doc::Text(name)), ("sha256", Doc::Text(digest(&text)))]);
    let mut doc = Doc::read(&text).map_err(|why| wrong(args, format!("it is neither JSON nor YAML: {why}")))?;
    drop(text);
    for path in &args.overlay {
        let shown = path.display();
        let overlay = read_text(path, BYTES_MAX)
            .map_err(|why| wrong(args, format!("the overlay {shown} cannot be read: {why}")))?;
        let overlay =
            Doc::read(&overlay).map_err(|why| wrong(args, format!("the overlay {shown} is no YAML: {why}")))?;
        let idle =
            apply_overlay(&mut doc, &overlay).map_err(|why| wrong(args, format!("the overlay {shown}: {why}")))?;
        idle.iter().for_each(|note| app.screen.warn(&format!("{shown}: {note}")));
    }
    let folder = Path::new(&args.file).parent().map(Path::to_owned).unwrap_or_default();
    let below = |path: &str| read_below(&folder, path);
    let none = |_: &str| Err("a document from standard input has no folder".to_owned());
    Ok((Files::load(doc, if args.file == "-" { &none } else { &below }), document))
}

/// A file below the folder of the document; links that lead out of it are not followed.
fn read_below(folder: &Path, path: &str) -> std::result::Result<String, String> {
    let base = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
    let real = |path: &Path| std::fs::canonicalize(path).map_err(|cause| io_text(&cause));
    let file = real(&base.join(path))?;
    if !file.starts_with(real(&base)?) {
        return Err("only files below the folder of the document are read".to_owned());
    }
    read_text(&file, BYTES_MAX).map_err(|why| why.to_string())
}

fn described(mut document: Doc, imported: &Imported, has_title: bool) -> Doc {
    if has_title {
        document.put("title", imported.title.as_str());
    }
    document.put("openapi", imported.version.as_str());
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
