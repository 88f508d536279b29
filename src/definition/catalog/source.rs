//! A definition file: built in, given as text, or read on demand. Pure: the reading function is given.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::Result;

/// A built-in file, prepared by the build script.
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// All of it as JSON, unless it is split into entries.
    pub(super) json: &'static str,
    pub(super) entries: &'static [BuiltInEntry],
}

/// One entry of a section.
pub(super) struct BuiltInEntry {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// Number of lines before it in the file.
    pub(super) line: u64,
    /// A map with only this entry.
    pub(super) json: &'static str,
}

/// The built-in files.
pub(super) const BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// Returns the content of a file.
type Reader = dyn Fn() -> Result<String> + Send + Sync;

/// One definition file.
pub(super) enum DefinitionSource {
    BuiltIn(&'static BuiltIn),
    Given { name: String, text: String },
    Later { name: String, path: PathBuf, read: Box<Reader>, text: OnceLock<String> },
}

impl DefinitionSource {
    /// A file that is read on demand.
    pub(super) fn later(
        name: String,
        path: PathBuf,
        read: impl Fn() -> Result<String> + Send + Sync + 'static,
    ) -> DefinitionSource {
        DefinitionSource::Later { name, path, read: Box::new(read), text: OnceLock::new() }
    }

    /// The file on disk, if there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            DefinitionSource::BuiltIn(_) | DefinitionSource::Given { .. } => None,
            DefinitionSource::Later { path, .. } => Some(path),
        }
    }

    /// The name in errors.
    pub(super) fn name(&self) -> &str {
        match self {
            DefinitionSource::BuiltIn(file) => file.name,
            DefinitionSource::Given { name, .. } | DefinitionSource::Later { name, .. } => name,
        }
    }

    /// The name without folders.
    pub(super) fn file_name(&self) -> &str {
        self.name().rsplit(['/', '\\']).next().unwrap_or_default()
    }

    /// Its content; it is read once.
    pub(super) fn text(&self) -> Result<&str> {
        match self {
            DefinitionSource::BuiltIn(file) => Ok(file.text),
            DefinitionSource::Given { text, .. } => Ok(text),
            DefinitionSource::Later { read, text, .. } => {
                if let Some(text) = text.get() {
                    return Ok(text);
                }
                let read = read()?;
                Ok(text.get_or_init(|| read))
            }
        }
    }

    /// What `look` finds in its content, which is not kept: a large catalogue has more text than a call may hold.
    pub(super) fn glance<T>(&self, look: impl FnOnce(&str) -> T) -> Result<T> {
        match self {
            DefinitionSource::Later { read, text, .. } if text.get().is_none() => Ok(look(&read()?)),
            DefinitionSource::BuiltIn(_) | DefinitionSource::Given { .. } | DefinitionSource::Later { .. } => {
                self.text().map(look)
            }
        }
    }
}
