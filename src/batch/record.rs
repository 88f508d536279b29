//! What became of a run: when it ran, how its steps went, what is left of it. From its folder; for people and CI pages.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::event::{StepCounts, StepName};
use super::item_key::ItemKey;
use crate::authoring::values::NamesPart;
use crate::error::Result;
use crate::receipt::{OutcomeStatus, Usage};
use crate::run_store::{LeftItem, RunStatus, RunSummary, StoredRun, clock_time, stored_runs};

/// All that is known about the run of a job.
#[derive(Debug, Serialize)]
pub struct RunRecord {
    /// Its inputs, status and sums.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// The processes that worked on it, in order.
    pub parts: Vec<RunPart>,
    /// The exit code of the last process; none if it was killed, or is at work.
    pub exit_code: Option<u8>,
    /// How long all processes worked on it, in milliseconds.
    pub elapsed_ms: u64,
    /// Why it ended, if not with everything done: an object with kind and message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<RawValue>>,
    /// Its steps, in the order of the file as far as it is known.
    pub step_records: Vec<StepRecord>,
    /// Items that failed or are in doubt.
    pub left: Vec<LeftItem>,
    /// Items that a person has settled.
    pub settled: Vec<SettledItem>,
    /// Messages of the run.
    pub notes: Vec<RunNote>,
    /// Its files.
    pub files: Vec<StoredFile>,
}

/// A process that worked on a run. Times in UTC, with milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunPart {
    /// When it began.
    pub began: String,
    /// When it ended, or was last seen.
    pub ended: String,
    /// Its exit code; none if it was killed, or is at work.
    pub exit_code: Option<u8>,
}

/// What became of a step.
#[derive(Debug, Serialize)]
pub struct StepRecord {
    /// The step.
    #[serde(flatten)]
    pub name: StepName,
    /// OperationId.
    pub operation: String,
    /// As in the report of a run; also `running`, and `interrupted` if its process was killed.
    pub status: String,
    /// Its counts; failed and unknown items as they are now.
    #[serde(flatten)]
    pub counts: StepCounts,
    /// For a step that did not start: the step that it needs and that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// The paths of the files with its rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub saved: Vec<String>,
    /// Why it failed: an object with kind and message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<RawValue>>,
    /// When it ran: begin and end in UTC.
    pub spans: Vec<(String, String)>,
    /// When it waited for the end of an outage: begin, milliseconds, and the connection.
    pub waits: Vec<(String, u64, String)>,
}

/// An item that a person has settled.
#[derive(Clone, Debug, Serialize)]
pub struct SettledItem {
    /// The item.
    #[serde(flatten)]
    pub key: ItemKey,
    /// What it was before: `failed` or `unknown`.
    pub status: OutcomeStatus,
    /// When it was settled, in UTC.
    pub at: String,
    /// The note of the person.
    pub note: Option<String>,
}

/// A message of a run.
#[derive(Clone, Debug, Serialize)]
pub struct RunNote {
    /// When, in UTC with milliseconds.
    pub at: String,
    /// One line.
    pub message: String,
}

/// A file of a run.
#[derive(Clone, Debug, Serialize)]
pub struct StoredFile {
    /// Its path.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// Notes that are kept; the log has all.
const NOTES_MAX: usize = 200;

/// A line of the log.
#[derive(Deserialize)]
struct LogLine {
    #[serde(default)]
    at: String,
    event: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    step: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    next_ms: u64,
    #[serde(default)]
    exit_code: Option<u8>,
    #[serde(default)]
    elapsed_ms: u64,
    #[serde(default)]
    error: Option<Box<RawValue>>,
}

/// A step in the report and in the log.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StepEntry {
    step: String,
    operation: String,
    status: String,
    items_in: u64,
    items_out: u64,
    requests: u64,
    retries: u64,
    pages: u64,
    wait_ms: u64,
    elapsed_ms: u64,
    needs: Option<String>,
    /// A list; one path in reports of older builds.
    saved: Option<NamesPart>,
    error: Option<Box<RawValue>>,
}

/// The parts of `report.json` that are used.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ReportFile {
    ended: String,
    elapsed_ms: u64,
    exit_code: Option<u8>,
    error: Option<Box<RawValue>>,
    steps: Vec<StepEntry>,
}

/// The runs of all jobs with an id.
///
/// # Errors
/// `state` when a folder cannot be read.
pub fn run_records(folder: &Path, run: &str) -> Result<Vec<RunRecord>> {
    Ok(stored_runs(folder, run)?.into_iter().map(record).collect())
}

fn record(stored: StoredRun) -> RunRecord {
    let mut read = Reading::default();
    stored.log(&mut |line| read.line(line));
    let report: ReportFile = match stored.report.as_deref().map(serde_json::from_slice) {
        Some(Ok(report)) => report,
        Some(Err(error)) => {
            read.notes.push(RunNote {
                at: stored.summary.info.started.clone(),
                message: format!("report.json cannot be read: {error}"),
            });
            ReportFile::default()
        }
        None => ReportFile::default(),
    };
    let has_log = !read.parts.is_empty();
    let is_running = stored.summary.status == RunStatus::Running;
    let settled = settled(&stored);
    let steps = read.steps(report.steps, &stored, is_running);
    // A run of an earlier build has only its report.
    if !has_log && !report.ended.is_empty() {
        let began = stored.summary.info.started.clone();
        read.parts.push(RunPart { began, ended: report.ended, exit_code: report.exit_code });
        (read.elapsed_ms, read.error) = (report.elapsed_ms, report.error);
    }
    let StoredRun { summary, left, files, .. } = stored;
    let file = |(path, bytes): (std::path::PathBuf, u64)| StoredFile { path: path.display().to_string(), bytes };
    RunRecord {
        summary,
        exit_code: read.parts.last().and_then(|part| part.exit_code),
        parts: read.parts,
        elapsed_ms: read.elapsed_ms,
        error: read.error,
        step_records: steps,
        left,
        settled,
        notes: read.notes,
        files: files.into_iter().map(file).collect(),
    }
}

fn settled(stored: &StoredRun) -> Vec<SettledItem> {
    let mut found = Vec::new();
    for (key, known) in &stored.state.steps {
        let Some((job, step)) = key.split_once('/') else { continue };
        for ((element, index), settled) in &known.settled {
            let key = ItemKey { job: job.to_owned(), step: step.to_owned(), element: *element, index: *index };
            let at = if settled.at > 0 { clock_time(settled.at) } else { String::new() };
            found.push(SettledItem { key, status: settled.status, at, note: settled.note.clone() });
        }
    }
    found
}

/// A step as the log shows it.
#[derive(Default)]
struct SeenStep {
    entry: StepEntry,
    spans: Vec<(String, String)>,
    waits: Vec<(String, u64, String)>,
    /// When it began, if its end was not seen.
    open: Option<String>,
}

/// The log, line by line.
#[derive(Default)]
struct Reading {
    parts: Vec<RunPart>,
    order: Vec<String>,
    steps: BTreeMap<String, SeenStep>,
    notes: Vec<RunNote>,
    elapsed_ms: u64,
    error: Option<Box<RawValue>>,
}

impl Reading {
    fn line(&mut self, text: &str) {
        // A torn line is skipped.
        let Ok(line) = serde_json::from_str::<LogLine>(text) else { return };
        if line.event == "begun" {
            self.close();
            self.error = None;
            self.parts.push(RunPart { began: line.at.clone(), ended: line.at, exit_code: None });
            return;
        }
        if let Some(part) = self.parts.last_mut().filter(|_| !line.at.is_empty()) {
            part.ended.clone_from(&line.at);
        }
        match line.event.as_str() {
            "note" if self.notes.len() < NOTES_MAX => {
                self.notes.push(RunNote { at: line.at, message: line.message });
            }
            "step_begun" => self.step(&line.step).open = Some(line.at),
            "outage" => {
                let wait = (line.at, line.next_ms, line.connection);
                self.step(&line.step).waits.push(wait);
            }
            "step_ended" => {
                let entry = serde_json::from_str(text).unwrap_or_else(|error| {
                    let message = format!("the log's line of the end of {} cannot be read: {error}", line.step);
                    self.notes.push(RunNote { at: line.at.clone(), message });
                    StepEntry::default()
                });
                let step = self.step(&line.step);
                step.spans.extend(step.open.take().map(|from| (from, line.at)));
                step.entry = entry;
            }
            "ended" => {
                if let Some(part) = self.parts.last_mut() {
                    part.exit_code = line.exit_code;
                }
                self.elapsed_ms += line.elapsed_ms;
                self.error = line.error;
            }
            _ => {}
        }
    }

    fn step(&mut self, id: &str) -> &mut SeenStep {
        if !self.steps.contains_key(id) {
            self.order.push(id.to_owned());
        }
        self.steps.entry(id.to_owned()).or_default()
    }

    /// Ends the steps of a process that was killed, at its last line.
    fn close(&mut self) {
        let Some(part) = self.parts.last() else { return };
        for step in self.steps.values_mut() {
            if let Some(from) = step.open.take() {
                step.spans.push((from, part.ended.clone()));
                "interrupted".clone_into(&mut step.entry.status);
            }
        }
        if part.exit_code.is_none() {
            self.elapsed_ms += milliseconds(&part.began, &part.ended);
        }
    }

    /// The steps: from the log, else from the report, else from the journal.
    fn steps(&mut self, report: Vec<StepEntry>, stored: &StoredRun, is_running: bool) -> Vec<StepRecord> {
        let open: Vec<String> =
            self.steps.iter().filter(|(_, step)| step.open.is_some()).map(|(id, _)| id.clone()).collect();
        self.close();
        let mut order: Vec<String> = report.iter().map(|entry| entry.step.clone()).collect();
        let known = stored.state.steps.keys().filter_map(|key| key.split_once('/')).map(|(_, step)| step.to_owned());
        for id in self.order.drain(..).chain(known) {
            if !order.contains(&id) {
                order.push(id);
            }
        }
        let mut reported: BTreeMap<String, StepEntry> =
            report.into_iter().map(|entry| (entry.step.clone(), entry)).collect();
        let job = &stored.summary.info.job;
        let record = |id: String| {
            let mut seen = self.steps.remove(&id).unwrap_or_default();
            if seen.entry.status.is_empty()
                && let Some(entry) = reported.remove(&id)
            {
                seen.entry = entry;
            }
            if is_running && open.contains(&id) {
                "running".clone_into(&mut seen.entry.status);
            }
            step_record(StepName { job: job.clone(), step: id }, seen, stored)
        };
        order.into_iter().map(record).collect()
    }
}

fn step_record(name: StepName, seen: SeenStep, stored: &StoredRun) -> StepRecord {
    let SeenStep { entry, spans, waits, .. } = seen;
    let known = stored.state.step(&format!("{}/{}", name.job, name.step));
    let left = known.items_left();
    let count = |status| left.values().filter(|own| **own == status).count() as u64;
    let usage = Usage {
        requests: entry.requests.max(known.tally.requests),
        retries: entry.retries.max(known.tally.retries),
        pages: entry.pages.max(known.tally.pages),
        wait_ms: entry.wait_ms,
        elapsed_ms: entry.elapsed_ms.max(known.tally.elapsed_ms),
    };
    let counts = StepCounts {
        items_in: entry.items_in.max(known.items_in),
        items_out: entry.items_out.max(known.extent().rows),
        failed: count(OutcomeStatus::Failed),
        unknown: count(OutcomeStatus::Unknown),
        usage,
    };
    let is_clean = known.done && left.is_empty();
    let status = match entry.status.as_str() {
        // Its items have been sent again or settled since.
        "partial" if is_clean => "done".to_owned(),
        "" if known.skipped => "skipped".to_owned(),
        "" if is_clean => "done".to_owned(),
        "" if known.done => "partial".to_owned(),
        "" if known.started => "interrupted".to_owned(),
        "" => "not_started".to_owned(),
        status => status.to_owned(),
    };
    let error = entry.error.filter(|_| status != "done");
    let (needs, operation) = (entry.needs, entry.operation);
    let saved = entry.saved.map(|paths| paths.names().to_vec()).unwrap_or_default();
    StepRecord { name, operation, status, counts, needs, saved, error, spans, waits }
}

/// Milliseconds between two times.
fn milliseconds(from: &str, to: &str) -> u64 {
    let at = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let between = at(to).zip(at(from)).map(|(to, from)| to.as_millisecond() - from.as_millisecond());
    between.and_then(|length| u64::try_from(length).ok()).unwrap_or_default()
}
