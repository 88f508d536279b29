//! Batch files that share parts: `include` at the top adds what a part has, as an entry of a list it is replaced by the
//! steps of the part.

use std::path::{Path, PathBuf};

use crate::authoring::Document;
use crate::authoring::yaml::INCLUDE;
use crate::error::{Advice, Error, ErrorKind, Fault, Result};
use crate::real_path::real_path;
use crate::sink::failed;
use crate::text_file::if_there;

/// The lists into which steps can be included.
const LISTS: [&str; 3] = ["steps", "on_failure", "finally"];
/// Maximum number of parts within parts.
const DEPTH_MAX: usize = 8;

/// A batch file with its parts, and the paths of the parts.
pub(super) fn whole(path: &Path, text: &str) -> Result<(Document, Vec<PathBuf>)> {
    let mut files = Vec::new();
    let document = document(path, text, &[real_path(path)], &mut files)?;
    Ok((document, files))
}

/// `within` are the files from the batch file to this one.
fn document(path: &Path, text: &str, within: &[PathBuf], files: &mut Vec<PathBuf>) -> Result<Document> {
    let own = Document::parse(&path.display().to_string(), text, 0)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let fault = |at: &str, message: String, advice: Option<Advice>| {
        let fault = Fault { place: own.place(at), message, advice };
        Error::from_faults(ErrorKind::Definition, "the batch file is invalid", vec![fault])
    };
    let named = own
        .included(&LISTS)
        .map_err(|at| fault(&at, "expected the path of a file".to_owned(), Some("include: shared/part.yaml".into())))?;
    let mut parts = Vec::new();
    for included in named {
        let at = match included.list {
            Some(list) => format!("/{list}/{}/{INCLUDE}", included.index),
            None => format!("/{INCLUDE}"),
        };
        let file = folder.join(&included.path);
        let real = real_path(&file);
        if within.contains(&real) {
            return Err(fault(&at, format!("{} includes itself", file.display()), None));
        }
        if within.len() > DEPTH_MAX {
            return Err(fault(&at, format!("more than {DEPTH_MAX} files include each other"), None));
        }
        let text = read_there(&file).map_err(|e| fault(&at, e.message.clone(), e.advice.clone()))?;
        let mut chain = within.to_vec();
        chain.push(real);
        let part = document(&file, &text, &chain, files)?;
        check(&part, included.list)?;
        files.push(file);
        parts.push((included, part));
    }
    Ok(if parts.is_empty() { own } else { own.with(parts, &LISTS) })
}

/// A part has its version; one that is an entry of a list has only steps.
fn check(part: &Document, list: Option<&str>) -> Result<()> {
    let value = part.to_value();
    let wrong = |at: &str, message: String, advice: Option<Advice>| {
        let fault = Fault { place: part.place(at), message, advice };
        Err(Error::from_faults(ErrorKind::Definition, "an included file is invalid", vec![fault]))
    };
    if value.get("version").and_then(serde_json::Value::as_u64) != Some(1) {
        return wrong("/version", "an included file begins with `version: 1`".to_owned(), None);
    }
    let Some(list) = list else { return Ok(()) };
    for key in part.keys("") {
        if !matches!(key, "version" | "steps") {
            let message = format!("`{key}` has no effect in a file that is included among {list}");
            let advice = format!("include the file at the top of the batch file for its `{key}`");
            return wrong(&format!("/{key}"), message, Some(advice.into()));
        }
    }
    match value.get("steps").and_then(serde_json::Value::as_array) {
        Some(steps) if !steps.is_empty() => Ok(()),
        _ => wrong("", format!("a file that is included among {list} has a list of `steps`"), None),
    }
}

/// The text of a file that must be there.
pub(super) fn read_there(path: &Path) -> Result<String> {
    read(path)?.ok_or_else(|| missing(path))
}

/// The text of a batch file that a caller names: without one, there is still one to be written.
pub(super) fn read_named(path: &Path) -> Result<String> {
    read(path)?.ok_or_else(|| missing(path).advise(Advice::WriteBatch))
}

fn missing(path: &Path) -> Error {
    Error::new(ErrorKind::State, format!("there is no file {}", path.display()))
}

/// A file's text; `None` when there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    if_there(std::fs::read_to_string(path))
        .map_err(|e| failed("read", path, &e).advise("check that the file exists and that you may read it"))
}
