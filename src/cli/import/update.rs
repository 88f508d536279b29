//! `import … --update`: what a newer document changes, what that means for overrides, templates and batches, and the
//! edits of imported files, which are moved to overrides.yaml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::edits::Edit;
use super::lock::{ImportLock, own_files, write};
use super::report;
use crate::authoring::Document;
use crate::cli::app::App;
use crate::cli::args::ImportArgs;
use crate::cli::call::ask;
use crate::cli::{messages, new_files};
use crate::definition::Catalog;
use crate::draft::{add_entry, add_key};
use crate::error::{Error, ErrorKind, Fault, Place, Result};
use crate::import::{Doc, Fields, Imported, ImportedEntries, compare, write_pair};
use crate::text_file::read_text;

/// Largest overrides file, in bytes.
const BYTES_MAX: u64 = 16 << 20;
/// The exit code when there are changes that were not written.
const CHANGES: u8 = 1;

/// An import over an earlier one.
pub(super) struct Update<'u> {
    pub(super) app: &'u App,
    pub(super) args: &'u ImportArgs,
    /// The folder of definitions.
    pub(super) base: &'u Path,
    /// The folder of the connector.
    pub(super) folder: &'u Path,
    pub(super) imported: &'u Imported,
    pub(super) old: &'u ImportLock,
    pub(super) new: &'u ImportLock,
}

/// Shows the changes and writes them if the user wants it. Returns the exit code.
pub(super) fn update(update: &Update<'_>) -> Result<u8> {
    let edits = update.edits()?;
    let changes = compare(&definitions(&update.old.files), &definitions(&update.new.files));
    let before = update.faults(&update.old.files, None)?;
    let overrides = update.overrides(&edits)?;
    let after: Vec<Fault> =
        update.faults(&update.new.files, overrides.as_ref().map(|overrides| overrides.text.as_str()))?;
    let known =
        |fault: &Fault| before.iter().any(|old| old.message == fault.message && old.place.field == fault.place.field);
    let fresh: Vec<Fault> = after.into_iter().filter(|fault| !known(fault)).collect();
    messages::print(&report::changes(
        (update.imported, update.old.files == update.new.files),
        &changes,
        &fresh,
        &edits,
    ))?;
    if update.args.move_edits && overrides.as_ref().is_some_and(|overrides| overrides.is_rewritten) {
        messages::print("overrides.yaml is then written anew: of its comments, those at its start stay\n")?;
    }
    for at in overrides.iter().filter(|_| update.args.move_edits).flat_map(|overrides| &overrides.replaced) {
        messages::print(&format!("overrides.yaml says `{at}` otherwise: the edit replaces it\n"))?;
    }
    if changes.is_empty() && edits.is_empty() && update.old.files == update.new.files {
        if update.old.document != update.new.document || update.old.answers != update.new.answers {
            update.new.write(update.folder)?;
        }
        return Ok(0);
    }
    // A script is not asked: it says --yes.
    let is_wanted = update.args.yes
        || (ask::is_possible(update.app.screen)
            && ask::confirmed(update.app.screen, "Write these files? [y/N] ")? == Some(true));
    if !is_wanted {
        let flags =
            if edits.is_empty() || update.args.move_edits { "--yes writes" } else { "--yes --move-edits writes" };
        messages::print(&format!("nothing was written; {flags}\n"))?;
        return Ok(CHANGES);
    }
    if !edits.is_empty() && !update.args.move_edits {
        let names: Vec<&str> = edits.iter().map(|edit| edit.file.as_str()).collect();
        return Err(Error::new(ErrorKind::Usage, format!("imported files were edited: {}", names.join(", ")))
            .at(Place { file: Some(update.folder.display().to_string()), ..Place::default() })
            .advise("nothing was written; --move-edits moves the edits to overrides.yaml, or restore the files"));
    }
    let own: Vec<String> =
        edits.iter().flat_map(|edit| edit.own.iter().map(|name| format!("{name} in {}", edit.file))).collect();
    if !own.is_empty() {
        return Err(Error::new(ErrorKind::Usage, format!("imported files have entries of yours: {}", own.join(", ")))
            .at(Place { file: Some(update.folder.display().to_string()), ..Place::default() })
            .advise("nothing was written; move them to a file of your own in this folder, such as own.yaml"));
    }
    if let Some(overrides) = overrides {
        new_files::replace(&update.folder.join("overrides.yaml"), &overrides.text)?;
    }
    // An edited file is not as it was written: it is replaced, even if the new one is the same.
    let mut old = update.old.files.clone();
    old.retain(|name, _| !edits.iter().any(|edit| edit.file == *name) || !update.new.files.contains_key(name));
    write(update.folder, &old, update.new)?;
    messages::print(&format!("wrote {}\n", update.folder.display()))?;
    Ok(0)
}

fn definitions(files: &BTreeMap<String, String>) -> ImportedEntries {
    ImportedEntries::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

impl Update<'_> {
    /// The edits of imported files.
    fn edits(&self) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        for (file, text) in self.old.edited(self.folder)? {
            // Another import may have been interrupted after it wrote this.
            if text.as_ref() == self.new.files.get(&file) {
                continue;
            }
            let mut edit =
                Edit { file: file.clone(), connector: None, entries: Vec::new(), lost: Vec::new(), own: Vec::new() };
            let written = self.old.files.get(&file).map(String::as_str).unwrap_or_default();
            match text {
                None => edit.lost.push("the file is gone: it is written again".to_owned()),
                Some(text) => {
                    let edited = read(&self.folder.join(&file), &text)?;
                    edit.read(&Doc::read(written).unwrap_or_default(), &edited);
                }
            }
            edits.push(edit);
        }
        Ok(edits)
    }

    /// overrides.yaml with the edits, if there are any that can be moved.
    fn overrides(&self, edits: &[Edit]) -> Result<Option<JoinedOverrides>> {
        if edits.iter().all(|edit| edit.connector.is_none() && edit.entries.is_empty()) {
            return Ok(None);
        }
        let path = self.folder.join("overrides.yaml");
        let mut old = match path.exists() {
            true => read_text(&path, BYTES_MAX).map_err(|why| {
                Error::new(ErrorKind::Definition, format!("{} cannot be read: {why}", path.display()))
                    .advise("nothing was written")
            })?,
            false => String::new(),
        };
        let mut doc = read(&path, &old)?;
        if doc.is_empty() {
            old = add_key(&old, "version: 1").trim_start().to_owned();
            doc = Doc::of([("version", Doc::from(1))]);
        }
        let added = added(&old, &doc, edits);
        let mut replaced = Vec::new();
        for edit in edits {
            if let Some(change) = &edit.connector {
                conflicts(doc.get("connector"), change, "connector", &mut replaced);
                join(&mut doc, &["connector"], change);
            }
            for (section, name, change) in &edit.entries {
                conflicts(doc.at(&[section.name(), name]), change, name, &mut replaced);
                join(&mut doc, &[section.name(), name], change);
            }
        }
        if let Some(text) = added.filter(|text| Doc::read(text).as_ref() == Ok(&doc)) {
            return Ok(Some(JoinedOverrides { text, is_rewritten: false, replaced }));
        }
        let mut text: String = old
            .lines()
            .take_while(|line| line.starts_with('#') || line.is_empty())
            .map(|line| format!("{line}\n"))
            .collect();
        for (key, value) in doc.fields() {
            write_pair(key, value, 0, &mut text);
        }
        Ok(Some(JoinedOverrides { text, is_rewritten: true, replaced }))
    }

    /// The faults of the connector with these imported files, the user's own files, overrides and templates.
    fn faults(&self, files: &BTreeMap<String, String>, overrides: Option<&str>) -> Result<Vec<Fault>> {
        let name = &self.args.connector;
        let path = self.folder.join("overrides.yaml");
        let own = || path.exists().then(|| read_text(&path, BYTES_MAX).ok()).flatten();
        let overrides = overrides.map(str::to_owned).or_else(own);
        let own = own_files(self.folder, &self.old.files)?;
        let templates = own_files(&self.base.join("templates").join(name), &BTreeMap::new())?;
        let with = |overrides: Option<String>| {
            let mut catalog = catalog_of((name, self.folder), files, own.clone(), overrides);
            for (path, text) in &templates {
                catalog.add(name, path.display().to_string(), text.clone());
            }
            let mut faults = catalog.faults(&[name]);
            faults.extend(super::batches::faults(self.app, self.base, catalog));
            faults
        };
        let mut faults = with(overrides.clone());
        // Faults of overrides.yaml hide those of what uses the definitions.
        let shown = path.display().to_string();
        if overrides.is_some() && faults.iter().any(|fault| fault.place.file.as_ref() == Some(&shown)) {
            let behind = with(None).into_iter().filter(|fault| !faults.contains(fault)).collect::<Vec<_>>();
            faults.extend(behind);
        }
        Ok(faults)
    }
}

/// The definitions of a connector: imported files, the user's own, and overrides.
pub(super) fn catalog_of(
    (name, folder): (&str, &Path),
    files: &BTreeMap<String, String>,
    own: Vec<(PathBuf, String)>,
    overrides: Option<String>,
) -> Catalog {
    let mut catalog = Catalog::empty();
    for (file, text) in files {
        catalog.add(name, folder.join(file).display().to_string(), text.clone());
    }
    let overrides = overrides.map(|text| (folder.join("overrides.yaml"), text));
    for (path, text) in own.into_iter().chain(overrides) {
        catalog.add(name, path.display().to_string(), text);
    }
    catalog
}

/// A text of overrides.yaml.
struct JoinedOverrides {
    text: String,
    /// Whether the user's own text could not be kept.
    is_rewritten: bool,
    /// What it said otherwise, and the edits replace.
    replaced: Vec<String>,
}

/// Reads a file that the user edits. A file that `check` would refuse is refused, so that no part of it is ignored.
fn read(path: &Path, text: &str) -> Result<Doc> {
    let shown = path.display().to_string();
    let wrong = |why: String| {
        Error::new(ErrorKind::Definition, why).at(Place { file: Some(shown.clone()), ..Place::default() })
    };
    let doc = Document::parse(&shown, text, 0).and_then(|_| Doc::read(text).map_err(wrong));
    doc.and_then(|doc| match doc {
        Doc::Null | Doc::Map(_) => Ok(doc),
        Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) | Doc::List(_) => Err(wrong("expected a map".to_owned())),
    })
    .map_err(|error| error.advise("nothing was written; correct the file, or restore it"))
}

/// The text with the edits at the ends of its sections; everything else stays as it is. `None` if something is there already.
fn added(old: &str, doc: &Doc, edits: &[Edit]) -> Option<String> {
    let mut text = old.to_owned();
    for edit in edits {
        if let Some(change) = &edit.connector {
            let mut part = String::new();
            write_pair("connector", change, 0, &mut part);
            text = doc.get("connector").is_none().then(|| add_key(&text, part.trim_end()))?;
        }
        for (section, name, change) in &edit.entries {
            let mut entry = String::new();
            write_pair(name, change, 2, &mut entry);
            let is_new = doc.at(&[section.name(), name]).is_none();
            text = is_new.then(|| add_entry(&text, *section, &entry).ok()).flatten()?;
        }
    }
    Some(text)
}

/// What overrides.yaml says otherwise than an edit.
fn conflicts(said: Option<&Doc>, change: &Doc, at: &str, found: &mut Vec<String>) {
    match (said, change) {
        (None, _) => {}
        (Some(Doc::Map(own)), Doc::Map(more)) => {
            more.iter().for_each(|(key, value)| conflicts(own.get(key), value, &format!("{at}/{key}"), found));
        }
        (Some(own), change) if own != change => found.push(at.to_owned()),
        (Some(_), _) => {}
    }
}

/// Joins a change with those at a path.
fn join(doc: &mut Doc, path: &[&str], change: &Doc) {
    let Doc::Map(fields) = doc else { return };
    match path {
        [] => {}
        [last] => match (fields.get_mut(*last), change) {
            (Some(own @ Doc::Map(_)), Doc::Map(more)) => {
                for (key, value) in more {
                    join(own, &[key], value);
                }
            }
            (_, _) => drop(fields.insert((*last).to_owned(), change.clone())),
        },
        [first, rest @ ..] => {
            let inner = fields.entry((*first).to_owned()).or_insert_with(|| Doc::Map(Fields::new()));
            join(inner, rest, change);
        }
    }
}
