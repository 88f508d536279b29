//! `run.json`: what a run was begun with.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::run_store::extent::Sum;

/// The version of the file that this build writes.
pub(crate) const VERSION: u32 = 2;

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
    /// When it began: UTC, such as `2026-01-31T08:00:00Z`.
    pub started: String,
    /// The machine.
    pub host: String,
    /// The process that began it.
    pub pid: u32,
    /// The version of opnode.
    pub opnode: String,
    /// Digests of all that decides what the run does, by what they are of.
    #[serde(rename = "prints")]
    pub fingerprints: BTreeMap<String, String>,
}

/// The file: expressions and keys are made from what stands in it, so it has a digest.
#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(flatten)]
    info: RunInfo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<Sum>,
}

impl RunInfo {
    fn sum(&self) -> Sum {
        Sum::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads it, as far as it can be read; who goes on with a run checks it too.
    pub(crate) fn look(root: &Path) -> Option<RunInfo> {
        let text = disk::read_bytes(&root.join("run.json")).ok()??;
        serde_json::from_slice(&text).ok()
    }

    /// Reads what the run of this id was begun with.
    pub(crate) fn read(root: &Path, run: &str) -> Result<RunInfo> {
        let path = root.join("run.json");
        let text = disk::read_bytes(&path)?.ok_or_else(|| disk::damaged(&path, "it is missing"))?;
        let Content { info, sum } = serde_json::from_slice(&text).map_err(|e| disk::damaged(&path, &e.to_string()))?;
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

    /// Writes it whole.
    pub(crate) fn write(&self, root: &Path) -> Result<()> {
        let content = Content { info: self.clone(), sum: Some(self.sum()) };
        let text = serde_json::to_vec_pretty(&content)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("run.json: {e}")))?;
        disk::replace(&root.join("run.json"), &text)
    }
}

/// The time, as people and machines read it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An id for a run that begins now: sorts by time, and differs from those of the same second.
pub(crate) fn run_id() -> String {
    format!("{}-{:04x}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), fastrand::u16(..))
}
