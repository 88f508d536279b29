//! Writes a step's rows to a temporary file beside the target, then renames it.

use std::path::{Path, PathBuf};

use crate::batch::file::SaveFormat;
use crate::batch::run_plan::Save;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::item::Items;
use crate::output::Form;
use crate::private_file;
use crate::run_store::RowReader;
use crate::sink::{FileSink, Sink, failed};

/// Rows that are written together; the first group determines the csv columns.
const GROUP: usize = 1000;

/// The target of rows.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::batch) enum SavePlace {
    Stdout(SaveFormat),
    File(PathBuf, SaveFormat),
}

/// The target that a step names, with its format.
///
/// # Errors
/// `definition` when the extension is not known; errors of the expression.
pub(in crate::batch) fn target(save: &Save, scope: &Scope, folder: &Path) -> Result<SavePlace> {
    let text = save.to.plain(scope)?;
    let wrong = |message: String| Err(Error::new(ErrorKind::Definition, message));
    if text == "-" {
        return Ok(SavePlace::Stdout(save.format.unwrap_or(SaveFormat::Ndjson)));
    }
    if text.trim().is_empty() || text.ends_with('/') {
        return wrong(format!("`{text}` names no file"));
    }
    let path = folder.join(&text);
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let format = match (save.format, extension.as_deref()) {
        (Some(format), _) => format,
        (None, Some("ndjson" | "jsonl")) => SaveFormat::Ndjson,
        (None, Some("json")) => SaveFormat::Json,
        (None, Some("csv")) => SaveFormat::Csv,
        (None, _) => {
            let error = Error::new(ErrorKind::Definition, format!("the name `{text}` does not show the format"));
            return Err(error.advise("end it with .ndjson, .json or .csv, or write { to: …, format: csv }"));
        }
    };
    if !save.columns.is_empty() && format != SaveFormat::Csv {
        return wrong("`columns` is for csv; ndjson and json write items unchanged".into());
    }
    Ok(SavePlace::File(path, format))
}

/// Whether a file can be created there: its nearest existing folder is writable.
///
/// # Errors
/// `state`, with the reason.
pub(in crate::batch) fn writable(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(
            Error::new(ErrorKind::State, format!("{} is a folder", path.display())).advise("give a file name in it")
        );
    }
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Error::new(ErrorKind::State, format!("{} is not a regular file", path.display()))
            .advise("save to a file, or to standard output with `-`"));
    }
    let exists = |p: &&Path| p.as_os_str().is_empty() || p.exists();
    let above = path.ancestors().skip(1).find(exists).unwrap_or(Path::new(""));
    let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
    if !above.is_dir() {
        return Err(Error::new(ErrorKind::State, format!("{} is not a folder", above.display())));
    }
    // The name is constant: the next run replaces what a killed run left.
    let probe = above.join(".opnode-probe");
    private_file::begin(&probe, true).map_err(|e| failed("written", path, &e))?;
    let _it_was_made_just_now = std::fs::remove_file(&probe);
    Ok(())
}

/// Writes the rows to their target. Returns a note for the user, if any.
///
/// # Errors
/// `state` when the disk fails, or the error of `check` between two groups; the previous file is then unchanged.
pub(super) fn write(
    mut rows: Box<dyn RowReader>,
    place: &SavePlace,
    columns: &[String],
    stdout: &dyn Fn() -> Result<Box<dyn Sink>>,
    check: &dyn Fn() -> Result<()>,
) -> Result<Option<String>> {
    let format = match place {
        SavePlace::Stdout(format) | SavePlace::File(_, format) => *format,
    };
    // Output on standard output cannot be undone: it is written to its end.
    let check = || if matches!(place, SavePlace::File(..)) { check() } else { Ok(()) };
    let mut sink: Box<dyn Sink> = match place {
        SavePlace::Stdout(_) => stdout()?,
        SavePlace::File(path, _) => open(path)?,
    };
    let mut form = match format {
        SaveFormat::Ndjson => {
            rows.pieces(&mut |piece| check().and_then(|()| sink.put(piece)))?;
            return sink.commit().map(|()| None);
        }
        SaveFormat::Json => Form::json(),
        SaveFormat::Csv => Form::csv(columns),
    };
    let mut buffer = Vec::new();
    loop {
        let mut group = Vec::with_capacity(GROUP);
        while group.len() < GROUP {
            let Some(row) = rows.next_row()? else { break };
            group.push(Items::one(row.to_owned()));
        }
        if group.is_empty() {
            break;
        }
        check()?;
        form.put(&Items::concat(group), &mut buffer)?;
        sink.put(&buffer)?;
        buffer.clear();
    }
    form.close(&mut buffer)?;
    sink.put(&buffer)?;
    sink.commit()?;
    Ok(form.note())
}

fn open(path: &Path) -> Result<Box<dyn Sink>> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| failed("made", folder, &e))?;
    }
    Ok(Box::new(FileSink::begin(path, false)?))
}
