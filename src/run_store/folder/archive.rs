//! Runs that are not resumed any more: moved to `past/`, and removed when they are old and nothing of them is left to do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::disk;
use super::log;
use super::recall::recall;
use super::tail;
use crate::error::Result;
use crate::run_store::state::StepState;

/// Maximum number of archived runs that are kept, besides those with items that nobody has settled.
const KEPT_MAX: usize = 30;

/// A run that was archived with something left to do, because a new one begins.
#[derive(Clone, Debug)]
pub(crate) struct ArchivedRun {
    pub(crate) run: String,
    /// When it started, as in its `run.json`.
    pub(crate) started: String,
    pub(crate) steps_done: u64,
    /// Whether it had ended: only items of it are left.
    pub(crate) has_ended: bool,
    /// Items that failed or whose outcome is unknown.
    pub(crate) left: u64,
    pub(crate) folder: PathBuf,
}

/// A connection's name as the name of a folder.
pub(crate) fn file_name(name: &str) -> String {
    const SAFE: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    let safe = percent_encoding::utf8_percent_encode(name, SAFE).to_string();
    if safe.is_empty() { "run".to_owned() } else { safe }
}

/// Moves a run to `past/`: an unfinished one with its rows, an ended one without them. `run` is its id. The journal is
/// moved last: if the process is killed before, the next one repeats this.
pub(super) fn set_aside(root: &Path, whole: bool, run: &str) -> Result<PathBuf> {
    let target = root.join("past").join(file_name(run));
    disk::folder(&target)?;
    let spool = root.join(SPOOL);
    // If the target has rows already, those here belong to a later attempt that was refused.
    if spool.exists() && whole && !target.join(SPOOL).exists() {
        disk::rename(&spool, &target.join(SPOOL))?;
    } else if spool.exists() {
        std::fs::remove_dir_all(&spool).map_err(|e| disk::failed("removed", &spool, &e))?;
    }
    for name in [FAILED, log::NAME, "report.json", "run.json", tail::NAME, "journal"] {
        let (from, to) = (root.join(name), target.join(name));
        if from.exists() && !to.is_dir() {
            disk::rename(&from, &to)?;
        }
    }
    disk::sync_folder(&root.join("journal"))?;
    tidy(&root.join("past"));
    Ok(target)
}

/// The folder of the rows.
pub(super) const SPOOL: &str = "spool";
/// The folder of the items that did not succeed.
pub(super) const FAILED: &str = "failed";

/// Removes the oldest runs beyond the limit; those with items that nobody has settled stay. Ignores failures, because
/// the runs only use disk space.
fn tidy(past: &Path) {
    let Ok(entries) = std::fs::read_dir(past) else { return };
    let mut runs: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|run| !has_failures(run)).collect();
    runs.sort();
    let excess = runs.len().saturating_sub(KEPT_MAX);
    for old in runs.into_iter().take(excess) {
        let _best_effort = std::fs::remove_dir_all(old);
    }
}

fn has_failures(run: &Path) -> bool {
    let files = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files(&run.join(FAILED)).any(|job| files(&job).next().is_some())
}

/// Whether an archived run has items of these steps of a job that nobody has settled.
///
/// # Errors
/// `state` when one cannot be read.
pub(super) fn has_left(root: &Path, job: &str, steps: &BTreeSet<String>) -> Result<bool> {
    let Ok(entries) = std::fs::read_dir(root.join("past")) else { return Ok(false) };
    for run in entries.flatten().map(|entry| entry.path()).filter(|run| has_failures(run)) {
        let (_, state) = recall(&run.join("journal"))?;
        let of_step = |key: &str| key.strip_prefix(job).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
        let is_left = |(key, known): (&String, &StepState)| {
            known.left() > 0 && of_step(key).is_some_and(|step| steps.contains(&step))
        };
        if state.steps.iter().any(is_left) {
            return Ok(true);
        }
    }
    Ok(false)
}
