//! What people see of a run: a line per running step on a terminal, plain lines elsewhere, and the closing table.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::grid::grid;
use super::screen::Screen;
use super::terminal_text::{self, count, thousands};
use crate::batch::{Batch, Event, Report, StepCounts, StepReport, StepStatus};
use crate::receipt::OutcomeStatus;

/// How often the lines move.
const TICK: Duration = Duration::from_millis(120);
/// How often a step says how far it is, where there is no terminal.
const SPEAK: Duration = Duration::from_secs(10);
/// Failed items that are told one by one; the others are counted.
const TOLD_MAX: u64 = 20;

/// The screen of one run.
pub(crate) struct BatchScreen {
    screen: Screen,
    bars: MultiProgress,
    running: BTreeMap<String, Running>,
    failures: u64,
    name: String,
}

struct Running {
    bar: Option<ProgressBar>,
    since: Instant,
    spoke: Instant,
    facts: String,
}

impl BatchScreen {
    pub(crate) fn new(screen: Screen, batch: &Batch) -> BatchScreen {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        BatchScreen { screen, bars, running: BTreeMap::new(), failures: 0, name: batch.name().to_owned() }
    }

    /// Waits for something, the lines moving meanwhile.
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
            if let Some(bar) = &running.bar {
                bar.set_message(format!("{name}: {}{} s", running.facts, running.since.elapsed().as_secs()));
                bar.tick();
            }
        }
    }

    /// Prints without the lines in between.
    fn aside(&self, print: impl FnOnce(Screen)) {
        self.bars.suspend(|| print(self.screen));
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::Begun { resumed, started, .. } if *resumed => {
                let text = format!("{}: going on with the run of {started}", self.name);
                self.aside(|screen| screen.note(&text));
            }
            Event::Note { message } => self.aside(|screen| screen.note(message)),
            Event::StepBegun { step } => self.begin(&step.to_string()),
            Event::Progress { step, counts, total } => self.update(&step.to_string(), counts, *total),
            Event::ItemFailed { step, index, status, error } => {
                self.failures += 1;
                if self.failures <= TOLD_MAX {
                    let word = if *status == OutcomeStatus::Unknown { "unknown" } else { "failed" };
                    let text = format!("{step}: item {index} {word}: {}", error.message);
                    self.aside(|screen| screen.warn(&text));
                } else if self.failures == TOLD_MAX + 1 {
                    self.aside(|screen| {
                        screen.warn("more items did not succeed; all are in the step's file of failures")
                    });
                }
            }
            Event::StepEnded(report) => self.end(report),
            _ => {}
        }
    }

    fn begin(&mut self, name: &str) {
        let now = Instant::now();
        let bar = self.screen.shows_progress().then(|| {
            let bar = self.bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        self.running.insert(name.to_owned(), Running { bar, since: now, spoke: now, facts: String::new() });
    }

    fn update(&mut self, name: &str, counts: &StepCounts, total: Option<u64>) {
        let Some(running) = self.running.get_mut(name) else { return };
        running.facts = facts(counts, total, running.since.elapsed());
        if running.bar.is_none() && running.spoke.elapsed() >= SPEAK {
            running.spoke = Instant::now();
            let text = format!("{name}: {}{} s", running.facts, running.since.elapsed().as_secs());
            self.screen.note(&text);
        }
    }

    fn end(&mut self, report: &StepReport) {
        let name = report.name.to_string();
        if let Some(bar) = self.running.remove(&name).and_then(|r| r.bar) {
            bar.finish_and_clear();
        }
        if report.earlier {
            return;
        }
        let text = format!("{name}: {}", ending(report));
        self.aside(|screen| screen.note(&text));
    }

    /// Takes the lines away and prints the closing table.
    pub(crate) fn close(&mut self, report: &Report) {
        for running in std::mem::take(&mut self.running).into_values() {
            running.bar.iter().for_each(ProgressBar::finish_and_clear);
        }
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
        StepStatus::NotBegun => "not begun".to_owned(),
        StepStatus::Failed => format!("stopped after {}", count(counts.items_in, "item")),
        StepStatus::Done | StepStatus::Partial => {
            let mut parts = vec![count(counts.items_in, "item")];
            parts.extend((counts.failed > 0).then(|| format!("{} failed", thousands(counts.failed))));
            parts.extend((counts.unknown > 0).then(|| format!("{} unknown", thousands(counts.unknown))));
            parts.push(count(counts.usage.requests, "request"));
            let file = report.saved.as_ref().map(|path| format!(" → {path}")).unwrap_or_default();
            format!("{}{file}", parts.join(", "))
        }
    }
}

fn table(report: &Report) -> String {
    grid(
        &["step", "", "in", "out", "failed", "requests", "retries", "time", "file"],
        report.steps.iter().map(row),
        2..8,
    )
}

fn row(step: &StepReport) -> Vec<String> {
    let counts = &step.counts;
    let status = match step.status {
        StepStatus::Done if step.earlier => "done earlier",
        StepStatus::Done => "done",
        StepStatus::Partial => "partial",
        StepStatus::Skipped => "skipped",
        StepStatus::Failed => "failed",
        StepStatus::NotBegun => "not begun",
    };
    let bad = match (counts.failed, counts.unknown) {
        (failed, 0) => thousands(failed),
        (failed, unknown) => format!("{} + {} unknown", thousands(failed), thousands(unknown)),
    };
    let file = step.saved.as_deref().or(step.failures.as_deref()).unwrap_or_default();
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
