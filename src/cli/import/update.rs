//! `import … --update`: what a newer document changes, what that means for overrides, templates and batches, and the
//! edits of imported files, which are moved to overrides.yaml.

use std::collections::BTreeMap;
use std::path::Path;

use super::edits::Edit;
use super::lock::{ImportLock, write};
use super::report;
use crate::cli::app::App;
use crate::cli::args::OpenApiArgs;
use crate::cli::call::ask;
use crate::cli::{messages, new_files};
use crate::definition::Catalog;
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
    pub(super) args: &'u OpenApiArgs,
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
    let after: Vec<Fault> = update.faults(&update.new.files, overrides.as_deref())?;
    let known =
        |fault: &Fault| before.iter().any(|old| old.message == fault.message && old.place.field == fault.place.field);
    let fresh: Vec<Fault> = after.into_iter().filter(|fault| !known(fault)).collect();
    messages::print(&report::changes(update.imported, &changes, &fresh, &edits))?;
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
        messages::print("nothing was written; --yes writes\n")?;
        return Ok(CHANGES);
    }
    if !edits.is_empty() && !update.args.move_edits {
        let names: Vec<&str> = edits.iter().map(|edit| edit.file.as_str()).collect();
        return Err(Error::new(ErrorKind::Usage, format!("imported files were edited: {}", names.join(", ")))
            .at(Place { file: Some(update.folder.display().to_string()), ..Place::default() })
            .advise("nothing was written; --move-edits moves the edits to overrides.yaml, or restore the files"));
    }
    if let Some(text) = overrides {
        new_files::replace(&update.folder.join("overrides.yaml"), &text)?;
    }
    // Edited files are replaced too.
    let unchanged: BTreeMap<String, String> = update
        .old
        .files
        .iter()
        .filter(|(name, _)| !edits.iter().any(|edit| edit.file == **name))
        .map(|(n, t)| (n.clone(), t.clone()))
        .collect();
    let mut all = update.old.files.clone();
    all.retain(|name, _| unchanged.contains_key(name) || !update.new.files.contains_key(name));
    write(update.folder, &all, update.new)?;
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
            let mut edit = Edit { file: file.clone(), connector: None, entries: Vec::new(), lost: Vec::new() };
            let written = self.old.files.get(&file).map(String::as_str).unwrap_or_default();
            match text.as_deref().map(Doc::read) {
                None => edit.lost.push("the file is gone: it is written again".to_owned()),
                Some(Err(why)) => {
                    let path = self.folder.join(&file).display().to_string();
                    return Err(Error::new(ErrorKind::Definition, format!("{path} was edited, and is no YAML: {why}"))
                        .at(Place { file: Some(path), ..Place::default() })
                        .advise("nothing was written; correct it, or restore it"));
                }
                Some(Ok(edited)) => edit.read(&Doc::read(written).unwrap_or_default(), &edited),
            }
            edits.push(edit);
        }
        Ok(edits)
    }

    /// The text of overrides.yaml with the edits, if there are any and they are to be moved.
    fn overrides(&self, edits: &[Edit]) -> Result<Option<String>> {
        let has_changes = edits.iter().any(|edit| edit.connector.is_some() || !edit.entries.is_empty());
        if !has_changes {
            return Ok(None);
        }
        let path = self.folder.join("overrides.yaml");
        let old = match path.exists() {
            true => read_text(&path, BYTES_MAX).map_err(|why| {
                Error::new(ErrorKind::Definition, format!("{} cannot be read: {why}", path.display()))
                    .advise("nothing was written")
            })?,
            false => String::new(),
        };
        let mut doc = Doc::read(&old)
            .ok()
            .filter(|doc| doc.map().is_some())
            .unwrap_or_else(|| Doc::of([("version", Doc::from(1))]));
        for edit in edits {
            if let Some(change) = &edit.connector {
                join(&mut doc, &["connector"], change);
            }
            for (section, name, change) in &edit.entries {
                join(&mut doc, &[section, name], change);
            }
        }
        // Comments of the file stay if the new parts can be added at its end.
        let mut text: String = old
            .lines()
            .take_while(|line| line.starts_with('#') || line.is_empty())
            .map(|line| format!("{line}\n"))
            .collect();
        for (key, value) in doc.fields() {
            write_pair(key, value, 0, &mut text);
        }
        Ok(Some(text))
    }

    /// The faults of the connector with these imported files, the user's own files, overrides and templates.
    fn faults(&self, files: &BTreeMap<String, String>, overrides: Option<&str>) -> Result<Vec<Fault>> {
        let name = &self.args.connector;
        let mut catalog = Catalog::empty();
        for (file, text) in files {
            catalog.add(name, self.folder.join(file).display().to_string(), text.clone());
        }
        for (path, text) in super::lock::own_files(self.folder, &self.old.files)? {
            catalog.add(name, path.display().to_string(), text);
        }
        let path = self.folder.join("overrides.yaml");
        let own = || path.exists().then(|| read_text(&path, BYTES_MAX).ok()).flatten();
        if let Some(text) = overrides.map(str::to_owned).or_else(own) {
            catalog.add(name, path.display().to_string(), text);
        }
        let templates = self.base.join("templates").join(name);
        for (path, text) in super::lock::own_files(&templates, &BTreeMap::new())? {
            catalog.add(name, path.display().to_string(), text);
        }
        let mut faults = catalog.faults(&[name]);
        faults.extend(super::batches::faults(self.app, self.base, catalog));
        Ok(faults)
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
