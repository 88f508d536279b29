//! `run.json`: the inputs with which a run was started.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::disk;
use crate::error::{Advice, Error, ErrorKind, Result};
use crate::run_store::extent::Sum;

/// The version of the file that this build writes.
pub(crate) const VERSION: u32 = 3;

/// The inputs of a run, stored in `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Version of this file.
    pub version: u32,
    /// The run's id, made of its start time.
    pub run: String,
    /// The batch's name.
    pub name: String,
    /// The job: the connection of the matrix; `main` without one.
    #[serde(default = "main_job")]
    pub job: String,
    /// The batch file.
    pub file: String,
    /// When it started, in UTC, such as `2026-01-31T08:00:00Z`.
    pub started: String,
    /// The name of the machine.
    pub host: String,
    /// The id of the process that started it.
    pub pid: u32,
    /// The version of opnode.
    pub opnode: String,
    /// Number of steps; 0 in runs of earlier builds.
    #[serde(default)]
    pub planned_steps: u64,
    /// The values of the batch's inputs, as JSON.
    #[serde(default, with = "json_values", skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// The values of `vars` that the caller has given, as JSON.
    #[serde(default, with = "json_values", skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
    /// Digests of all inputs that determine what the run does, by the name of the input.
    #[serde(rename = "prints")]
    pub fingerprints: BTreeMap<String, String>,
}

/// JSON texts by name, in a file as the values that they are: numbers keep their digits.
mod json_values {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::value::RawValue;

    use crate::authoring::Json;

    pub(super) fn serialize<S: Serializer>(
        values: &BTreeMap<String, String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(values.iter().map(|(name, text)| (name, Json(text.clone()))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, String>, D::Error> {
        let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        Ok(raw.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect())
    }
}

/// The content of the file. It has a checksum, because expressions and idempotency keys use its values.
#[derive(Serialize)]
struct InfoContent {
    #[serde(flatten)]
    info: RunInfo,
    sum: Sum,
}

/// The checksum in the file.
#[derive(Deserialize)]
struct InfoSum {
    #[serde(default)]
    sum: Option<Sum>,
}

/// The job of runs of earlier builds.
fn main_job() -> String {
    "main".to_owned()
}

/// Which run of a job it is. A batch that is a step of another has a run with the id of that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunKey<'k> {
    pub(crate) batch: &'k str,
    pub(crate) run: &'k str,
    pub(crate) job: &'k str,
}

impl RunInfo {
    pub(super) fn key(&self) -> RunKey<'_> {
        RunKey { batch: &self.name, run: &self.run, job: &self.job }
    }

    fn sum(&self) -> Sum {
        Sum::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the file without verifying it, for display. Resuming a run verifies it.
    pub(crate) fn look(root: &Path) -> Option<RunInfo> {
        let text = disk::read_bytes(&root.join("run.json")).ok()??;
        serde_json::from_slice(&text).ok()
    }

    /// Reads and verifies the file of this run.
    pub(crate) fn read(root: &Path, run: &str) -> Result<RunInfo> {
        let path = root.join("run.json");
        let text = disk::read_bytes(&path)?.ok_or_else(|| disk::damaged(&path, "it is missing"))?;
        let wrong = |e: serde_json::Error| disk::damaged(&path, &e.to_string());
        let info: RunInfo = serde_json::from_slice(&text).map_err(wrong)?;
        let InfoSum { sum } = serde_json::from_slice(&text).map_err(wrong)?;
        if sum != Some(info.sum()) {
            return Err(disk::damaged(&path, "its checksum does not match"));
        }
        if info.run != run {
            return Err(disk::damaged(
                &path,
                &format!("it belongs to the run {}, but the journal belongs to {run}", info.run),
            ));
        }
        Ok(info)
    }

    /// Refuses to go on with the run if what it depends on has changed.
    ///
    /// # Errors
    /// `state`, with what has changed.
    pub(crate) fn refuse_changes(&self, now: &BTreeMap<String, String>) -> Result<()> {
        let changes = changes(&self.fingerprints, now);
        if changes.is_empty() {
            return Ok(());
        }
        let what = changes.join(", ");
        let message = format!("the unfinished run of {} was started with other inputs: {what}", self.started);
        Err(Error::new(ErrorKind::State, message).advise(Advice::AcceptChangesOrStartOver))
    }

    /// Replaces the file.
    pub(crate) fn write(&self, root: &Path) -> Result<()> {
        let content = InfoContent { info: self.clone(), sum: self.sum() };
        let text = serde_json::to_vec_pretty(&content)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("run.json: {e}")))?;
        disk::replace(&root.join("run.json"), &text)
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

/// A time in UTC, as RFC 3339.
pub(crate) fn now(wall: SystemTime) -> String {
    timestamp(wall).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time in UTC with milliseconds.
pub(crate) fn moment(wall: SystemTime) -> String {
    timestamp(wall).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A Unix time in seconds, in the form of [`now`].
pub(crate) fn time_text(seconds: u64) -> String {
    now(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

/// Its Unix time in seconds.
pub(crate) fn seconds(wall: SystemTime) -> u64 {
    u64::try_from(timestamp(wall).as_second()).unwrap_or_default()
}

fn timestamp(wall: SystemTime) -> jiff::Timestamp {
    jiff::Timestamp::try_from(wall).unwrap_or_default()
}

/// An id for a run that starts then. Ids sort by time and differ within a second.
pub(crate) fn run_id(wall: SystemTime) -> String {
    format!("{}-{:04x}", timestamp(wall).strftime("%Y%m%dT%H%M%SZ"), fastrand::u16(..))
}
