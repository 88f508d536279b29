//! Runs of batches that are stored, and their items that need a person.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use walkdir::WalkDir;

use super::Service;
use super::commands::CommandEnd;
use crate::batch::{RunSummary, left_items, run_records, runs};
use crate::cli::items::is_of_sandbox;
use crate::error::{Error, ErrorKind, Result};

/// How deep folders with batch files are searched for runs.
const DEPTH: usize = 4;

/// What is done with an item.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum ItemAction {
    Resend,
    Settle,
    Verify,
    Edit,
}

/// An item, and what its action needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ItemRequest {
    /// The folder of runs.
    state: PathBuf,
    run: String,
    batch: String,
    job: String,
    step: String,
    /// Its number.
    item: String,
    /// For `settle`: why.
    #[serde(default)]
    note: Option<String>,
    /// For `edit`: the item as JSON.
    #[serde(default)]
    json: Option<String>,
    /// Sends an item whose outcome is unknown.
    #[serde(default)]
    yes: bool,
}

impl Service {
    /// The runs of all folders of runs, the last first.
    ///
    /// # Errors
    /// `state` when a folder cannot be read.
    pub(in crate::cli) fn history(&self) -> Result<String> {
        let mut all: Vec<(PathBuf, RunSummary)> = Vec::new();
        for state in run_folders() {
            all.extend(runs(&state)?.into_iter().map(|run| (state.clone(), run)));
        }
        all.sort_by(|(_, a), (_, b)| b.info.started.cmp(&a.info.started));
        let runs: Vec<String> =
            all.iter().map(|(state, run)| with_state(state, run, json!({}))).collect::<Result<_>>()?;
        Ok(format!(r#"{{"runs":[{}]}}"#, runs.join(",")))
    }

    /// The jobs of a run.
    ///
    /// # Errors
    /// `usage` when there is no such run.
    pub(in crate::cli) fn run_record(&self, state: &Path, run: &str) -> Result<String> {
        known(state)?;
        let records = run_records(state, run)?;
        if records.is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("there is no run {run} in {}", state.display())));
        }
        Ok(format!(r#"{{"records":{}}}"#, serde_json::to_string(&records).map_err(|e| broken(&e))?))
    }

    /// The items of all runs that failed or are in doubt.
    ///
    /// # Errors
    /// `state` when a folder cannot be read.
    pub(in crate::cli) fn items(&self) -> Result<String> {
        let mut all: Vec<String> = Vec::new();
        for state in run_folders() {
            for item in left_items(&state)? {
                all.push(with_state(&state, &item, json!({ "number": item.number() }))?);
            }
        }
        Ok(format!(r#"{{"items":[{}]}}"#, all.join(",")))
    }

    /// Sends an item again, changes, looks up or settles it.
    ///
    /// # Errors
    /// `usage` for a folder without runs. Failures of the action are in the end of its command.
    pub(in crate::cli) async fn act_on_item(&self, action: ItemAction, request: &ItemRequest) -> Result<CommandEnd> {
        known(&request.state)?;
        let ItemRequest { state, run, batch, job, step, item, .. } = request;
        let mut words: Vec<OsString> = vec!["items".into()];
        let mut add = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        match action {
            ItemAction::Resend => add(&["resend", run, step, "--item", item]),
            ItemAction::Verify => add(&["verify", run, step, "--item", item]),
            ItemAction::Settle => {
                add(&["settle", run, step, "--item", item]);
                request.note.iter().for_each(|note| add(&["--note", note]));
            }
            ItemAction::Edit => {
                let missing = || Error::new(ErrorKind::Usage, "the changed item is missing");
                add(&["edit-and-resend", run, step, item, "--item-json", request.json.as_ref().ok_or_else(missing)?]);
            }
        }
        add(&["--batch", batch, "--job", job]);
        if request.yes && !matches!(action, ItemAction::Settle) {
            add(&["--yes"]);
        }
        words.extend(["--state".into(), state.clone().into_os_string()]);
        self.command(words, None).await
    }
}

/// A run or an item as JSON text, so that numbers keep their digits and fields their order; with its folder of runs.
fn with_state(state: &Path, value: &impl Serialize, mut more: Value) -> Result<String> {
    if let Some(map) = more.as_object_mut() {
        map.insert("state".into(), state.display().to_string().into());
        map.insert("sandbox".into(), is_of_sandbox(state).into());
    }
    let (own, more) = (serde_json::to_string(value).map_err(|e| broken(&e))?, more.to_string());
    Ok(format!("{},{}", own.strip_suffix('}').unwrap_or(&own), more.strip_prefix('{').unwrap_or(&more)))
}

fn broken(cause: &serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the runs: {cause}"))
}

/// Refuses a folder that is none of runs.
fn known(state: &Path) -> Result<()> {
    if run_folders().iter().any(|own| own == state) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, format!("{} is no folder of runs", state.display())))
}

/// The folders of runs below the working folder.
fn run_folders() -> BTreeSet<PathBuf> {
    let is_wanted = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "target" || name == "node_modules")
    };
    let folders = WalkDir::new(".").max_depth(DEPTH).into_iter().filter_entry(is_wanted);
    let folders = folders.filter_map(std::result::Result::ok).filter(|entry| entry.file_type().is_dir());
    let states = folders.flat_map(|entry| {
        let own = entry.path().strip_prefix(".").unwrap_or(entry.path()).join(".opnode");
        [own.join("runs"), own.join("sandbox")]
    });
    states.filter(|state| state.is_dir()).collect()
}
