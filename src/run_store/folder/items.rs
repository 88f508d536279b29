//! The items of all kept runs that failed or are in doubt, and facts about them after their run has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::disk;
use super::failures::{self, Failures};
use super::held;
use super::held::is_held;
use super::info::{RunInfo, RunKey};
use super::journal::Journal;
use super::recall::recall;
use super::runs::run_folders;
use super::step_files::failures_file;
use super::tail::Proof;
use crate::error::Result;
use crate::receipt::OutcomeStatus;
use crate::run_store::fact::Fact;
use crate::run_store::state::RunState;
use crate::run_store::store::{FailedItem, FailureWriter, ItemContent, ItemOrigin, StepPlace};

/// An item that failed, or of which it is not known whether it took effect.
#[derive(Clone, Debug, Serialize)]
pub struct LeftItem {
    /// The batch's name.
    pub batch: String,
    /// The id of the run.
    pub run: String,
    /// The job: the connection of the matrix; `main` without one.
    pub job: String,
    /// The step's id.
    pub step: String,
    /// The element of `for`, from 0.
    pub element: u64,
    /// Its index within the step, or within the element, from 0.
    pub index: u64,
    /// `failed` or `unknown`.
    pub status: OutcomeStatus,
    /// When that was seen, in UTC.
    pub at: String,
    /// The connection.
    pub connection: String,
    /// The method.
    pub method: String,
    /// OperationId.
    pub operation: String,
    /// As it was sent, or as a person has changed it since; null if the process was killed while it was in flight.
    pub item: Option<Box<RawValue>>,
    /// The options of its call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Box<RawValue>>,
    /// Options that are not stored, because their values are secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret_options: Vec<String>,
    /// Why it did not succeed: an object with kind and message.
    pub error: Option<Box<RawValue>>,
    /// Whether its run is archived: running the batch again does not send it.
    pub is_archived: bool,
    /// Whether its step has `for`.
    #[serde(skip)]
    pub in_for: bool,
}

/// A line of a failures file.
#[derive(Deserialize)]
pub(super) struct FailureLine {
    element: u64,
    index: u64,
    #[serde(default)]
    item: Option<Box<RawValue>>,
    #[serde(default)]
    options: Option<Box<RawValue>>,
    #[serde(default)]
    at: String,
    #[serde(flatten)]
    origin: ItemOrigin,
    #[serde(default)]
    error: Option<Box<RawValue>>,
}

impl FailureLine {
    pub(super) fn content(self) -> ItemContent {
        let text = |raw: Option<Box<RawValue>>| raw.map(|raw| raw.get().to_owned());
        ItemContent { item: text(self.item), error: text(self.error) }
    }
}

/// The folder of one run, and its job's folder, which has the lock.
#[derive(Clone, Debug)]
pub(crate) struct ItemsFolder {
    root: PathBuf,
    folder: PathBuf,
}

impl ItemsFolder {
    pub(super) fn new(root: PathBuf, folder: PathBuf) -> ItemsFolder {
        ItemsFolder { root, folder }
    }

    fn is_archived(&self) -> bool {
        self.root != self.folder
    }
}

impl LeftItem {
    /// Whether it is of this batch, or of one that is a step of it.
    #[must_use]
    pub fn is_of(&self, batch: &str) -> bool {
        is_part(&self.batch, batch)
    }
}

/// Whether a run's batch is this one, or a step of it.
pub(crate) fn is_part(own: &str, batch: &str) -> bool {
    own.strip_prefix(batch).is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
}

/// The items that are left in a folder of runs, by run, job and step. Items that a running process has in flight are not
/// left.
///
/// # Errors
/// `state` when a folder cannot be read.
pub fn left_items(folder: &Path) -> Result<Vec<LeftItem>> {
    let mut found = Vec::new();
    for (root, folder) in run_folders(folder)? {
        // A damaged run is shown by the list of runs.
        let Ok((_, state)) = recall(&folder.join("journal")) else { continue };
        if let Some(info) = RunInfo::look(&folder).filter(|_| state.has_left()) {
            found.extend(left_of(&ItemsFolder { root, folder }, &info, &state)?);
        }
    }
    found.sort_by(|a, b| (&a.batch, &a.run, &a.job).cmp(&(&b.batch, &b.run, &b.job)));
    Ok(found)
}

/// The batches of a folder of runs, and the steps that runs of this batch and of its parts have begun.
///
/// # Errors
/// `state` when a folder cannot be read.
pub(crate) fn known_steps(folder: &Path, batch: &str) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let (mut batches, mut steps) = (BTreeSet::new(), BTreeSet::new());
    for (_, folder) in run_folders(folder)? {
        let Some(info) = RunInfo::look(&folder) else { continue };
        if is_part(&info.name, batch)
            && let Ok((_, state)) = recall(&folder.join("journal"))
        {
            steps.extend(state.steps.keys().filter_map(|key| Some(key.split_once('/')?.1.to_owned())));
        }
        batches.insert(info.name);
    }
    Ok((batches, steps))
}

/// The items that are left of one run.
///
/// # Errors
/// `state` when a file of failed items cannot be read.
pub(super) fn left_of(at: &ItemsFolder, info: &RunInfo, state: &RunState) -> Result<Vec<LeftItem>> {
    let mut found = Vec::new();
    let is_running = !at.is_archived() && is_held(&at.root);
    for (key, known) in &state.steps {
        let mut left = known.items_left();
        if is_running {
            let in_flight = known.items_in_doubt();
            left.retain(|item, _| !in_flight.contains(item));
        }
        let Some((job, step)) = key.split_once('/').filter(|_| !left.is_empty()) else { continue };
        let place = StepPlace { job: job.to_owned(), step: step.to_owned() };
        let mut lines = read_lines(&failures_file(&at.folder, &place))?;
        // An item that was in flight when its process was killed has no line.
        let in_for = lines.values().any(|line| line.origin.in_for) || left.keys().any(|(element, _)| *element > 0);
        for ((element, index), status) in left {
            let line = lines.remove(&(element, index));
            let origin = line.as_ref().map(|line| line.origin.clone());
            let (at_time, item, options, error) = match line {
                Some(line) => (line.at, line.item, line.options, line.error),
                None => (info.started.clone(), None, None, None),
            };
            let edited = known.edited.get(&(element, index)).cloned();
            let item = edited.and_then(|text| RawValue::from_string(text).ok()).or(item);
            found.push(LeftItem {
                batch: info.name.clone(),
                run: info.run.clone(),
                job: job.to_owned(),
                step: step.to_owned(),
                element,
                index,
                status,
                at: at_time,
                connection: origin.as_ref().map(|o| o.connection.clone()).unwrap_or_default(),
                method: origin.as_ref().map(|o| o.method.to_string()).unwrap_or_default(),
                operation: origin.as_ref().map(|o| o.operation.clone()).unwrap_or_default(),
                secret_options: origin.map(|o| o.secret_options).unwrap_or_default(),
                item,
                options,
                error,
                is_archived: at.is_archived(),
                in_for,
            });
        }
    }
    Ok(found)
}

/// The last line of each item.
pub(super) fn read_lines(path: &Path) -> Result<BTreeMap<(u64, u64), FailureLine>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(disk::failed("read", path, &e)),
    };
    let mut found = BTreeMap::new();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|e| disk::failed("read", path, &e))?;
        // People may edit the file.
        if let Ok(line) = serde_json::from_str::<FailureLine>(&line) {
            found.insert((line.element, line.index), line);
        }
    }
    Ok(found)
}

/// A run whose items are settled or sent again: its folder is locked.
pub(crate) struct ItemsLedger {
    folder: PathBuf,
    journal: Journal,
    pub(crate) state: RunState,
    /// Steps whose items have changed.
    changed: Vec<StepPlace>,
    _lock: File,
}

impl ItemsLedger {
    /// Locks a run; `None` if a folder of runs has no such run.
    ///
    /// # Errors
    /// `state` when another process holds the folder, or its files are damaged.
    pub(crate) fn open(folder: &Path, key: RunKey<'_>, host: &str, since: String) -> Result<Option<ItemsLedger>> {
        for (root, folder) in run_folders(folder)? {
            if RunInfo::look(&folder).is_some_and(|info| info.key() == key) {
                return ItemsLedger::lock(&ItemsFolder { root, folder }, host, since).map(Some);
            }
        }
        Ok(None)
    }

    fn lock(at: &ItemsFolder, host: &str, since: String) -> Result<ItemsLedger> {
        let lock = held::hold(&at.root, host, since)?;
        let path = at.folder.join("journal");
        let (found, state) = recall(&path)?;
        RunInfo::read(&at.folder, &state.run)?;
        if found.torn {
            disk::cut(&path, found.length)?;
        }
        let journal = Journal::open(&path, Proof { run: state.run.clone(), lines: found.lines, last: found.last })?;
        Ok(ItemsLedger { folder: at.folder.clone(), journal, state, changed: Vec::new(), _lock: lock })
    }

    /// Records a fact durably.
    ///
    /// # Errors
    /// `state` when writing fails.
    pub(crate) async fn record(&mut self, place: &StepPlace, fact: Fact) -> Result<()> {
        self.note(place, fact);
        self.commit().await
    }

    /// Records a fact; it is durable with the next commit.
    pub(crate) fn note(&mut self, place: &StepPlace, fact: Fact) {
        self.state.apply(&fact);
        if !self.changed.contains(place) {
            self.changed.push(place.clone());
        }
        self.journal.note(vec![fact], Vec::new());
    }

    /// Makes all recorded facts durable.
    ///
    /// # Errors
    /// `state` when writing fails.
    pub(crate) async fn commit(&self) -> Result<()> {
        self.journal.commit(Vec::new(), Vec::new()).await
    }

    /// Records an item that did not succeed again.
    ///
    /// # Errors
    /// `state` when writing fails.
    pub(crate) fn push(&self, place: &StepPlace, origin: ItemOrigin, failed: &FailedItem<'_>) -> Result<()> {
        let path = failures_file(&self.folder, place);
        let mut file = Failures::new(&path, origin);
        for (file, path) in file.push(failed)? {
            file.sync_data().map_err(|e| disk::failed("written", &path, &e))?;
        }
        Ok(())
    }

    /// Removes the lines of items that are settled.
    ///
    /// # Errors
    /// `state` when writing fails.
    pub(crate) fn finish(self) -> Result<()> {
        for place in &self.changed {
            let known = self.state.step(&format!("{}/{}", place.job, place.step));
            failures::tidy(&failures_file(&self.folder, place), &known.items_left().into_keys().collect())?;
        }
        Ok(())
    }
}
