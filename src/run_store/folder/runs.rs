//! Past and unfinished runs, from their folders. Reads only.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::disk;
use super::held::is_held;
use super::info::RunInfo;
use super::recall::recall;
use crate::error::Result;
use crate::run_store::state::RunState;

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// A process is running it.
    Running,
    /// It stopped before its end; running the batch again resumes it.
    Unfinished,
    /// It ended, and no item of it is left.
    Finished,
    /// It ended with items that failed or are in doubt; the next start sends them again, as far as it resumes the run.
    ItemsLeft,
    /// It was set aside unfinished.
    SetAside,
    /// Its journal is damaged.
    Damaged,
}

/// The run of a job, summarized from its folder.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// Its inputs.
    #[serde(flatten)]
    pub info: RunInfo,
    /// Its status.
    pub status: RunStatus,
    /// Number of steps that are done, over all jobs.
    pub steps_done: u64,
    /// Number of steps, over all jobs; of those that were started in runs of earlier builds.
    pub steps: u64,
    /// Rows that its steps returned.
    pub items_out: u64,
    /// Items that were written.
    pub written: u64,
    /// Items that failed.
    pub failed: u64,
    /// Items whose outcome is unknown.
    pub unknown: u64,
    /// Requests sent.
    pub requests: u64,
    /// The folder of the run.
    pub folder: PathBuf,
    /// Whether a newer run has taken its place.
    #[serde(skip)]
    pub is_archived: bool,
}

/// The runs in a folder of runs, by name, time and job.
///
/// # Errors
/// `state` when a folder cannot be read.
pub fn runs(folder: &Path) -> Result<Vec<RunSummary>> {
    let all = run_folders(folder)?;
    let summary = |(root, run): &(PathBuf, PathBuf)| {
        summary(run, Some(root.as_path()).filter(|root| root == run)).map(|(summary, _)| summary)
    };
    let mut found: Vec<RunSummary> = all.iter().filter_map(summary).collect();
    // Of runs of one second, those that are archived are the older ones.
    fn order(run: &RunSummary) -> (&String, &String, bool, &String, &String) {
        (&run.info.name, &run.info.started, !run.is_archived, &run.info.run, &run.info.job)
    }
    found.sort_by(|a, b| order(a).cmp(&order(b)));
    Ok(found)
}

/// The folders of all runs, each with that of its job.
pub(super) fn run_folders(folder: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut found = Vec::new();
    for root in folders(folder)? {
        let jobs = folders(&root.join("jobs"))?;
        for job in std::iter::once(root).chain(jobs) {
            let past = folders(&job.join("past"))?;
            found.push((job.clone(), job.clone()));
            found.extend(past.into_iter().map(|past| (job.clone(), past)));
        }
    }
    Ok(found)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(disk::failed("read", folder, &e)),
    }
}

/// The summary of a run and its state; `None` for a folder without a run. `live` is the folder of the job if the run is
/// not archived.
pub(super) fn summary(root: &Path, live: Option<&Path>) -> Option<(RunSummary, RunState)> {
    let path = root.join("journal");
    if !path.is_file() {
        return None;
    }
    let recovered = recall(&path);
    let info = RunInfo::look(root);
    let is_damaged = recovered.is_err() || info.is_none();
    // A run without `run.json` is listed under the name of its folder.
    let name = || root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let info = info.unwrap_or_else(|| RunInfo { name: name(), ..RunInfo::default() });
    let state = recovered.map(|(_, state)| state).unwrap_or_default();
    let status = match (live, state.ended) {
        _ if is_damaged => RunStatus::Damaged,
        (Some(root), _) if is_held(root) => RunStatus::Running,
        (_, true) if state.is_over() => RunStatus::Finished,
        (_, true) => RunStatus::ItemsLeft,
        (Some(_), false) => RunStatus::Unfinished,
        (None, false) => RunStatus::SetAside,
    };
    let steps = || state.steps.values();
    let planned = info.planned_steps;
    let summary = RunSummary {
        info,
        status,
        steps_done: steps().filter(|s| s.done).count() as u64,
        steps: planned.max(steps().count() as u64),
        items_out: steps().map(|s| s.extent().rows).sum(),
        written: steps().map(|s| s.ok).sum(),
        failed: steps().map(|s| s.failed.len() as u64).sum(),
        unknown: steps().map(|s| s.unknown.len() as u64).sum(),
        requests: steps().map(|s| s.tally.requests).sum(),
        folder: root.to_owned(),
        is_archived: live.is_none(),
    };
    Some((summary, state))
}
