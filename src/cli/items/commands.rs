//! The commands that are printed for runs and items: with the flags by which they mean the same ones.

use std::path::Path;

use crate::OutcomeStatus;
use crate::batch::{HTTP, LeftItem, MAIN, RunSummary, runs};
use crate::cli::args::RUNS_FOLDER;
use crate::cli::catalog::snippet::shell;
use crate::error::Result;

/// The flags that mean a run, or a job of it: `--batch` if another batch has a run with this id, `--job` in a matrix,
/// `--state` if the folder is not the usual one.
///
/// # Errors
/// `state` when the folder cannot be read.
pub(crate) fn flags(state: &Path, (batch, run): (&str, &str), job: Option<&str>) -> Result<String> {
    let mut flags = String::new();
    let mut add = |name: &str, value: &str| flags.push_str(&format!(" --{name} {}", shell(value)));
    let is_other = |own: &RunSummary| own.info.run == run && own.info.name != batch;
    if runs(state)?.iter().any(is_other) {
        add("batch", batch);
    }
    if let Some(job) = job.filter(|job| *job != MAIN) {
        add("job", job);
    }
    if state != Path::new(RUNS_FOLDER) {
        add("state", &state.display().to_string());
    }
    Ok(flags)
}

/// The commands that act on one item.
///
/// # Errors
/// As for [`flags`].
pub(super) fn for_item(state: &Path, item: &LeftItem) -> Result<Vec<String>> {
    let flags = flags(state, (&item.batch, &item.run), Some(&item.job))?;
    let meant = format!("{} {} --item {}{flags}", item.run, item.step, item.number());
    decisions(state, item, (&meant, &flags), may_be_verified(item))
}

/// The commands that act on a run, and on one item of it.
///
/// # Errors
/// As for [`flags`].
pub(super) fn for_run(state: &Path, item: &LeftItem, found: &[LeftItem]) -> Result<Vec<String>> {
    let (run, step, number) = (&item.run, &item.step, item.number());
    let of_item = flags(state, (&item.batch, run), Some(&item.job))?;
    let of_run = flags(state, (&item.batch, run), None)?;
    let is_own = |other: &&LeftItem| other.run == *run && other.batch == item.batch;
    let has_verify = found.iter().filter(is_own).any(may_be_verified);
    let mut lines = vec![format!("opnode items show {run} {step} {number}{of_item}")];
    lines.extend(decisions(state, item, (&format!("{run}{of_run}"), &of_item), has_verify)?);
    Ok(lines)
}

/// The commands that decide about the items that `meant` chooses, and the one that changes this item, which has `flags`.
fn decisions(state: &Path, item: &LeftItem, (meant, flags): (&str, &str), has_verify: bool) -> Result<Vec<String>> {
    let changed = edit(item)
        .map(|how| format!("opnode items edit-and-resend {} {} {}{flags} {how}", item.run, item.step, item.number()));
    let mut lines = Vec::new();
    if let Some((_, file)) = outer_of(state, item)? {
        lines.extend(has_verify.then(|| format!("opnode items verify {meant} --no-send")));
        lines.extend(changed);
        lines.extend(file.map(|file| format!("opnode run {}", shell(&file))));
    } else if !is_of_sandbox(state) {
        lines.extend(has_verify.then(|| format!("opnode items verify {meant}")));
        lines.push(format!("opnode items resend {meant}"));
        lines.extend(changed);
    }
    lines.push(format!("opnode items settle {meant} --note TEXT"));
    Ok(lines)
}

/// The batch with which the run of an item continues, and its file: the last run of a batch that is a step is a part.
///
/// # Errors
/// `state` when the folder cannot be read.
pub(super) fn outer_of(state: &Path, item: &LeftItem) -> Result<Option<(String, Option<String>)>> {
    let Some((outer, _)) = item.batch.split_once('+').filter(|_| !item.is_archived) else { return Ok(None) };
    let all = runs(state)?;
    let own = all.iter().find(|summary| summary.info.name == outer);
    Ok(Some((outer.to_owned(), own.map(|summary| summary.info.file.clone()))))
}

/// Whether its step may have `verify`, which finds out what became of it.
fn may_be_verified(item: &LeftItem) -> bool {
    item.status == OutcomeStatus::Unknown && item.method != "query" && item.operation != HTTP
}

/// How it can be changed; `None` if it has no fields.
fn edit(item: &LeftItem) -> Option<&'static str> {
    match (&item.item, &item.options) {
        _ if item.method == "query" => None,
        (Some(_), _) => Some("--set FIELD=VALUE"),
        (None, Some(_)) => None,
        (None, None) => Some("--item-json JSON"),
    }
}

/// Where runs of the sandbox are, if there are some beside or below a folder of runs.
pub(crate) fn of_sandbox(state: &Path) -> Option<String> {
    let beside = state.file_name().filter(|name| *name == "runs").map(|_| state.with_file_name("sandbox"));
    let mut folders = beside.into_iter().chain([state.join("sandbox")]);
    let folder = folders.find(|folder| runs(folder).is_ok_and(|all| !all.is_empty()))?;
    let shown = folder.display();
    Some(format!("runs of --sandbox are in {shown}: --state {}", shell(&shown.to_string())))
}

/// Whether a folder has runs of the sandbox: their systems end with their processes.
pub(crate) fn is_of_sandbox(state: &Path) -> bool {
    state.file_name().is_some_and(|name| name == "sandbox")
}
