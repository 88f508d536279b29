//! `check --migrate`: rewrites definition files of an earlier version of their format.

use std::path::{Path, PathBuf};

use super::connections::unreadable;
use crate::authoring::yaml::BYTES_MAX;
use crate::cli::app::{App, definitions};
use crate::cli::{messages, new_files};
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::text_file::read_text;

/// Rewrites the files, or all in the folders of definitions. Files that cannot be rewritten are named, and the others
/// are rewritten anyway.
pub(super) fn run(app: &App, files: &[PathBuf]) -> Result<()> {
    let found;
    let files = if files.is_empty() {
        found = all(app)?;
        &found
    } else {
        files
    };
    let here = std::env::current_dir().ok();
    let mut faults = Vec::new();
    for path in files {
        match migrated(path) {
            Ok(true) => {
                let near = here.as_ref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
                messages::print(&format!("{}: rewritten", near.display()))?;
            }
            Ok(false) => {}
            Err(error) => faults.extend(error.to_faults()),
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::from_faults(ErrorKind::Definition, "some files were not rewritten", faults))
}

/// Whether the file was rewritten.
fn migrated(path: &Path) -> Result<bool> {
    let shown = path.display().to_string();
    let text = read_text(path, BYTES_MAX as u64).map_err(|why| {
        Error::from_faults(
            ErrorKind::Definition,
            "a file cannot be read",
            vec![Fault { advice: None, ..unreadable(&shown, &why.to_string()) }],
        )
    })?;
    match crate::formats::migrate(&shown, &text)? {
        Some(new) => new_files::replace(path, &new).map(|()| true),
        None => Ok(false),
    }
}

/// All definition files of the folders of the command line.
fn all(app: &App) -> Result<Vec<PathBuf>> {
    let mut own = Catalog::empty();
    for folder in definitions(&app.global.definitions) {
        own.add_folder(&folder)?;
    }
    let files: Vec<PathBuf> = own.files().map(Path::to_owned).collect();
    if files.is_empty() {
        return Err(Error::new(ErrorKind::InvalidOptions, "there are no definition files to rewrite")
            .advise("name the files, or a folder of definitions with --definitions"));
    }
    Ok(files)
}
