//! `import.yaml` beside imported files: what was imported and how, and a copy of the files as they were written.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::new_files;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::import::{Doc, Fields, Tried, digest, write_pair};
use crate::text_file::{if_there, read_text};

/// The name of the lock file, and of the copy.
const LOCK: &str = "import.yaml";
const BASE: &str = "import.base.gz";
/// Largest lock file or copy, in bytes.
const BYTES_MAX: u64 = 256 << 20;
/// Version of the lock file.
const VERSION: u64 = 1;

/// What was imported, and how.
#[derive(Debug, Default)]
pub(super) struct ImportLock {
    /// Name, title, version and digest of the document.
    pub(super) document: Doc,
    /// The flags that answered questions.
    pub(super) answers: Doc,
    /// What `--try` found, with the day.
    pub(super) tried: Vec<Tried>,
    /// The files as they were written.
    pub(super) files: BTreeMap<String, String>,
}

fn broken(path: &Path, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} cannot be read: {why}"))
        .at(Place { file: Some(shown), ..Place::default() })
        .advise("restore it, for example from version control, or import into another folder")
}

impl ImportLock {
    /// The lock of a connector's folder, if it was imported.
    pub(super) fn read(folder: &Path) -> Result<Option<ImportLock>> {
        let path = folder.join(LOCK);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_text(&path, BYTES_MAX).map_err(|why| broken(&path, &why.to_string()))?;
        let doc = Doc::read(&text).map_err(|why| broken(&path, &why))?;
        if doc.get("version").and_then(Doc::whole) != Some(VERSION) {
            return Err(broken(&path, "its version is not 1"));
        }
        let files = ImportLock::read_base(folder)?;
        if let Some(name) = files.keys().find(|name| !is_file_name(name)) {
            return Err(broken(&folder.join(BASE), &format!("`{name}` is no file that an import writes")));
        }
        for (name, value) in doc.get("files").into_iter().flat_map(Doc::fields) {
            if files.get(name).map(|text| digest(text)).as_deref() != value.text() {
                return Err(broken(&folder.join(BASE), &format!("it does not have {name} as {LOCK} says")));
            }
        }
        let part = |key: &str| doc.get(key).cloned().unwrap_or_default();
        let tried = part("tried").list().iter().map(Tried::of_doc).collect::<Option<Vec<Tried>>>();
        let tried = tried.ok_or_else(|| broken(&path, "its `tried` is not as an import writes it"))?;
        Ok(Some(ImportLock { document: part("document"), answers: part("answers"), tried, files }))
    }

    fn read_base(folder: &Path) -> Result<BTreeMap<String, String>> {
        let path = folder.join(BASE);
        let bytes = if_there(std::fs::read(&path)).map_err(|cause| broken(&path, &crate::error::io_text(&cause)))?;
        let Some(bytes) = bytes else { return Err(broken(&path, "it is missing")) };
        let mut text = String::new();
        let read = flate2::read::GzDecoder::new(bytes.as_slice()).take(BYTES_MAX).read_to_string(&mut text);
        read.map_err(|cause| broken(&path, &cause.to_string()))?;
        serde_json::from_str(&text).map_err(|cause| broken(&path, &cause.to_string()))
    }

    /// Writes the lock and the copy.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let json = serde_json::to_string(&self.files).unwrap_or_default();
        let path = folder.join(BASE);
        let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
        let packed = encoder.write_all(json.as_bytes()).and_then(|()| encoder.finish());
        let packed = packed.map_err(|cause| new_files::failed(&path, "written", &cause))?;
        new_files::replace_bytes(&path, &packed)?;
        let mut text = String::from(
            "# Written by `opnode import`, which reads it with --update: what was imported, and how. Keep it beside the files.\n",
        );
        let digests: Fields = self.files.iter().map(|(name, text)| (name.clone(), Doc::Text(digest(text)))).collect();
        for (key, value) in [
            ("version", Doc::from(VERSION)),
            ("document", self.document.clone()),
            ("answers", self.answers.clone()),
            ("tried", Doc::List(self.tried.iter().map(Tried::to_doc).collect())),
            ("files", Doc::Map(digests)),
        ] {
            if !value.is_empty() {
                write_pair(key, &value, 0, &mut text);
            }
        }
        new_files::replace(&folder.join(LOCK), &text)
    }

    /// Imported files that are no longer as they were written, with their texts; `None` for one that is gone.
    pub(super) fn edited(&self, folder: &Path) -> Result<Vec<(String, Option<String>)>> {
        let mut edited = Vec::new();
        for (name, written) in &self.files {
            let path = folder.join(name);
            let text = match path.exists() {
                true => Some(read_text(&path, BYTES_MAX).map_err(|why| broken(&path, &why.to_string()))?),
                false => None,
            };
            // Git may have changed the ends of lines.
            if text.as_ref().map(|text| text.replace("\r\n", "\n")).as_ref() != Some(written) {
                edited.push((name.clone(), text));
            }
        }
        Ok(edited)
    }
}

/// Whether an import may have written a file of this name: it is in the folder itself, and a definition.
fn is_file_name(name: &str) -> bool {
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    let stem = name.strip_suffix(".yaml");
    is_plain
        && stem
            .is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.') && stem != "overrides" && stem != "import")
}

/// The other definition files of a folder: those of the user.
pub(super) fn own_files(folder: &Path, imported: &BTreeMap<String, String>) -> Result<Vec<(PathBuf, String)>> {
    let Some(entries) =
        if_there(std::fs::read_dir(folder)).map_err(|cause| new_files::failed(folder, "read", &cause))?
    else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|cause| new_files::failed(folder, "read", &cause))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_definition = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        let is_other = matches!(name.as_str(), LOCK | "overrides.yaml" | "sandbox.yaml");
        if is_definition && !is_other && !imported.contains_key(&name) {
            let text = read_text(&path, BYTES_MAX).map_err(|why| broken(&path, &why.to_string()))?;
            found.push((path, text));
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the files, removes those that are no more, and the lock last: a file that is not as the lock says is either
/// edited or already new.
pub(super) fn write(folder: &Path, old: &BTreeMap<String, String>, new: &ImportLock) -> Result<()> {
    for (name, text) in &new.files {
        if old.get(name) != Some(text) {
            new_files::replace(&folder.join(name), text)?;
        }
    }
    for name in old.keys().filter(|name| !new.files.contains_key(*name)) {
        let path = folder.join(name);
        if path.exists() {
            std::fs::remove_file(&path).map_err(|cause| new_files::failed(&path, "removed", &cause))?;
        }
    }
    new.write(folder)
}
