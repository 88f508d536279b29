//! The YAML files that the page edits: those below the working folder, own definitions, and the connections file. A change
//! by another program is noticed, and never overwritten.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use walkdir::{DirEntry, WalkDir};

use super::Service;
use crate::authoring::yaml::BYTES_MAX;
use crate::cli::app::definitions;
use crate::cli::connections::file::locate;
use crate::cli::new_files;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::formats::Format;
use crate::text_file::read_text;

/// How deep, and how many, files are listed.
const DEPTH: usize = 5;
const FILES_MAX: usize = 2000;

/// A file to write.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct FileToWrite {
    path: PathBuf,
    text: String,
    /// That of the text that was read; none for a file that must not exist yet.
    digest: Option<String>,
}

impl Service {
    /// The YAML files below the working folder, with their formats.
    pub(in crate::cli) fn files(&self) -> Value {
        let listed = |entry: &DirEntry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() == 0 || !(name.starts_with('.') || name == "target" || name == "node_modules")
        };
        let all = WalkDir::new(".").max_depth(DEPTH).sort_by_file_name().into_iter().filter_entry(listed);
        let files = all.filter_map(std::result::Result::ok).filter(|entry| is_yaml(entry.path()));
        let shown = |entry: DirEntry| {
            let path = entry.path().strip_prefix(".").unwrap_or(entry.path()).to_owned();
            let text = read_text(&path, BYTES_MAX as u64).ok()?;
            let format = Format::of(&path.display().to_string(), &text).ok()?;
            Some(
                json!({ "path": path, "kind": format.name(), "name": path.file_stem().unwrap_or_default().to_string_lossy() }),
            )
        };
        let files: Vec<Value> = files.take(FILES_MAX).filter_map(shown).collect();
        json!({ "folder": std::env::current_dir().unwrap_or_default(), "files": files })
    }

    /// The text of a file.
    ///
    /// # Errors
    /// `usage` for a file that the page does not edit; `state` when it cannot be read.
    pub(in crate::cli) fn file(&self, path: &Path) -> Result<Value> {
        let real = self.editable(path)?;
        let text = read_text(&real, BYTES_MAX as u64).map_err(|why| {
            let shown = path.display().to_string();
            Error::new(ErrorKind::State, format!("{shown} cannot be read: {why}"))
                .at(Place { file: Some(shown), ..Place::default() })
        })?;
        Ok(json!({ "path": path, "digest": digest(&text), "text": text }))
    }

    /// Writes a file, if it is as it was when it was read.
    ///
    /// # Errors
    /// `usage` for a file that the page does not edit; `state` when it has changed since, or cannot be written.
    pub(in crate::cli) fn write_file(&self, file: &FileToWrite) -> Result<Value> {
        let real = self.editable(&file.path)?;
        let shown = file.path.display();
        if file.text.len() > BYTES_MAX {
            return Err(Error::new(ErrorKind::Limit, format!("{shown} would be larger than {BYTES_MAX} bytes")));
        }
        let _held = new_files::hold(real.parent().unwrap_or(Path::new(".")))?;
        let now = read_text(&real, BYTES_MAX as u64);
        let is_there = std::fs::symlink_metadata(&real).is_ok();
        let why = match (&now, &file.digest) {
            (_, None) => is_there.then_some("is there already"),
            (_, Some(_)) if !is_there => Some("is gone"),
            (Err(_), Some(_)) => Some("is no text any more"),
            (Ok(text), Some(known)) => (digest(text) != *known).then_some("was changed by another program"),
        };
        if let Some(why) = why {
            return Err(Error::new(ErrorKind::State, format!("{shown} {why}"))
                .advise("nothing was written: look at the file as it is now"));
        }
        new_files::replace(&real, &file.text)?;
        self.refresh_quietly();
        Ok(json!({ "digest": digest(&file.text) }))
    }

    /// The path as it was given, if the page may read it.
    pub(super) fn editable_path(&self, path: &Path) -> Result<PathBuf> {
        self.editable(path).map(|_| path.to_owned())
    }

    /// The real path of a file that the page may read and write.
    fn editable(&self, path: &Path) -> Result<PathBuf> {
        let refuse = |why: &str| {
            Err(Error::new(ErrorKind::Usage, format!("{} {why}", path.display()))
                .advise("the page edits YAML files below the folder in which opnode studio was started"))
        };
        if !is_yaml(path) {
            return refuse("is no YAML file");
        }
        if path.components().any(|part| matches!(part, Component::ParentDir)) {
            return refuse("leads out of its folder");
        }
        let own = locate(&self.app).ok();
        if own.as_deref() == Some(path) {
            return Ok(path.to_owned());
        }
        // Links are followed before the folder is compared. A new file has the real folder of the nearest that exists.
        let there = path.ancestors().find(|part| part.exists() || part.as_os_str().is_empty()).unwrap_or(Path::new(""));
        let near = if there.as_os_str().is_empty() { Path::new(".") } else { there };
        let Ok(real) = near.canonicalize() else { return refuse("cannot be found") };
        let real = match path.strip_prefix(there) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            Ok(_) | Err(_) => real,
        };
        let here = std::env::current_dir().into_iter();
        let roots = here.chain(definitions(&self.app.global.definitions));
        let is_below = roots.filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root));
        if is_below { Ok(real) } else { refuse("is not below the working folder") }
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

pub(super) fn digest(text: &str) -> String {
    crate::import::digest(text)
}
