//! A definition file, wherever it comes from: built in, given as text, or to be read when its connector is asked for. Pure: how it is read is given.

use std::sync::OnceLock;

use crate::error::Result;

/// A file that the library carries, as the build script made it.
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// All of it as JSON, unless it is cut into entries.
    pub(super) json: &'static str,
    pub(super) entries: &'static [BuiltInEntry],
}

/// One entry of a section.
pub(super) struct BuiltInEntry {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// Lines before it in the file.
    pub(super) line: u64,
    /// A map of the entry alone.
    pub(super) json: &'static str,
}

/// The files that the library carries.
pub(super) const BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// Gives what stands in a file.
type Reader = dyn Fn() -> Result<String> + Send + Sync;

/// One definition file.
pub(super) enum Source {
    BuiltIn(&'static BuiltIn),
    Given { name: String, text: String },
    Later { name: String, read: Box<Reader>, text: OnceLock<String> },
}

impl Source {
    /// One that is read when somebody asks what stands in it.
    pub(super) fn later(name: String, read: impl Fn() -> Result<String> + Send + Sync + 'static) -> Source {
        Source::Later { name, read: Box::new(read), text: OnceLock::new() }
    }

    /// The name that errors show.
    pub(super) fn name(&self) -> &str {
        match self {
            Source::BuiltIn(file) => file.name,
            Source::Given { name, .. } | Source::Later { name, .. } => name,
        }
    }

    /// The name without folders.
    pub(super) fn file_name(&self) -> &str {
        self.name().rsplit(['/', '\\']).next().unwrap_or_default()
    }

    /// What stands in it; it is read once.
    pub(super) fn text(&self) -> Result<&str> {
        match self {
            Source::BuiltIn(file) => Ok(file.text),
            Source::Given { text, .. } => Ok(text),
            Source::Later { read, text, .. } => {
                if let Some(text) = text.get() {
                    return Ok(text);
                }
                let read = read()?;
                Ok(text.get_or_init(|| read))
            }
        }
    }
}
