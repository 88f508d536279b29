//! The run folder: what a run is, where its files lie, and who holds it. Decides whether a run goes on or begins.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk;
use super::journal::{Fact, Journal, Recovered, recover};
use super::state::RunState;
use crate::error::{Error, ErrorKind, Place, Result};

/// Ended runs that are kept.
const KEPT_MAX: usize = 30;

/// What a run was begun with, in `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Version of this file.
    pub version: u32,
    /// The run's id: when it began.
    pub run: String,
    /// The batch's name.
    pub name: String,
    /// The batch file.
    pub file: String,
    /// When it began.
    pub started: String,
    /// The machine.
    pub host: String,
    /// The process that began it.
    pub pid: u32,
    /// The version of opnode.
    pub opnode: String,
    /// Digests of all that decides what the run does, by what they are of.
    pub prints: BTreeMap<String, String>,
}

/// How a run is to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// Start over, whatever there is.
    pub(crate) fresh: bool,
    /// Go on although the batch or its definitions have changed.
    pub(crate) accept_changes: bool,
    /// Try the failed items of the last run again.
    pub(crate) retry_failed: bool,
}

/// An open run folder, held by this process alone.
pub(crate) struct Folder {
    root: PathBuf,
    pub(crate) journal: Journal,
    pub(crate) info: RunInfo,
    /// What had been done before.
    pub(crate) state: RunState,
    /// Whether it goes on with an earlier run.
    pub(crate) resumed: bool,
    /// What a person should know about the beginning.
    pub(crate) notes: Vec<String>,
    _lock: File,
}

/// Who holds a folder.
#[derive(Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    since: String,
}

impl Folder {
    /// Takes the folder and begins or goes on. `info` is what a new run would be.
    ///
    /// # Errors
    /// `state` when somebody else holds it, the disk refuses, the journal is damaged, or what the run does has changed; `usage` when there is
    /// nothing to retry.
    pub(crate) fn open(root: &Path, info: RunInfo, beginning: Beginning) -> Result<Folder> {
        disk::folder(root)?;
        for inner in ["spool", "past"] {
            disk::not_a_link(&root.join(inner))?;
        }
        let lock = hold(root, &info)?;
        let mut notes = Vec::new();
        let path = root.join("journal");
        if beginning.fresh {
            if std::fs::metadata(&path).is_ok_and(|m| m.len() > 0) || root.join("spool").exists() {
                let run = recall(&path).map(|(_, state)| state.run).unwrap_or_default();
                notes.push(format!("the run before is kept aside in {}", set_aside(root, true, run)?.display()));
            }
            return Folder::begin(root, lock, info, notes);
        }
        let (found, state) = recall(&path)?;
        match (found.facts == 0, state.ended) {
            (true, _) if beginning.retry_failed => Err(nothing_to_retry("there is no earlier run")),
            // Rows are only kept when the journal has its first line.
            (true, _) if root.join("spool").exists() => Err(damaged(&path, "it is empty, and there are rows of a run")),
            (true, _) => Folder::begin(root, lock, info, notes),
            (false, true) if !beginning.retry_failed => {
                set_aside(root, false, state.run)?;
                Folder::begin(root, lock, info, notes)
            }
            (false, ended) => {
                if beginning.retry_failed && state.steps.values().all(|s| s.failed.is_empty()) {
                    let unknown: usize = state.steps.values().map(|s| s.unknown.len()).sum();
                    let why = "no item of the last run failed";
                    return Err(match unknown {
                        0 => nothing_to_retry(why),
                        // A new run would send what was done once more.
                        n => nothing_to_retry(&format!("{why}, and of {n} it is not known whether they took effect"))
                            .advise("look at the records of the unknown items; a new run sends all items again, those that were done too"),
                    });
                }
                let mut folder = Folder::go_on(root, lock, info, beginning, found, state, notes)?;
                if ended {
                    folder.note(Fact::Again);
                }
                Ok(folder)
            }
        }
    }

    fn begin(root: &Path, lock: File, info: RunInfo, notes: Vec<String>) -> Result<Folder> {
        let text = serde_json::to_vec_pretty(&info).map_err(|e| Error::new(ErrorKind::Internal, format!("run.json: {e}")))?;
        disk::replace(&root.join("run.json"), &text)?;
        let journal = Journal::begin(&root.join("journal"), &info.run)?;
        let state = RunState { run: info.run.clone(), ..RunState::default() };
        Ok(Folder { root: root.to_owned(), journal, state, resumed: false, notes, info, _lock: lock })
    }

    fn go_on(
        root: &Path,
        lock: File,
        info: RunInfo,
        beginning: Beginning,
        found: Recovered,
        state: RunState,
        mut notes: Vec<String>,
    ) -> Result<Folder> {
        let path = root.join("run.json");
        let text = disk::read_bytes(&path)?.ok_or_else(|| damaged(&path, "it is missing"))?;
        let before: RunInfo = serde_json::from_slice(&text).map_err(|e| damaged(&path, &e.to_string()))?;
        let changes = changes(&before.prints, &info.prints);
        if !changes.is_empty() && !beginning.accept_changes {
            let what = changes.join(", ");
            return Err(Error::new(
                ErrorKind::State,
                format!("the unfinished run of {} was begun with something else: {what}", before.started),
            )
            .advise("--accept-changes goes on with what is there now; --fresh starts over and keeps the old run aside"));
        }
        let journal_path = root.join("journal");
        if found.torn {
            disk::cut(&journal_path, found.length)?;
            notes.push("the last line of the journal was torn and has been cut off".into());
        }
        let mut kept = before;
        if !changes.is_empty() {
            kept.prints = info.prints;
            let text = serde_json::to_vec_pretty(&kept).map_err(|e| Error::new(ErrorKind::Internal, format!("run.json: {e}")))?;
            disk::replace(&path, &text)?;
        }
        let journal = Journal::open(&journal_path, found.last)?;
        Ok(Folder { root: root.to_owned(), journal, state, resumed: true, notes, info: kept, _lock: lock })
    }

    /// Notes a fact, in the journal and here.
    fn note(&mut self, fact: Fact) {
        self.state.apply(&fact);
        self.journal.note(vec![fact], Vec::new());
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where a step's rows are kept, and those of its items that failed.
    pub(crate) fn spool(&self, leg: &str, step: &str) -> (PathBuf, PathBuf) {
        let folder = self.root.join("spool").join(file_name(leg));
        (folder.join(format!("{step}.ndjson")), folder.join(format!("{step}.failed.ndjson")))
    }
}

/// What the facts of a journal come to; nothing, when there is none.
pub(crate) fn recall(path: &Path) -> Result<(Recovered, RunState)> {
    let mut state = RunState::default();
    let file = match File::open(path) {
        Ok(file) => BufReader::with_capacity(256 << 10, file),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((Recovered::default(), state)),
        Err(e) => return Err(disk::failed("read", path, &e)),
    };
    let found = recover(path, file, &mut |fact| state.apply(fact))?;
    Ok((found, state))
}

/// A connection's name as the name of a folder.
fn file_name(name: &str) -> String {
    const SAFE: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    let safe = percent_encoding::utf8_percent_encode(name, SAFE).to_string();
    if safe.is_empty() { "run".to_owned() } else { safe }
}

fn nothing_to_retry(why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("there is nothing to retry: {why}")).advise("run the batch without --retry-failed")
}

fn damaged(path: &Path, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} is damaged: {why}"))
        .at(Place { file: Some(shown), ..Place::default() })
        .advise("restore the file, or start over with --fresh, which keeps the old run aside")
}

/// What differs, named.
fn changes(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let changed =
        now.iter().filter(|(name, print)| before.get(*name).is_some_and(|b| b != *print)).map(|(name, _)| format!("{name} has changed"));
    let gone = before.keys().filter(|name| !now.contains_key(*name)).map(|name| format!("{name} is no longer used"));
    let new = now.keys().filter(|name| !before.contains_key(*name)).map(|name| format!("{name} is new"));
    changed.chain(gone).chain(new).collect()
}

/// Takes the lock that the operating system lets go of when this process ends, however it ends.
fn hold(root: &Path, info: &RunInfo) -> Result<File> {
    let path = root.join("lock");
    let mut file = disk::open(&path, File::options().read(true).write(true).create(true).truncate(false))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _unreadable_then_unnamed = file.read_to_string(&mut text);
            let who = serde_json::from_str::<Holder>(&text)
                .map_or_else(|_| "another process".to_owned(), |h| format!("process {} on {} (since {})", h.pid, h.host, h.since));
            return Err(Error::new(ErrorKind::State, format!("{who} is running this batch"))
                .at(Place { file: Some(path.display().to_string()), ..Place::default() })
                .advise("wait for it, or give this run another place with --state"));
        }
        Err(TryLockError::Error(e)) => return Err(disk::failed("locked", &path, &e)),
    }
    let holder = Holder { pid: std::process::id(), host: info.host.clone(), since: now() };
    let text = serde_json::to_string(&holder).unwrap_or_default();
    // For those who find it locked; a disk that does not take it will be told of by the journal.
    let _best_effort = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
    Ok(file)
}

/// The time, as people and machines read it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An id for a run that begins now: sorts by time, and differs from those of the same second.
pub(crate) fn run_id() -> String {
    format!("{}-{:04x}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), fastrand::u16(..))
}

/// Moves a run to `past/`: an unfinished one as it is, an ended one without its rows. `run` is its id, as far as the journal tells. The journal
/// goes last, so that whoever is killed here finds it again and ends this.
fn set_aside(root: &Path, whole: bool, mut run: String) -> Result<PathBuf> {
    if run.is_empty() {
        let info: Option<RunInfo> = std::fs::read(root.join("run.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
        run = info.map_or_else(run_id, |i| i.run);
    }
    let target = root.join("past").join(file_name(&run));
    disk::folder(&target)?;
    let spool = root.join("spool");
    // What is there when the rows have been moved already is of an attempt that was refused in between.
    if spool.exists() && whole && !target.join("spool").exists() {
        disk::rename(&spool, &target.join("spool"))?;
    } else if spool.exists() {
        std::fs::remove_dir_all(&spool).map_err(|e| disk::failed("removed", &spool, &e))?;
    }
    for name in ["report.json", "run.json", "journal"] {
        let from = root.join(name);
        if from.exists() {
            disk::rename(&from, &target.join(name))?;
        }
    }
    disk::sync_folder(&root.join("journal"))?;
    tidy(&root.join("past"));
    Ok(target)
}

/// Removes the oldest of many ended runs; those set aside unfinished stay. What cannot be removed does no harm.
fn tidy(past: &Path) {
    let Ok(entries) = std::fs::read_dir(past) else { return };
    let mut runs: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| !p.join("spool").exists()).collect();
    runs.sort();
    let excess = runs.len().saturating_sub(KEPT_MAX);
    for old in runs.into_iter().take(excess) {
        let _best_effort = std::fs::remove_dir_all(old);
    }
}
