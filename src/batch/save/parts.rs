//! Each row into the file of its value. The rows are sorted by their files on disk, so that one file is written at a
//! time; the files appear together when all are complete.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::form_writer::FormWriter;
use super::packed::PackedSink;
use super::protected::Protected;
use super::template::{LOCK, PathTemplate};
use crate::batch::save_file::SaveFormat;
use crate::batch::save_plan::Save;
use crate::claim::{Claim, claim};
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::output::{Compression, Form};
use crate::row_work::{FieldPath, NullOrder, SortKey, SortPlan, Workspace, sort};
use crate::run_store::RowReader;
use crate::sink::{FileSink, ParkedFile, failed, sync_folder};
use crate::table_file::{KeptRows, TableFileFormat, write_table_file};

/// The most files of one step.
const FILES_MAX: usize = 10_000;

/// What parts are made with.
pub(in crate::batch) struct PartsInput<'p> {
    pub(in crate::batch) save: &'p Save,
    pub(in crate::batch) format: SaveFormat,
    pub(in crate::batch) packing: Option<Compression>,
    pub(in crate::batch) template: &'p PathTemplate,
    /// Values of expressions, without the row.
    pub(in crate::batch) scope: &'p Scope,
    pub(in crate::batch) protected: &'p Protected,
    pub(in crate::batch) work: &'p Workspace<'p>,
    pub(in crate::batch) check: &'p dyn Fn() -> Result<()>,
}

/// Files that are complete beside their places.
pub(in crate::batch) struct PartFiles {
    parked: Vec<ParkedFile>,
    /// Rows by file.
    rows: BTreeMap<PathBuf, u64>,
    /// Fields that are missing from tables.
    pub(in crate::batch) omitted: BTreeSet<String>,
    /// What the user should know of files with typed columns.
    pub(in crate::batch) notes: BTreeSet<String>,
    _lock: PartsLock,
}

/// A row with its file, while it is sorted.
#[derive(Deserialize)]
struct SortedRow<'r> {
    #[serde(borrow)]
    path: Cow<'r, str>,
    #[serde(borrow)]
    row: &'r RawValue,
}

/// Writes the rows beside their places.
///
/// # Errors
/// `invalid_items` with the number of a row whose value is no name; `limit` for too many files; `state` when the disk
/// fails, or another process writes in this folder; errors of expressions, and of files that must not be written.
pub(in crate::batch) fn write_parts(mut rows: Box<dyn RowReader>, input: &PartsInput<'_>) -> Result<PartFiles> {
    let lock = PartsLock::take(input.template.root())?;
    let mut number = 0;
    let mut named = std::iter::from_fn(|| {
        let row = match rows.next_row() {
            Ok(row) => row?,
            Err(error) => return Some(Err(error)),
        };
        number += 1;
        Some(named(row, number, input))
    });
    let path = SortKey { path: FieldPath::of("path"), descending: false, nulls: NullOrder::default() };
    let mut parts = Parts { input, files: PartFiles::new(lock), open: None };
    sort(&mut named, &SortPlan { by: vec![path] }, input.work, &mut |row| parts.put(row))?;
    parts.close()?;
    Ok(parts.files)
}

/// The row with its file, as JSON.
fn named(row: &str, number: u64, input: &PartsInput<'_>) -> Result<Arc<str>> {
    let path = input.template.path(&input.scope.with_item(row, number - 1));
    let path = path.map_err(|error| error.with(|d| d.message = format!("row {number}: {}", d.message)))?;
    let root = input.template.root();
    let path = serde_json::Value::from(path.strip_prefix(root).unwrap_or(&path).to_string_lossy());
    Ok(format!("{{\"path\":{path},\"row\":{row}}}").into())
}

/// The files in the order of their paths.
struct Parts<'p> {
    input: &'p PartsInput<'p>,
    files: PartFiles,
    open: Option<OpenPart>,
}

struct OpenPart {
    path: PathBuf,
    sink: PackedSink,
    writer: PartWriter,
    rows: u64,
}

/// The rows of a part: written as they come, or kept until all are there.
enum PartWriter {
    Text(FormWriter),
    Typed(TableFileFormat, KeptRows),
}

impl Parts<'_> {
    fn put(&mut self, row: &str) -> Result<()> {
        let damaged = |e| Error::new(ErrorKind::Internal, format!("a sorted row cannot be read: {e}"));
        let SortedRow { path, row } = serde_json::from_str(row).map_err(damaged)?;
        let path = &self.input.template.root().join(path.as_ref());
        if self.open.as_ref().is_none_or(|open| open.path != *path) {
            self.close()?;
            self.begin(path)?;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        open.rows += 1;
        let sink = &mut open.sink;
        match &mut open.writer {
            PartWriter::Text(writer) => writer.put(row.get(), &mut |bytes| sink.write(bytes)),
            PartWriter::Typed(_, kept) => kept.add(row.get(), self.input.work),
        }
    }

    fn begin(&mut self, path: &Path) -> Result<()> {
        (self.input.check)()?;
        self.input.protected.check(path)?;
        if self.files.parked.len() >= FILES_MAX {
            let message = format!("the rows have more than {FILES_MAX} different files");
            return Err(Error::new(ErrorKind::Limit, message).advise("use a value in the path that is less specific"));
        }
        self.files.refuse_same_name(path)?;
        folder_of(path)?;
        let sink = PackedSink::new(FileSink::begin(path, false)?, self.input.packing)?;
        let writer = match self.input.save.file_format(self.input.format) {
            Some(format) => PartWriter::Typed(format, KeptRows::new(self.input.work)),
            None => PartWriter::Text(FormWriter::new(self.input.save, self.input.format, false)),
        };
        self.open = Some(OpenPart { path: path.to_owned(), sink, writer, rows: 0 });
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(OpenPart { path, mut sink, writer, rows }) = self.open.take() else { return Ok(()) };
        match writer {
            PartWriter::Text(writer) => {
                let form: Form = writer.finish(&mut |bytes| sink.write(bytes))?;
                self.files.omitted.extend(form.omitted().into_iter().flatten().cloned());
            }
            PartWriter::Typed(format, kept) => {
                let form = self.input.save.load.as_ref().map(|load| load.form.clone()).unwrap_or_default();
                let rows = kept.seal(self.input.work)?;
                let notes = write_table_file(&format, &form, &rows, &mut |bytes| sink.write(bytes), self.input.check);
                let named = |error: Error| error.with(|d| d.message = format!("{}: {}", path.display(), d.message));
                self.files.notes.extend(notes.map_err(named)?);
            }
        }
        self.files.parked.push(sink.close()?.park()?);
        self.files.rows.insert(path, rows);
        Ok(())
    }
}

impl PartFiles {
    fn new(lock: PartsLock) -> PartFiles {
        PartFiles {
            parked: Vec::new(),
            rows: BTreeMap::new(),
            omitted: BTreeSet::new(),
            notes: BTreeSet::new(),
            _lock: lock,
        }
    }

    /// Two values that differ only in case are one file on some systems.
    fn refuse_same_name(&self, path: &Path) -> Result<()> {
        if !cfg!(any(windows, target_os = "macos")) {
            return Ok(());
        }
        let lower = |path: &Path| path.to_string_lossy().to_lowercase();
        match self.rows.keys().find(|known| lower(known) == lower(path)) {
            None => Ok(()),
            Some(known) => {
                let message = format!("{} and {} are one file on this system", known.display(), path.display());
                Err(Error::new(ErrorKind::InvalidItems, message).advise("make the values equal, as with | lower"))
            }
        }
    }

    /// All files get their names.
    ///
    /// # Errors
    /// `state` when the disk fails.
    pub(in crate::batch) fn appear(self) -> Result<BTreeMap<PathBuf, u64>> {
        let mut folders = BTreeMap::new();
        for parked in self.parked {
            let path = parked.appear()?;
            folders.insert(path.parent().map(Path::to_owned), path);
        }
        folders.values().try_for_each(|path| sync_folder(path))?;
        Ok(self.rows)
    }
}

/// A lock by which one process at a time writes the parts in a folder.
struct PartsLock {
    path: PathBuf,
    /// `None` while it is dropped.
    file: Option<File>,
}

impl PartsLock {
    fn take(root: &Path) -> Result<PartsLock> {
        fs::create_dir_all(root).map_err(|e| failed("made", root, &e))?;
        let path = root.join(LOCK);
        match claim(&path, true).map_err(|e| failed("written", &path, &e))? {
            Claim::Mine(file, _) => Ok(PartsLock { path, file: Some(file) }),
            Claim::Held | Claim::Left(_) => {
                let message = format!("another process saves rows in {}", root.display());
                Err(Error::new(ErrorKind::State, message).advise("wait until it has ended, and run it again"))
            }
        }
    }
}

impl Drop for PartsLock {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.path);
        self.file = None;
    }
}

/// Makes the folder of a file.
pub(in crate::batch) fn folder_of(path: &Path) -> Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => fs::create_dir_all(folder).map_err(|e| failed("made", folder, &e)),
        None => Ok(()),
    }
}
