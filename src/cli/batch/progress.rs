//! The progress of a run: on a terminal a spinner for each running step, elsewhere plain lines, and the closing table.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use super::beginning::{self, age_text};
use crate::batch::{Batch, Event, Report, StepCounts, StepReport, StepStatus};
use crate::cli::messages::Screen;
use crate::cli::screen::terminal_text::{self, count, thousands};
use crate::cli::screen::{Paint, TableColumn, TextTable, width};
use crate::cli::spinner::{Spinner, Spinners, TICK};
use crate::{JobState, OutcomeStatus};

/// Interval of progress lines without a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Failed items that are shown; the others are counted.
const FAILURES_SHOWN: u64 = 20;

/// Minimum widths for names of steps and files; longer ones go on a separate line.
const STEP_MIN: usize = 16;
const FILE_MIN: usize = 16;

/// The screen of one run.
pub(crate) struct BatchScreen {
    screen: Screen,
    spinners: Spinners,
    running: BTreeMap<String, RunningStep>,
    failures: u64,
    name: String,
}

struct RunningStep {
    spinner: Option<Spinner>,
    since: Instant,
    printed: Instant,
    facts: String,
}

impl BatchScreen {
    pub(crate) fn new(screen: Screen, batch: &Batch) -> BatchScreen {
        BatchScreen {
            screen,
            spinners: Spinners::new(),
            running: BTreeMap::new(),
            failures: 0,
            name: batch.name().to_owned(),
        }
    }

    /// Waits for a future while the spinners move.
    pub(crate) async fn watch<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            tokio::select! {
                done = &mut future => return done,
                () = tokio::time::sleep(TICK) => self.draw(),
            }
        }
    }

    fn draw(&mut self) {
        for (name, running) in &self.running {
            if let Some(spinner) = &running.spinner {
                spinner.show(&format!("{name}: {}{} s", running.facts, running.since.elapsed().as_secs()));
            }
        }
    }

    /// Prints while the spinners are hidden.
    fn aside(&self, print: impl FnOnce(Screen)) {
        self.spinners.aside(|| print(self.screen));
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::Begun { jobs } => {
                for (is_warning, line) in beginning::lines(&self.name, jobs) {
                    self.aside(|screen| if is_warning { screen.warn(&line) } else { screen.note(&line) });
                }
            }
            Event::Note { message } => self.aside(|screen| screen.note(message)),
            Event::StepBegun { step } => self.begin(&step.to_string()),
            Event::Progress { step, counts, total } => self.update(&step.to_string(), counts, *total),
            Event::Loading { step, table, rows, total } => self.load(&step.to_string(), table, (*rows, *total)),
            Event::Waiting { step, state } => self.wait(&step.to_string(), state),
            Event::Outage { step, connection, error, next_ms, left_ms } => {
                let (next, left) = (next_ms / 1000, age_text(left_ms / 1000));
                let text = format!(
                    "{step}: waits for {connection}, next try in {next} s, gives up in {left}: {}",
                    error.message
                );
                self.aside(|screen| screen.warn(&text));
            }
            Event::ItemFailed { step, index, status, error } => {
                self.failures += 1;
                if self.failures <= FAILURES_SHOWN {
                    let word = if *status == OutcomeStatus::Unknown { "unknown" } else { "failed" };
                    // A row of a file has its line; the number of the item is of no use beside it.
                    let is_of_file =
                        error.place.as_ref().is_some_and(|place| place.file.is_some() && place.line.is_some());
                    let item = if is_of_file { "row".to_owned() } else { format!("item {index}") };
                    let text = format!("{step}: {item} {word}: {}", error.message);
                    self.aside(|screen| screen.warn(&text));
                } else if self.failures == FAILURES_SHOWN + 1 {
                    self.aside(|screen| screen.warn("more items failed; the failures file of the step lists all"));
                }
            }
            Event::StepEnded(report) => self.end(report),
            _ => {}
        }
    }

    fn begin(&mut self, name: &str) {
        let now = Instant::now();
        let spinner = self.screen.may_animate().then(|| self.spinners.add());
        self.running.insert(name.to_owned(), RunningStep { spinner, since: now, printed: now, facts: String::new() });
    }

    fn update(&mut self, name: &str, counts: &StepCounts, total: Option<u64>) {
        let Some(running) = self.running.get_mut(name) else { return };
        running.facts = facts(counts, total, running.since.elapsed());
        self.line(name);
    }

    fn load(&mut self, name: &str, table: &str, (rows, total): (u64, u64)) {
        let Some(running) = self.running.get_mut(name) else { return };
        running.facts = format!("{} of {} into {table}, ", thousands(rows), count(total, "row"));
        self.line(name);
    }

    fn wait(&mut self, name: &str, state: &JobState) {
        let Some(running) = self.running.get_mut(name) else { return };
        running.facts = terminal_text::job(state) + ", ";
        self.line(name);
    }

    /// Without a terminal, a line from time to time.
    fn line(&mut self, name: &str) {
        let Some(running) = self.running.get_mut(name) else { return };
        if running.spinner.is_none() && running.printed.elapsed() >= LINE_INTERVAL {
            running.printed = Instant::now();
            let text = format!("{name}: {}{} s", running.facts, running.since.elapsed().as_secs());
            self.screen.note(&text);
        }
    }

    fn end(&mut self, report: &StepReport) {
        let name = report.name.to_string();
        drop(self.running.remove(&name));
        if report.earlier {
            return;
        }
        let text = format!("{name}: {}", ending(report));
        self.aside(|screen| screen.note(&text));
    }

    /// Removes the spinners and prints the closing table.
    pub(crate) fn close(&mut self, report: &Report) {
        self.running.clear();
        self.screen.summary(&table(report), report);
    }
}

fn facts(counts: &StepCounts, total: Option<u64>, elapsed: Duration) -> String {
    let mut facts = Vec::new();
    if counts.usage.pages > 0 {
        facts.push(count(counts.usage.pages, "page"));
    }
    facts.push(match total {
        Some(total) => format!("{} of {}", thousands(counts.items_in), count(total, "item")),
        None => count(counts.items_in, "item"),
    });
    facts.push(format!("{}/s", thousands((counts.items_in as f64 / elapsed.as_secs_f64().max(0.001)) as u64)));
    facts.extend((counts.failed > 0).then(|| format!("{} failed", counts.failed)));
    facts.extend((counts.unknown > 0).then(|| format!("{} unknown", counts.unknown)));
    facts.extend((counts.usage.wait_ms >= 1000).then(|| format!("waited {} s", counts.usage.wait_ms / 1000)));
    facts.push(String::new());
    facts.join(", ")
}

fn ending(report: &StepReport) -> String {
    let counts = &report.counts;
    match report.status {
        StepStatus::Skipped => "skipped".to_owned(),
        StepStatus::NotStarted => match &report.needs {
            Some(needed) => format!("not started: it needs {}", needed.replace("__", ".")),
            None => "not started".to_owned(),
        },
        StepStatus::Failed | StepStatus::Stopped => format!("stopped after {}", count(counts.items_in, "item")),
        StepStatus::Done | StepStatus::Partial => {
            let mut parts = vec![count(counts.items_in, "item")];
            let results = report.results.iter().flatten();
            parts.extend(results.map(|(outcome, items)| format!("{} {outcome}", thousands(*items))));
            parts.extend((counts.failed > 0).then(|| format!("{} failed", thousands(counts.failed))));
            parts.extend((counts.unknown > 0).then(|| format!("{} unknown", thousands(counts.unknown))));
            parts.push(count(counts.usage.requests, "request"));
            let files = files(report);
            let files = if files.is_empty() { files } else { format!(" → {files}") };
            format!("{}{files}", parts.join(", "))
        }
    }
}

/// The files with the rows of a step.
fn files(report: &StepReport) -> String {
    let shown = |path: &String| match report.partitions.iter().find(|partition| partition.path == *path) {
        Some(partition) => format!("{path} ({})", count(partition.files, "file")),
        None => path.clone(),
    };
    report.saved.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn table(report: &Report) -> String {
    let columns = [
        TableColumn::whole("step").rank(9).min(STEP_MIN),
        TableColumn::text("").rank(9),
        TableColumn::number("in").rank(6).optional(),
        TableColumn::number("out").rank(5).optional(),
        TableColumn::number("failed").rank(8),
        TableColumn::number("requests").rank(3).optional(),
        TableColumn::number("retries").rank(2).optional(),
        TableColumn::number("time").rank(4).optional(),
        TableColumn::whole("file").rank(7).min(FILE_MIN),
    ];
    let rows: Vec<Vec<String>> = report.steps.iter().map(row).collect();
    let table = TextTable::new(&columns, &rows, 0, width::stderr(), true);
    let head = table.head(Paint::default());
    std::iter::once(head).chain(rows.iter().map(|row| table.row(row))).collect()
}

fn row(step: &StepReport) -> Vec<String> {
    let counts = &step.counts;
    let status = match step.status {
        StepStatus::Done if step.earlier => "done earlier",
        StepStatus::Done => "done",
        StepStatus::Partial => "partial",
        StepStatus::Skipped => "skipped",
        StepStatus::Failed => "failed",
        StepStatus::Stopped => "stopped",
        StepStatus::NotStarted => "not started",
    };
    let bad = match (counts.failed, counts.unknown) {
        (failed, 0) => thousands(failed),
        (failed, unknown) => format!("{} + {} unknown", thousands(failed), thousands(unknown)),
    };
    let saved = files(step);
    let file = if saved.is_empty() { step.failures.as_deref().unwrap_or_default() } else { &saved };
    vec![
        step.name.to_string(),
        status.to_owned(),
        thousands(counts.items_in),
        thousands(counts.items_out),
        bad,
        thousands(counts.usage.requests),
        thousands(counts.usage.retries),
        format!("{:.1} s", counts.usage.elapsed_ms as f64 / 1000.0),
        terminal_text::one_line(file).into_owned(),
    ]
}
