//! A definition file: built in, given as text, or read on demand. Pure: the reading function is given.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use memchr::memmem;

use super::slice::SECTIONS;
use crate::error::Result;

/// A built-in file, prepared by the build script.
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    text: Packed,
    /// All of it as JSON, or that of its entries one after the other.
    json: Packed,
    /// A line for each entry: section, name, number of lines before it, start and end in the JSON.
    index: &'static str,
}

/// One entry of a section.
#[derive(Clone, Copy)]
pub(super) struct BuiltInEntry {
    file: &'static BuiltIn,
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// Number of lines before it in the file.
    pub(super) line: u64,
    start: usize,
    end: usize,
}

/// A text in the program; large ones are compressed, and read when they are asked for.
enum Packed {
    Plain(&'static str),
    Deflated(&'static [u8], OnceLock<String>),
}

/// The built-in files.
pub(super) static BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/packs.rs"));

impl Packed {
    fn text(&'static self) -> &'static str {
        match self {
            Packed::Plain(text) => text,
            Packed::Deflated(bytes, text) => text.get_or_init(|| {
                let mut out = String::new();
                // What the build script compressed is whole.
                let _read = flate2::read::DeflateDecoder::new(*bytes).read_to_string(&mut out);
                out
            }),
        }
    }
}

impl BuiltIn {
    pub(super) fn text(&'static self) -> &'static str {
        self.text.text()
    }

    pub(super) fn json(&'static self) -> &'static str {
        self.json.text()
    }

    /// Its entries, in order; none if it is not split.
    pub(super) fn entries(&'static self) -> impl Iterator<Item = BuiltInEntry> {
        self.index.lines().filter_map(|line| self.read(line))
    }

    /// The entry whose line begins so.
    pub(super) fn entry(&'static self, start: &str) -> Option<BuiltInEntry> {
        let at = memmem::find_iter(self.index.as_bytes(), start)
            .find(|at| *at == 0 || self.index.as_bytes().get(at - 1) == Some(&b'\n'))?;
        self.read(self.index.get(at..)?.lines().next()?)
    }

    fn read(&'static self, line: &'static str) -> Option<BuiltInEntry> {
        let mut words = line.split('\t');
        let section = words.next()?;
        let section = SECTIONS.into_iter().find(|own| *own == section)?;
        let name = words.next()?;
        let mut number = || words.next()?.parse::<usize>().ok();
        let (line, start, end) = (number()? as u64, number()?, number()?);
        Some(BuiltInEntry { file: self, section, name, line, start, end })
    }
}

impl BuiltInEntry {
    /// The beginning of the line of an entry in the index of its file.
    pub(super) fn start(section: &str, name: &str) -> String {
        format!("{section}\t{name}\t")
    }

    /// A map with only this entry.
    pub(super) fn json(&self) -> &'static str {
        self.file.json().get(self.start..self.end).unwrap_or_default()
    }
}

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
            DefinitionSource::BuiltIn(file) => Ok(file.text()),
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
