//! What a run did, in the form of what is expected.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::OutcomeStatus;
use crate::batch::{
    Batch, ExpectedEnd, ExpectedFile, ExpectedItem, ExpectedRequestPart, ExpectedStep, Report, StepName, StepReport,
    left_items,
};
use crate::cli::new_files;
use crate::definition::{Json, Ordered};
use crate::error::{Error, Result};
use crate::json_text::{fields_of, value_of};

/// In the place of the id of a run, which is random.
const RUN_ID: &str = "[run]";

/// A run that has ended.
pub(super) struct RunResults<'r> {
    pub(super) batch: &'r Batch,
    pub(super) report: &'r Report,
    pub(super) requests: Vec<(String, ExpectedRequestPart)>,
    pub(super) stdout: Vec<u8>,
    pub(super) state: &'r Path,
    /// The folder of the batch, and the files that the case has put into it.
    pub(super) work: (&'r Path, &'r [(PathBuf, Vec<u8>)]),
}

/// What it did.
pub(super) fn found(results: &RunResults<'_>) -> Result<ExpectedFile> {
    let report = results.report;
    let code = report.check().err().map_or(0, |error| error.kind().exit_code());
    let steps: Ordered<ExpectedStep> = report.steps.iter().map(|step| (step.name.to_string(), step_of(step))).collect();
    let errors = report.steps.iter().filter_map(|step| Some((step.name.to_string(), shown(step.error.as_ref()?))));
    let errors = errors.chain(report.error.iter().map(|error| ("run".to_owned(), shown(error))));
    let watermarks = results.batch.watermarks(results.state)?;
    let file = ExpectedFile {
        end: Some(if code == 0 { ExpectedEnd::Ok } else { ExpectedEnd::Failed }),
        exit_code: Some(code),
        errors: some(errors.collect()),
        requests: some(requests(results, &steps)),
        steps: Some(steps),
        saved: some(saved(results)?),
        stdout: Some(text_of(&results.stdout)).filter(|text| !text.is_empty()),
        left: some(left(results)?),
        watermarks: some(watermarks.into_iter().collect()),
    };
    Ok(steady(file, results))
}

fn some<T>(map: Ordered<T>) -> Option<Ordered<T>> {
    Some(map).filter(|map| !map.is_empty())
}

fn step_of(step: &StepReport) -> ExpectedStep {
    let counts = &step.counts;
    ExpectedStep {
        status: Some(step.status.name().to_owned()),
        items_in: Some(counts.items_in),
        items_out: Some(counts.items_out),
        failed: Some(counts.failed).filter(|count| *count > 0),
        unknown: Some(counts.unknown).filter(|count| *count > 0),
        results: step.results.as_ref().map(|all| all.iter().map(|(name, count)| (name.clone(), *count)).collect()),
    }
}

fn shown(error: &Error) -> String {
    format!("{}: {}", error.kind(), error.message)
}

/// The requests by step, in the order of the steps.
fn requests(results: &RunResults<'_>, steps: &Ordered<ExpectedStep>) -> Ordered<Vec<ExpectedRequestPart>> {
    let mut by_step: Ordered<Vec<ExpectedRequestPart>> = steps.keys().map(|step| (step.clone(), Vec::new())).collect();
    for (step, request) in &results.requests {
        by_step.entry(step.clone()).or_default().push(request.clone());
    }
    by_step.retain(|_, requests| !requests.is_empty());
    by_step
}

/// The files that the run has written into its folder.
fn saved(results: &RunResults<'_>) -> Result<Ordered<String>> {
    let (root, inputs) = results.work;
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    paths.sort();
    let mut saved = Ordered::new();
    for path in paths {
        let bytes = std::fs::read(&path).map_err(|e| new_files::failed(&path, "read", &e))?;
        if !inputs.iter().any(|(input, content)| *input == path && *content == bytes) {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string().replace('\\', "/");
            saved.insert(name, text_of(&bytes));
        }
    }
    Ok(saved)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |cause: std::io::Error| new_files::failed(folder, "read", &cause);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(&entry.path(), paths)?;
        } else {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// Text as it is, other bytes as base64.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("base64:{}", STANDARD.encode(bytes)),
    }
}

/// The items that are left, by step.
fn left(results: &RunResults<'_>) -> Result<Ordered<Vec<ExpectedItem>>> {
    let mut by_step: Ordered<Vec<ExpectedItem>> = Ordered::new();
    for item in left_items(results.state)? {
        let step = StepName { job: item.job, step: item.step }.to_string();
        let error = item.error.as_deref().map(|error| {
            let fields = fields_of(error.get()).unwrap_or_default();
            let text = |key: &str| {
                let value = fields.iter().find(|(name, _)| name == key).map(|(_, raw)| value_of(raw.get()));
                value.and_then(|value| Some(value.ok()?.as_str()?.to_owned())).unwrap_or_default()
            };
            format!("{}: {}", text("kind"), text("message"))
        });
        let status = Some(status_word(item.status).to_owned());
        let content = Some(Json(item.item.as_deref().map_or_else(|| "null".to_owned(), |raw| raw.get().to_owned())));
        by_step.entry(step).or_default().push(ExpectedItem { status, item: content, error });
    }
    Ok(by_step)
}

fn status_word(status: OutcomeStatus) -> &'static str {
    match status {
        OutcomeStatus::Ok => "ok",
        OutcomeStatus::Failed => "failed",
        OutcomeStatus::Unknown => "unknown",
        OutcomeStatus::Skipped => "skipped",
    }
}

/// Replaces what differs in each run: ids of runs, and the temporary folder.
fn steady(mut file: ExpectedFile, results: &RunResults<'_>) -> ExpectedFile {
    let folder = |path: &Path| format!("{}{}", path.display(), std::path::MAIN_SEPARATOR);
    let (work, state) = (folder(results.work.0), folder(results.state));
    let ids: Vec<&str> = results.report.jobs.iter().map(|job| job.run.as_str()).filter(|id| !id.is_empty()).collect();
    let change = |text: &mut String| {
        for id in ids.iter().filter(|id| text.contains(**id)).collect::<Vec<_>>() {
            *text = text.replace(*id, RUN_ID);
        }
        if text.contains(&work) || text.contains(&state) {
            *text = text.replace(&work, "").replace(&state, "[state]/");
        }
    };
    each_text(&mut file, &change);
    file
}

/// All texts in which an id or a path can be.
fn each_text(file: &mut ExpectedFile, change: &dyn Fn(&mut String)) {
    file.errors.iter_mut().flat_map(Ordered::values_mut).for_each(change);
    for request in file.requests.iter_mut().flat_map(Ordered::values_mut).flatten() {
        match request {
            ExpectedRequestPart::Line(line) => change(line),
            ExpectedRequestPart::Whole(whole) => {
                change(&mut whole.request);
                change(&mut whole.body.0);
            }
        }
    }
    file.saved.iter_mut().flat_map(Ordered::values_mut).for_each(change);
    file.stdout.iter_mut().for_each(change);
    for item in file.left.iter_mut().flat_map(Ordered::values_mut).flatten() {
        item.item.iter_mut().for_each(|own| change(&mut own.0));
        item.error.iter_mut().for_each(change);
    }
    file.watermarks.iter_mut().flat_map(Ordered::values_mut).for_each(|mark| change(&mut mark.0));
}
