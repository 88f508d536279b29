//! All that is stored about one run: its journal, report, log and files. Reads only.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::items::{ItemsFolder, left_of};
use super::runs::{run_folders, summary};
use super::{disk, log};
use crate::error::Result;
use crate::run_store::folder::{LeftItem, RunSummary};
use crate::run_store::state::RunState;

/// What the folder of a job's run has.
pub(crate) struct StoredRun {
    pub(crate) summary: RunSummary,
    pub(crate) state: RunState,
    pub(crate) left: Vec<LeftItem>,
    /// `report.json`; it may be older than the end of the run.
    pub(crate) report: Option<Vec<u8>>,
    /// Files of the run, with their size in bytes.
    pub(crate) files: Vec<(PathBuf, u64)>,
}

impl StoredRun {
    /// Passes each line of the log to `each`. A log that cannot be read is short.
    pub(crate) fn log(&self, each: &mut dyn FnMut(&str)) {
        let Ok(file) = std::fs::File::open(self.summary.folder.join(log::NAME)) else { return };
        for line in BufReader::new(file).lines().map_while(std::result::Result::ok) {
            each(&line);
        }
    }
}

/// The runs of all jobs with an id.
///
/// # Errors
/// `state` when a folder cannot be read.
pub(crate) fn stored_runs(folder: &Path, run: &str) -> Result<Vec<StoredRun>> {
    let mut found = Vec::new();
    for (root, own) in run_folders(folder)? {
        let live = Some(root.as_path()).filter(|root| *root == own);
        let Some((summary, state)) = summary(&own, live).filter(|(summary, _)| summary.info.run == run) else {
            continue;
        };
        let left = left_of(&ItemsFolder::new(root, own.clone()), &summary.info, &state)?;
        let report = disk::read_bytes(&own.join("report.json"))?;
        found.push(StoredRun { files: files(&own), summary, state, left, report });
    }
    found.sort_by(|a, b| a.summary.info.job.cmp(&b.summary.info.job));
    Ok(found)
}

/// The files that a person may want to read: log, report, journal, failed items and rows.
fn files(root: &Path) -> Vec<(PathBuf, u64)> {
    let entries = |folder: PathBuf| {
        let mut all: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        all.sort();
        all
    };
    let rows = [super::archive::FAILED, super::archive::SPOOL].into_iter().flat_map(|name| entries(root.join(name)));
    let named = [log::NAME, "report.json", "journal"].into_iter().map(|name| root.join(name));
    let sized =
        |path: PathBuf| std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file).map(|m| (path, m.len()));
    named.chain(rows.flat_map(entries)).filter_map(sized).collect()
}
