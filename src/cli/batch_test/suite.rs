//! The test files that the user names: a batch file, a test file, or a folder with test files.

use std::path::{Path, PathBuf};

use super::normal::ignore_fault;
use crate::authoring::Document;
use crate::batch::{BatchCaseFile, BatchTests, ExpectedFile};
use crate::cli::new_files;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::{Format, to_yaml};
use crate::text_file::{if_there, read_text};

/// The end of the name of a test file.
const ENDING: &str = ".test.yaml";
/// Larger files are no batches and no tests.
const BYTES_MAX: u64 = 16 << 20;
/// The start of a run, if a case does not say.
pub(super) const START: &str = "2026-01-01T00:00:00Z";

/// A test file with its batch.
pub(crate) struct Suite {
    /// `nightly`, of `nightly.test.yaml`.
    pub(super) name: String,
    pub(super) file: PathBuf,
    /// The folder of the test file: paths in it start there.
    pub(super) folder: PathBuf,
    pub(super) batch: PathBuf,
    /// The text of the batch file.
    pub(super) text: String,
    pub(super) tests: BatchTests,
    /// Whether `--update` has just written the file.
    is_new: bool,
}

/// The test files at a path.
///
/// # Errors
/// `usage` when there are none; `definition` when one is invalid.
pub(crate) fn suites(path: &Path, update: bool) -> Result<Vec<Suite>> {
    if path.is_dir() {
        let mut found = Vec::new();
        collect(path, &mut found)?;
        found.sort();
        return found.iter().map(|file| Suite::read(file, None)).collect();
    }
    if !path.is_file() {
        return Err(Error::new(ErrorKind::Usage, format!("there is no file or folder {}", path.display()))
            .advise("name a batch file, a test file, or a folder with recorded calls or test files"));
    }
    if stem(path).is_some() {
        return Ok(vec![Suite::read(path, None)?]);
    }
    let beside = path.with_extension("test.yaml");
    if !beside.is_file() {
        if !update {
            let message = format!("{} has no tests: there is no {}", path.display(), beside.display());
            return Err(Error::new(ErrorKind::Usage, message).advise(format!(
                "`opnode test {} --update` writes it, with a case that runs in the sandbox",
                path.display()
            )));
        }
        new_files::replace(&beside, &first_file(path))?;
        let read = Suite::read(&beside, Some(path)).inspect_err(|_| drop(std::fs::remove_file(&beside)))?;
        return Ok(vec![Suite { is_new: true, ..read }]);
    }
    Ok(vec![Suite::read(&beside, Some(path))?])
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|cause| new_files::failed(folder, "read", &cause))?;
    for entry in entries.filter_map(std::result::Result::ok) {
        let (path, kind) = (entry.path(), entry.file_type());
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        match kind {
            Ok(kind) if kind.is_dir() && !is_hidden => collect(&path, found)?,
            Ok(kind) if kind.is_file() && stem(&path).is_some() => found.push(path),
            _ => {}
        }
    }
    Ok(())
}

/// `nightly`, of `nightly.test.yaml`.
fn stem(path: &Path) -> Option<String> {
    path.file_name()?.to_str()?.strip_suffix(ENDING).filter(|stem| !stem.is_empty()).map(str::to_owned)
}

/// A test file to start from.
fn first_file(batch: &Path) -> String {
    let name = batch.file_name().unwrap_or_default().to_string_lossy();
    let inputs = crate::batch::Batch::inputs(batch).unwrap_or_default();
    let mut required = inputs.iter().filter(|input| input.default.is_none()).peekable();
    let mut lines = String::new();
    if required.peek().is_some() {
        lines.push_str("    inputs:\n");
        required
            .for_each(|input| lines.push_str(&format!("      {}: {}  # {}\n", input.name, input.sample(), input.kind)));
    }
    format!(
        "# Tests of {name}. `opnode test {name}` runs them; with --update it writes what they do: review and commit it.\nversion: 1\ncases:\n  sandbox:\n    title: It runs in the sandbox\n    at: {START}\n{lines}"
    )
}

impl Suite {
    fn read(file: &Path, batch: Option<&Path>) -> Result<Suite> {
        let name = stem(file).unwrap_or_default();
        let tests = BatchTests::parse(&file.display().to_string(), &text_of(file)?, faults)?;
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let named = tests.file.batch.as_ref().map(|path| folder.join(path));
        let batch = named.or(batch.map(Path::to_owned)).unwrap_or_else(|| folder.join(format!("{name}.yaml")));
        let text = text_of(&batch).map_err(|error| {
            let place = tests.place(if tests.file.batch.is_some() { "/batch" } else { "" });
            error.at(place).advise("name the batch file with `batch: PATH`")
        })?;
        Ok(Suite { name, file: file.to_owned(), folder, batch, text, tests, is_new: false })
    }

    /// Removes the file if it has just been written: its case failed.
    pub(super) fn withdraw(&self) {
        if self.is_new {
            let _best_effort = std::fs::remove_file(&self.file);
        }
    }

    /// The file with what is expected of a case.
    pub(super) fn stored(&self, case: &str) -> PathBuf {
        self.folder.join(format!("{}.test", self.name)).join(format!("{case}.yaml"))
    }

    /// Files with what is expected of cases that the test file does not have any more.
    pub(super) fn strays(&self) -> Vec<PathBuf> {
        let folder = self.folder.join(format!("{}.test", self.name));
        let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let is_stray = |path: &PathBuf| {
            let case = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".yaml"));
            case.is_some_and(|case| !self.tests.file.cases.contains_key(case))
        };
        let mut strays: Vec<PathBuf> = files.filter(is_stray).collect();
        strays.sort();
        strays
    }

    /// What is expected of a case, as an earlier `--update` wrote it.
    pub(super) fn expected(&self, case: &str) -> Result<Option<ExpectedFile>> {
        let path = self.stored(case);
        let read = if_there(std::fs::read_to_string(&path)).map_err(|e| new_files::failed(&path, "read", &e))?;
        let Some(text) = read else { return Ok(None) };
        let mut stored = BatchTests::parse(&path.display().to_string(), &text, faults)?;
        let expected = stored.file.cases.shift_remove(case).and_then(|case| case.expect);
        expected.map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Definition, format!("{} has no `expect` of the case {case}", path.display()))
                .at(stored.place("/cases"))
                .advise("--update writes the file again")
        })
    }

    /// Writes what is expected of a case.
    pub(super) fn store(&self, case: &str, expected: &ExpectedFile) -> Result<()> {
        let file = crate::batch::BatchTestFile {
            version: Format::BatchTest.version(),
            batch: None,
            cases: [(case.to_owned(), BatchCaseFile { expect: Some(expected.clone()), ..BatchCaseFile::default() })]
                .into(),
        };
        let head = format!(
            "# What the case {case} of {}{ENDING} did when `opnode test --update` wrote this file. Review it before you commit it.\n",
            self.name
        );
        new_files::replace(&self.stored(case), &(head + &to_yaml(&file)?))
    }
}

/// The faults of a test file.
pub(crate) fn test_file_faults(name: &str, text: &str) -> Vec<Fault> {
    BatchTests::parse(name, text, faults).err().map(|error| error.to_faults()).unwrap_or_default()
}

/// The faults of a case that its format does not show: the place in it, and the message.
fn faults(case: &BatchCaseFile) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    if let Some(Err(why)) = case.at.as_deref().map(start) {
        faults.push(("/at".to_owned(), why));
    }
    for (number, pointer) in case.ignore.iter().enumerate() {
        faults.extend(ignore_fault(pointer).map(|why| (format!("/ignore/{number}"), why)));
    }
    if let Some(text) = case.sandbox.as_ref().and_then(|sandbox| sandbox.faults.as_deref())
        && let Err(error) = text.parse::<crate::sandbox::Faults>()
    {
        faults.push(("/sandbox/faults".to_owned(), error.message.clone()));
    }
    for path in case.files.keys().filter(|path| !is_inside(path)) {
        let at = format!("/files/{}", crate::json_pointer::escape(path));
        faults.push((at, format!("`{path}` must be a path within the folder of the batch file")));
    }
    faults
}

/// Whether a path stays in the folder in which it starts.
fn is_inside(path: &str) -> bool {
    use std::path::Component;
    !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// The time at which a case starts.
pub(super) fn start(text: &str) -> std::result::Result<std::time::SystemTime, String> {
    let time: jiff::Timestamp =
        text.parse().map_err(|_| format!("`{text}` is no time: write it as 2026-01-31T02:00:00Z"))?;
    Ok(time.into())
}

fn text_of(path: &Path) -> Result<String> {
    let shown = path.display().to_string();
    read_text(path, BYTES_MAX).map_err(|why| Error::new(ErrorKind::State, format!("{shown} cannot be read: {why}")))
}

/// The connections file that a batch names, if there is one: a test uses the names and connectors in it.
pub(super) fn connections_of(batch: &Path, text: &str) -> Option<PathBuf> {
    let value = Document::parse("", text, 0).ok()?.to_value();
    let named = value.get("connections")?.as_str()?;
    Some(batch.parent().unwrap_or(Path::new("")).join(named)).filter(|path| path.is_file())
}
