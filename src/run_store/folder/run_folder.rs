//! The run folder: its files, its lock, and whether a run is resumed or started.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::disk::{self, damaged};
use super::failures::{self, Failures};
use super::held;
use super::info::{RunInfo, run_id};
use super::journal::{self, Journal, Recovered, recover};
use super::kept::{self, KeptMarks};
use super::rows::{Again, FolderRows};
use super::spool::{self, Spool};
use super::tail::{self, Proof};
use crate::error::{Advice, Error, ErrorKind, Place, Result};
use crate::run_store::extent::Extent;
use crate::run_store::fact::Fact;
use crate::run_store::outline::RunOutline;
use crate::run_store::state::RunState;
use crate::run_store::store::{Before, FailureWriter, RowReader, RowWriter, RunStore, SharedRows, StepPlace};
use crate::run_store::watermark::Watermarks;

/// Maximum number of ended runs that are kept.
const KEPT_MAX: usize = 30;

/// How a run is to be started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// Starts over, even if there is an unfinished run.
    pub(crate) fresh: bool,
    /// Resumes although the batch or its definitions have changed.
    pub(crate) accept_changes: bool,
    /// Retries the failed items of the last run.
    pub(crate) retry_failed: bool,
}

/// A started or resumed run with its store.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) info: RunInfo,
    /// What was done before.
    pub(crate) state: RunState,
    /// Whether it resumes an earlier run.
    pub(crate) resumed: bool,
    /// Notes for the user about the start.
    pub(crate) notes: Vec<String>,
}

/// An open run folder, locked by this process.
pub(crate) struct Folder {
    root: PathBuf,
    journal: Journal,
    /// The watermarks of earlier runs and of this one.
    kept: Mutex<KeptMarks>,
    _lock: File,
}

impl Folder {
    /// Locks the folder and starts or resumes a run. `info` describes the run if it is new.
    ///
    /// # Errors
    /// `state` when another process holds the folder, the disk refuses, the journal is damaged, or the inputs of the
    /// run have changed; `usage` when there is nothing to retry.
    pub(crate) fn open(root: &Path, outline: &RunOutline, info: RunInfo, beginning: Beginning) -> Result<Opened> {
        disk::folder(root)?;
        for inner in ["spool", "past"] {
            disk::not_a_link(&root.join(inner))?;
        }
        let lock = held::hold(root, &info.host)?;
        let path = root.join("journal");
        let opening = Opening { root, outline, lock, info, beginning, kept: kept::load(root)? };
        if beginning.fresh {
            let mut notes = Vec::new();
            if std::fs::metadata(&path).is_ok_and(|m| m.len() > 0) || root.join("spool").exists() {
                let run = recall(&path).map(|(_, state)| state.run).unwrap_or_default();
                notes.push(format!("the previous run is archived in {}", set_aside(root, true, run)?.display()));
            }
            return opening.begin(notes);
        }
        let (found, state) = recall(&path)?;
        match (found.facts == 0, state.ended) {
            (true, _) if beginning.retry_failed => Err(nothing_to_retry("there is no earlier run")),
            // Rows are stored only once the journal has its first line.
            (true, _) if root.join("spool").exists() => Err(damaged(&path, "it is empty, but the run has rows")),
            (true, _) => opening.begin(Vec::new()),
            (false, true) if !beginning.retry_failed => {
                // The watermarks are checked before anything is moved.
                opening.kept.check_new(&outline.name)?;
                set_aside(root, false, state.run)?;
                opening.begin(Vec::new())
            }
            (false, _) => {
                refuse_older(root, &found, state.ended)?;
                if beginning.retry_failed && state.steps.values().all(|s| s.failed.is_empty()) {
                    return Err(nothing_failed(&state));
                }
                opening.resume(found, state)
            }
        }
    }

    /// The file of a step's rows.
    fn spool(&self, place: &StepPlace) -> PathBuf {
        self.root.join("spool").join(file_name(&place.job)).join(format!("{}.ndjson", place.step))
    }

    /// The file of a step's failures.
    fn failed(&self, place: &StepPlace) -> PathBuf {
        self.spool(place).with_file_name(format!("{}{FAILED}", place.step))
    }

    fn kept(&self) -> MutexGuard<'_, KeptMarks> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RunStore for Folder {
    fn note(&self, facts: Vec<Fact>, before: Before) {
        self.journal.note(facts, before);
    }

    async fn commit(&self, facts: Vec<Fact>, before: Before) -> Result<()> {
        self.journal.commit(facts, before).await
    }

    fn writer(&self, step: &StepPlace, known: Extent, explain: bool) -> Result<Box<dyn RowWriter>> {
        Ok(Box::new(Spool::open(&self.spool(step), known, explain)?))
    }

    fn clear(&self, step: &StepPlace) -> Result<()> {
        spool::empty(&self.spool(step))
    }

    fn rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Result<Box<dyn RowReader>> {
        Ok(Box::new(FolderRows::open(&self.spool(step), marks)?))
    }

    fn shared_rows(&self, step: &StepPlace, marks: Arc<[Extent]>) -> Arc<dyn SharedRows> {
        Arc::new(Again { path: self.spool(step), marks, known: Arc::default() })
    }

    fn failures(&self, step: &StepPlace) -> Box<dyn FailureWriter> {
        Box::new(Failures::new(&self.failed(step)))
    }

    fn settle_failures(&self, step: &StepPlace, left: &BTreeSet<(u64, u64)>) -> Result<usize> {
        failures::tidy(&self.failed(step), left)
    }

    fn failures_shown(&self, step: &StepPlace) -> (String, bool) {
        let path = self.failed(step);
        (path.display().to_string(), path.exists())
    }

    fn watermarks(&self) -> Watermarks {
        self.kept().marks().clone()
    }

    fn store_watermarks(&self, job: &str, seen: Watermarks) -> Result<()> {
        self.kept().store(job, seen)
    }

    fn keep_report(&self, json: &[u8]) -> Result<()> {
        disk::replace(&self.root.join("report.json"), json)
    }
}

/// A locked folder; whether its run is resumed is not decided yet.
struct Opening<'o> {
    root: &'o Path,
    outline: &'o RunOutline,
    lock: File,
    info: RunInfo,
    beginning: Beginning,
    kept: KeptMarks,
}

impl Opening<'_> {
    fn begin(self, mut notes: Vec<String>) -> Result<Opened> {
        let Opening { root, lock, info, mut kept, outline, .. } = self;
        notes.extend(kept.check_new(&outline.name)?);
        info.write(root)?;
        let journal = Journal::begin(&root.join("journal"), &info.run, kept.fingerprint)?;
        let state = RunState { run: info.run.clone(), watermarks: kept.fingerprint, ..RunState::default() };
        kept.adopt(outline, &state);
        let store = Arc::new(Folder { root: root.to_owned(), journal, kept: Mutex::new(kept), _lock: lock });
        Ok(Opened { store, info, state, resumed: false, notes })
    }

    /// Resumes a run. All checks precede all changes.
    fn resume(self, found: Recovered, mut state: RunState) -> Result<Opened> {
        let Opening { root, outline, lock, info, beginning, mut kept } = self;
        let mut before = RunInfo::read(root, &state.run)?;
        let changes = changes(&before.fingerprints, &info.fingerprints);
        if !changes.is_empty() && !beginning.accept_changes {
            let what = changes.join(", ");
            return Err(Error::new(
                ErrorKind::State,
                format!("the unfinished run of {} was started with other inputs: {what}", before.started),
            )
            .advise(Advice::AcceptChangesOrStartOver));
        }
        let mut notes = Vec::new();
        match state.ended {
            // Users may have edited the watermarks since.
            true => notes.extend(kept.check_new(&outline.name)?),
            false => kept.check_resumed(outline, &state)?,
        }
        let path = root.join("journal");
        if found.torn {
            disk::cut(&path, found.length)?;
            notes.push("the last line of the journal was incomplete and has been removed".into());
        }
        if !changes.is_empty() {
            before.fingerprints = info.fingerprints;
            before.write(root)?;
        }
        let journal = Journal::open(&path, Proof { run: state.run.clone(), lines: found.lines, last: found.last })?;
        // A killed run with all steps done has ended too; only the fact is missing.
        if state.ended || (beginning.retry_failed && outline.is_done(&state)) {
            let again = [Fact::Ended { kind: None }, Fact::Again { watermarks: kept.fingerprint }];
            let facts: Vec<Fact> = again.into_iter().skip(usize::from(state.ended)).collect();
            facts.iter().for_each(|fact| state.apply(fact));
            journal.note(facts, Vec::new());
        }
        kept.adopt(outline, &state);
        let store = Arc::new(Folder { root: root.to_owned(), journal, kept: Mutex::new(kept), _lock: lock });
        Ok(Opened { store, info: before, state, resumed: true, notes })
    }
}

/// The state that results from the facts of a journal; empty without a journal.
///
/// # Errors
/// `state` when it cannot be read, is damaged, or does not match `journal.tail`.
pub(super) fn recall(path: &Path) -> Result<(Recovered, RunState)> {
    // The tail is read first: a run in progress writes the journal before it.
    let proof = tail::read(path)?;
    let mut state = RunState::default();
    let text: Box<dyn BufRead> = match File::open(path) {
        Ok(file) => Box::new(BufReader::with_capacity(256 << 10, file)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Box::new(std::io::empty()),
        Err(e) => return Err(disk::failed("read", path, &e)),
    };
    let found = recover(path, text, proof.as_ref(), &mut |fact| state.apply(fact))?;
    // Without the tail, a run was killed after its first line, or while it was set aside.
    if proof.is_none() && found.lines > 1 && found.version > 1 && !state.ended {
        let beside = path.with_file_name(tail::NAME);
        return Err(damaged(
            &beside,
            &format!("it is missing or incomplete; it records how many lines {} must have", path.display()),
        ));
    }
    Ok((found, state))
}

/// Returns an error for a journal of an earlier version: it has no digests of its rows.
fn refuse_older(root: &Path, found: &Recovered, ended: bool) -> Result<()> {
    if found.version >= journal::VERSION {
        return Ok(());
    }
    let which = RunInfo::look(root).map_or_else(|| "an earlier version".to_owned(), |info| info.opnode);
    let what = if ended { "the last run" } else { "the unfinished run" };
    let message = format!(
        "{what} was started by opnode {which}: its journal has version {}, and this build resumes version {}",
        found.version,
        journal::VERSION
    );
    let advice = match ended {
        true => Advice::from(
            "retry its failed items with the opnode that ran it; a new run needs no flag, and sends all items again",
        ),
        false => Advice::FinishWithEarlierVersion,
    };
    Err(Error::new(ErrorKind::State, message)
        .at(Place { file: Some(root.display().to_string()), ..Place::default() })
        .advise(advice))
}

/// A connection's name as the name of a folder.
fn file_name(name: &str) -> String {
    const SAFE: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    let safe = percent_encoding::utf8_percent_encode(name, SAFE).to_string();
    if safe.is_empty() { "run".to_owned() } else { safe }
}

fn nothing_to_retry(why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("there is nothing to retry: {why}")).advise(Advice::RunWithoutRetry)
}

fn nothing_failed(state: &RunState) -> Error {
    let unknown: usize = state.steps.values().map(|s| s.unknown.len()).sum();
    let why = "no item of the last run failed";
    match unknown {
        0 => nothing_to_retry(why),
        // A new run would repeat the items that are done.
        n => nothing_to_retry(&format!("{why}, and of {n} it is not known whether they took effect")).advise(
            "check the records of the unknown items; a new run sends all items again, also those that were done",
        ),
    }
}

/// The names of the inputs that differ.
fn changes(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let changed = now
        .iter()
        .filter(|(name, print)| before.get(*name).is_some_and(|b| b != *print))
        .map(|(name, _)| format!("{name} has changed"));
    let gone = before.keys().filter(|name| !now.contains_key(*name)).map(|name| format!("{name} is no longer used"));
    let new = now.keys().filter(|name| !before.contains_key(*name)).map(|name| format!("{name} is new"));
    changed.chain(gone).chain(new).collect()
}

/// Moves a run to `past/`, an unfinished one with its rows, an ended one without them. `run` is its id according to the
/// journal. The journal is moved last: if the process is killed before, the next one repeats this.
fn set_aside(root: &Path, whole: bool, mut run: String) -> Result<PathBuf> {
    if run.is_empty() {
        run = RunInfo::look(root).map_or_else(run_id, |i| i.run);
    }
    let target = root.join("past").join(file_name(&run));
    disk::folder(&target)?;
    let spool = root.join("spool");
    // If the target has rows already, those here belong to a later attempt that was refused.
    if spool.exists() && whole && !target.join("spool").exists() {
        disk::rename(&spool, &target.join("spool"))?;
    } else if spool.exists() {
        keep_failures(&spool, &target.join("failed"))?;
        std::fs::remove_dir_all(&spool).map_err(|e| disk::failed("removed", &spool, &e))?;
    }
    for name in ["report.json", "run.json", tail::NAME, "journal"] {
        let from = root.join(name);
        if from.exists() {
            disk::rename(&from, &target.join(name))?;
        }
    }
    disk::sync_folder(&root.join("journal"))?;
    tidy(&root.join("past"));
    Ok(target)
}

/// The end of the names of failures files.
const FAILED: &str = ".failed.ndjson";

/// Keeps the failed items of an ended run, which say what must be looked up in the system.
fn keep_failures(spool: &Path, kept: &Path) -> Result<()> {
    let read = |folder: &Path| std::fs::read_dir(folder).map_err(|e| disk::failed("read", folder, &e));
    for job in read(spool)?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        for file in read(&job)?.flatten().map(|entry| entry.path()) {
            let (Some(job), Some(name)) = (job.file_name(), file.file_name()) else { continue };
            if name.to_string_lossy().ends_with(FAILED) {
                let folder = kept.join(job);
                disk::folder(&folder)?;
                disk::rename(&file, &folder.join(name))?;
            }
        }
    }
    Ok(())
}

/// Removes the oldest ended runs beyond the limit; unfinished ones stay. Ignores failures, because the runs only use
/// disk space.
fn tidy(past: &Path) {
    let Ok(entries) = std::fs::read_dir(past) else { return };
    let mut runs: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| !p.join("spool").exists()).collect();
    runs.sort();
    let excess = runs.len().saturating_sub(KEPT_MAX);
    for old in runs.into_iter().take(excess) {
        let _best_effort = std::fs::remove_dir_all(old);
    }
}
