//! Which items a command line means: a run by its id, the beginning of it or `last`, then its step and items.

use std::collections::BTreeSet;
use std::path::Path;

use super::commands::of_sandbox;
use crate::OutcomeStatus;
use crate::batch::{LeftItem, left_items, runs};
use crate::cli::args::{ItemsFilter, ItemsOfRun, LeftStatus, OneItem, RunsFilter};
use crate::cli::screen::terminal_text::count;
use crate::error::{Error, ErrorKind, Result};

/// Ids that an error lists.
const SHOWN_MAX: usize = 5;

/// The items that are left of a step of a run; all without them.
pub(super) fn left(run: Option<&str>, step: Option<&str>, filter: &ItemsFilter) -> Result<Vec<LeftItem>> {
    let mut found = of_runs(run, &filter.runs)?;
    let status = filter.status.map(|status| match status {
        LeftStatus::Failed => OutcomeStatus::Failed,
        LeftStatus::Unknown => OutcomeStatus::Unknown,
    });
    if let Some(step) = step.filter(|_| !found.is_empty()) {
        only_step(&mut found, step)?;
    }
    if !filter.item.is_empty() {
        for name in &filter.item {
            check_number(&found, name)?;
        }
        found.retain(|item| filter.item.iter().any(|name| is_named(item, name)));
    }
    found.retain(|item| status.is_none_or(|status| item.status == status));
    Ok(found)
}

/// The items of a run.
pub(super) fn left_of(which: &ItemsOfRun) -> Result<Vec<LeftItem>> {
    left(Some(&which.run), which.step.as_deref(), &which.filter)
}

/// The message that there are none, and where there are others.
pub(super) fn none(what: &str, filter: &ItemsFilter) -> Result<String> {
    Ok(match left_items(&filter.runs.state)?.len() as u64 {
        0 => with_sandbox(what.to_owned(), &filter.runs.state),
        others => format!("{what} here; {} left elsewhere: `opnode items list`", are(others)),
    })
}

/// The message, and where runs of the sandbox are.
pub(crate) fn with_sandbox(message: String, state: &Path) -> String {
    match of_sandbox(state) {
        Some(there) => format!("{message}; {there}"),
        None => message,
    }
}

fn are(items: u64) -> String {
    format!("{} {}", count(items, "item"), if items == 1 { "is" } else { "are" })
}

/// One item.
pub(super) fn one(which: &OneItem) -> Result<LeftItem> {
    let mut found = of_runs(Some(&which.run), &which.runs)?;
    if found.is_empty() {
        return Err(none_left(which));
    }
    only_step(&mut found, &which.step)?;
    check_number(&found, &which.item)?;
    found.retain(|item| is_named(item, &which.item));
    let batches: BTreeSet<&str> = found.iter().map(|item| item.batch.as_str()).collect();
    if batches.len() > 1 {
        let all = batches.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("item {} of {} is left in runs of several batches: {all}", which.item, which.step);
        return Err(Error::new(ErrorKind::Usage, message).advise("choose one with --batch"));
    }
    let jobs: Vec<&str> = found.iter().map(|item| item.job.as_str()).collect();
    if jobs.len() > 1 {
        let message = format!("item {} of {} is left in several jobs: {}", which.item, which.step, jobs.join(", "));
        return Err(Error::new(ErrorKind::Usage, message).advise("choose one with --job"));
    }
    found.into_iter().next().ok_or_else(|| none_left(which))
}

fn none_left(which: &OneItem) -> Error {
    Error::new(ErrorKind::Usage, format!("nothing is left of the run {}", which.run))
        .advise("`opnode items list` shows the items of all runs")
}

fn of_runs(run: Option<&str>, filter: &RunsFilter) -> Result<Vec<LeftItem>> {
    let run = run.map(|run| run_id(run, filter)).transpose()?;
    let mut found = left_items(&filter.state)?;
    found.retain(|item| {
        run.as_ref().is_none_or(|run| item.run == *run)
            && filter.batch.as_ref().is_none_or(|batch| item.is_of(batch))
            && filter.job.as_ref().is_none_or(|job| item.job == *job)
    });
    Ok(found)
}

fn only_step(found: &mut Vec<LeftItem>, step: &str) -> Result<()> {
    let steps: BTreeSet<&str> = found.iter().map(|item| item.step.as_str()).collect();
    if !steps.contains(step) {
        let message = format!("no item is left of the step `{step}`");
        let known: Vec<&str> = steps.into_iter().collect();
        return Err(Error::new(ErrorKind::Usage, message).advise(format!("items are left of {}", known.join(", "))));
    }
    found.retain(|item| item.step == step);
    Ok(())
}

fn check_number(found: &[LeftItem], name: &str) -> Result<()> {
    if found.iter().any(|item| is_named(item, name)) {
        return Ok(());
    }
    let first: Vec<String> = found.iter().take(SHOWN_MAX).map(|item| item.number()).collect();
    let more = if found.len() > SHOWN_MAX { " …" } else { "" };
    let step = found.first().map(|item| item.step.as_str()).unwrap_or_default();
    Err(Error::new(ErrorKind::Usage, format!("item `{name}` is not among the items that are left of {step}"))
        .advise(format!("these are: {}{more}", first.join(", "))))
}

fn is_named(item: &LeftItem, name: &str) -> bool {
    item.key().to_string() == name || format!("{}.{}", item.element, item.index) == name
}

/// The id of a run by its beginning, or `last`.
///
/// # Errors
/// `usage` when there is no such run, or there are several.
pub(crate) fn run_id(text: &str, filter: &RunsFilter) -> Result<String> {
    let mut all = runs(&filter.state)?;
    all.retain(|run| !run.info.run.is_empty());
    all.retain(|run| filter.batch.as_ref().is_none_or(|batch| run.info.name == *batch));
    all.retain(|run| filter.job.as_ref().is_none_or(|job| run.info.job == *job));
    if text == "last" {
        // Of runs of one second, a run that is archived is not the last one.
        let last = all.iter().max_by_key(|run| (&run.info.started, !run.is_archived, &run.info.run));
        return last.map(|run| run.info.run.clone()).ok_or_else(|| no_run(text, filter));
    }
    let ids: BTreeSet<&str> = all.iter().map(|run| run.info.run.as_str()).collect();
    let fits: Vec<&str> = ids.into_iter().filter(|id| id.starts_with(text)).collect();
    match fits.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(no_run(text, filter)),
        several => Err(ambiguous(text, several)),
    }
}

fn no_run(text: &str, filter: &RunsFilter) -> Error {
    let folder: &Path = &filter.state;
    let batch = filter.batch.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
    let message = match text {
        "last" => format!("there are no runs{batch} in {}", folder.display()),
        id => format!("there is no run {id}{batch} in {}", folder.display()),
    };
    Error::new(ErrorKind::Usage, with_sandbox(message, folder))
        .advise("`opnode runs` lists the runs, with their ids in --format json; --state names another folder")
}

fn ambiguous(text: &str, ids: &[&str]) -> Error {
    let shown: Vec<&str> = ids.iter().rev().take(SHOWN_MAX).copied().collect();
    let more = if ids.len() > SHOWN_MAX { " …" } else { "" };
    Error::new(ErrorKind::Usage, format!("{} runs begin with {text}: {}{more}", ids.len(), shown.join(", ")))
        .advise("type more of the id, or choose with --batch")
}
