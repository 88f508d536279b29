//! `runs show`: one run with its steps, its timeline, and what is left of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::given;
use super::junit;
use super::run_status::status_name;
use super::timeline::{self, duration};
use crate::batch::{Batch, BatchInput, LeftItem, MAIN, RunRecord, RunStatus, SettledItem, StepRecord, run_records};
use crate::cli::app::App;
use crate::cli::args::{RUNS_FOLDER, RunsFilter, RunsShowArgs, ShowForm};
use crate::cli::catalog::snippet::shell;
use crate::cli::errors::stored_error::why_of;
use crate::cli::items::{cells, columns, flags, is_of_sandbox, run_id};
use crate::cli::messages;
use crate::cli::screen::terminal_text::{count, one_line, thousands};
use crate::cli::screen::{Paint, TableColumn, TextTable, width};
use crate::error::{Error, ErrorKind, Result};

/// Items, notes and files that are shown of each list; JSON has all.
const SHOWN_MAX: usize = 20;

/// Characters of an input that are shown; JSON has all.
const VALUE_MAX: usize = 60;

/// Prints it.
pub(super) fn run(app: &App, args: &RunsShowArgs) -> Result<u8> {
    let run = run_id(&args.run, &args.filter)?;
    let mut records = run_records(&args.filter.state, &run)?;
    records.retain(|record| args.filter.job.as_ref().is_none_or(|job| record.summary.info.job == *job));
    records.retain(|record| args.filter.batch.as_ref().is_none_or(|batch| record.summary.info.name == *batch));
    match args.format {
        ShowForm::Json => {
            let text = serde_json::to_string(&records);
            messages::print(&text.map_err(|e| Error::new(ErrorKind::Internal, format!("the run: {e}")))?)?;
        }
        ShowForm::Junit => messages::print(&junit::of_records(&records))?,
        ShowForm::Text => {
            let texts: Vec<String> = records.iter().map(text).collect();
            messages::print(&texts.join("\n"))?;
            app.screen.note(&next(&records, &run, &args.filter)?);
        }
    }
    Ok(0)
}

fn text(record: &RunRecord) -> String {
    let mut out = head(record);
    out.push('\n');
    out.push_str(&steps(record));
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push_str(&format!("\n{title}\n{}\n", lines.join("\n")));
        }
    };
    section("timeline", timeline::lines(record));
    section("left", left(&record.left));
    let settled = record.settled.iter().take(SHOWN_MAX).map(settled).collect();
    section("settled", more(settled, record.settled.len()));
    let notes = record.notes.iter().take(SHOWN_MAX).map(|note| format!("  {}  {}", note.at, one_line(&note.message)));
    section("notes", more(notes.collect(), record.notes.len()));
    let saved = record.step_records.iter().flat_map(|step| step.saved.clone()).map(|path| format!("  {path}"));
    let own = record.files.iter().map(|file| format!("  {} ({} bytes)", file.path, thousands(file.bytes)));
    let files: Vec<String> = saved.chain(own).collect();
    let all = files.len();
    section("files", more(files.into_iter().take(SHOWN_MAX).collect(), all));
    out
}

/// A line for what is not shown.
fn more(mut lines: Vec<String>, all: usize) -> Vec<String> {
    let hidden = all - lines.len();
    lines.extend((hidden > 0).then(|| format!("  … and {} more; --format json has all", thousands(hidden as u64))));
    lines
}

fn head(record: &RunRecord) -> String {
    let info = &record.summary.info;
    let job = if info.job == MAIN { String::new() } else { format!(" for {}", info.job) };
    let status = match record.summary.status {
        RunStatus::SetAside => "archived, unfinished",
        RunStatus::ItemsLeft if record.summary.is_archived => "archived, items left",
        status => status_name(status),
    };
    let mut lines = vec![format!("run {} of {}{job}: {status}", info.run, info.name)];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<10}{value}"));
    line("started", info.started.clone());
    if let Some(last) = record.parts.last() {
        let took = duration(i64::try_from(record.elapsed_ms).unwrap_or(i64::MAX));
        let parts = match record.parts.len() {
            0 | 1 => String::new(),
            parts => format!(" in {parts} parts"),
        };
        let name = if last.exit_code.is_some() { "ended" } else { "last seen" };
        line(name, format!("{}, {took} of work{parts}", last.ended));
    }
    match record.exit_code {
        Some(code) => line("exit code", format!("{code}, {}", meaning(code))),
        None if record.summary.status == RunStatus::Unfinished && !record.parts.is_empty() => {
            line("exit code", "none: its process was killed".to_owned());
        }
        None => {}
    }
    if let Some(error) = &record.error {
        line("why", why_of(error));
    }
    let given = |values: &BTreeMap<String, String>| {
        let value = |(name, json): (&String, &String)| {
            let end = if json.chars().nth(VALUE_MAX).is_some() { "…" } else { "" };
            format!("{name}={}{end}", one_line(&json.chars().take(VALUE_MAX).collect::<String>()))
        };
        values.iter().map(value).collect::<Vec<_>>().join(", ")
    };
    for (name, values) in [("inputs", &info.inputs), ("vars", &info.vars)] {
        if !values.is_empty() {
            line(name, given(values));
        }
    }
    line("file", format!("{}, run by opnode {} on {}", info.file, info.opnode, info.host));
    line("folder", record.summary.folder.display().to_string());
    lines.push(String::new());
    lines.join("\n")
}

/// What an exit code of `opnode run` means.
fn meaning(code: u8) -> &'static str {
    match code {
        0 => "all done",
        3 => "wrong batch file, expression, option or item",
        4 => "authentication failed, or a permission is missing",
        5 => "the system refused, or its data is not as declared",
        6 => "a temporary failure",
        7 => "an outcome is unknown",
        8 => "single items failed",
        9 => "the run folder or a file on disk",
        10 => "cancelled",
        129 | 130 | 143 => "stopped by a signal",
        _ => "a failure",
    }
}

fn steps(record: &RunRecord) -> String {
    let columns = [
        TableColumn::whole("step").rank(9).min(16),
        TableColumn::text("").rank(9),
        TableColumn::number("in").rank(6).optional(),
        TableColumn::number("out").rank(5).optional(),
        TableColumn::number("failed").rank(8),
        TableColumn::number("unknown").rank(8),
        TableColumn::number("requests").rank(3).optional(),
        TableColumn::number("time").rank(7),
        TableColumn::value("why").rank(1).min(16),
    ];
    let rows: Vec<Vec<String>> = record.step_records.iter().map(step).collect();
    let table = TextTable::new(&columns, &rows, 0, width::stdout(), true);
    std::iter::once(table.head(Paint::default())).chain(rows.iter().map(|row| table.row(row))).collect()
}

fn step(step: &StepRecord) -> Vec<String> {
    let counts = &step.counts;
    let why = match (&step.error, &step.needs) {
        (Some(error), _) => why_of(error),
        (None, Some(needed)) => format!("it needs {needed}"),
        (None, None) => String::new(),
    };
    vec![
        step.name.step.clone(),
        step.status.replace('_', " "),
        thousands(counts.items_in),
        thousands(counts.items_out),
        thousands(counts.failed),
        thousands(counts.unknown),
        thousands(counts.usage.requests),
        duration(i64::try_from(counts.usage.elapsed_ms).unwrap_or(i64::MAX)),
        why,
    ]
}

/// The items that are left, as `items list` shows them.
fn left(items: &[LeftItem]) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        items.iter().take(SHOWN_MAX).map(|item| cells(item, false).into_iter().skip(1).collect()).collect();
    let columns: Vec<TableColumn> = columns(false).into_iter().skip(1).collect();
    let table = TextTable::new(&columns, &rows, 2, width::stdout(), false);
    more(rows.iter().map(|row| table.row(row).trim_end().to_owned()).collect(), items.len())
}

fn settled(item: &SettledItem) -> String {
    let note = item.note.as_ref().map(|note| format!(": {}", one_line(note))).unwrap_or_default();
    let status = if item.status == crate::OutcomeStatus::Unknown { "unknown" } else { "failed" };
    format!("  {} {} was {status}, settled {}{note}", item.key.step, item.key, item.at)
}

/// What to do next.
fn next(records: &[RunRecord], run: &str, filter: &RunsFilter) -> Result<String> {
    let has = |status: RunStatus| records.iter().any(|record| record.summary.status == status);
    let is_live =
        |status: RunStatus| records.iter().any(|record| record.summary.status == status && !record.summary.is_archived);
    // A batch that is a step continues with the batch of which it is a part.
    let outer = records.iter().find(|record| !record.summary.info.name.contains('+')).or(records.first());
    let again = outer.map(|record| run_command(record, &filter.state)).unwrap_or_default();
    let batch = outer.map(|record| record.summary.info.name.as_str()).unwrap_or_default();
    if has(RunStatus::Running) {
        let flags = flags(&filter.state, (batch, run), filter.job.as_deref())?;
        return Ok(format!("it is running; `opnode runs show {run}{flags}` shows how far it is"));
    }
    let mut lines = Vec::new();
    if has(RunStatus::Damaged) {
        lines.push(format!("a file of it is damaged; `{again}` tells which"));
    }
    // Each run in the sandbox starts over.
    let within = "within the time that `run: { resume }` allows";
    match is_of_sandbox(&filter.state) {
        true => {}
        false if is_live(RunStatus::Unfinished) => lines.push(format!("`{again}` resumes it, {within}")),
        false if is_live(RunStatus::ItemsLeft) => lines.push(format!("`{again}` sends failed items again, {within}")),
        false => {}
    }
    let left: BTreeSet<&str> = records.iter().flat_map(|r| &r.left).map(|item| item.batch.as_str()).collect();
    for batch in left {
        let own = records.iter().flat_map(|record| &record.left).filter(|item| item.batch == batch).count() as u64;
        let flags = flags(&filter.state, (batch, run), filter.job.as_deref())?;
        let (items, needs) = (count(own, "item"), if own == 1 { "needs" } else { "need" });
        let resend = match is_of_sandbox(&filter.state) {
            true => String::new(),
            false => format!("`opnode items resend {run}{flags}` or "),
        };
        lines.push(format!(
            "{items} {needs} a decision: `opnode items list {run}{flags}`, then {resend}`opnode items settle {run}{flags}`"
        ));
    }
    Ok(if lines.is_empty() { "nothing is left to do".to_owned() } else { lines.join("\n  ") })
}

/// The command that starts the batch again, with the inputs and variables of the run that the file does not give.
fn run_command(record: &RunRecord, state: &Path) -> String {
    let info = &record.summary.info;
    let known = Batch::inputs(Path::new(&info.file)).unwrap_or_default();
    let is_default = |input: &BatchInput| input.default.as_ref() == info.inputs.get(&input.name);
    let inputs = given::inputs(info, &known).filter(|(input, _)| !is_default(input));
    let flags = inputs.map(|(_, pair)| ("input", pair)).chain(given::vars(info).map(|pair| ("var", pair)));
    let mut command = format!("opnode run {}", shell(&info.file));
    command.extend(flags.map(|(flag, pair)| format!(" --{flag} {}", shell(&pair))));
    if state != Path::new(RUNS_FOLDER) {
        command.push_str(&format!(" --state {}", shell(&state.display().to_string())));
    }
    command
}
