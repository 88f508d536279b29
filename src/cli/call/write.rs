//! `mutate` and `delete`: writes returned records to the output, outcomes to their file, failures to stderr. Results that arrive together are written
//! together, and always before waiting.

use std::io::IsTerminal;
use std::path::Path;
use std::task::Poll;

use super::ask;
use super::columns;
use super::plan;
use super::prepare::{self, PreparedCall};
use super::progress::CallProgress;
use crate::cli::app::App;
use crate::cli::args::WriteCallArgs;
use crate::cli::errors::worded;
use crate::cli::messages::Screen;
use crate::cli::output::{
    BUFFER_SIZE, ItemsOutput, OldPartial, OutputPlace, ReceiptFile, TableOutput, TableStyle, refuse_same_path,
};
use crate::cli::screen::{terminal_text, width};
use crate::cli::signals::Signals;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::{Items, Outcome, OutcomeStatus, Receipt, Running, Writes};

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, method: Method, args: &WriteCallArgs) -> Result<u8> {
    let places = &args.call.output;
    let items = Some(places.output.as_deref().unwrap_or(Path::new("-")));
    let receipt = places.receipt.as_deref().filter(|p| p.as_os_str() != "-");
    let outputs = [("--output", items), ("--outcomes", args.write.outcomes.as_deref()), ("--receipt", receipt)];
    refuse_same_path(&outputs)?;
    if TableOutput::is_one(places) || places.table.given().or_else(|| places.table.given_form()).is_some() {
        return Err(Error::new(ErrorKind::Usage, "tables of databases get the items of a query")
            .advise("write the returned items to a file, or store them by `save` of a step of a batch"));
    }
    let mut call = prepare::prepare(app, method, &args.call, args.write.items.as_deref()).await?;
    call.refuse_inputs(&outputs)?;
    call.request.stop_on_error = args.write.stop_on_error;
    call.request.known_fields = args.write.strict;
    if args.call.plan {
        return plan::print(app.screen, &call, &args.call);
    }
    if method == Method::Mutate && args.write.yes {
        return Err(Error::new(ErrorKind::Usage, "--yes is for delete only"));
    }
    let count = call.request.items.as_ref().map_or(0, Items::len);
    let many = count > 1;
    let Running::Write(mut writes) = call.begin()? else {
        return Err(Error::new(ErrorKind::Internal, "a write gave pages"));
    };
    columns::warn(&writes.receipt().notes, app.screen);
    if method == Method::Delete && count > 1 && !args.write.yes && !args.call.system.sandbox {
        ask::delete(app.screen, &call.operation.id, &call.connection.name, count)?;
    }
    let signals = Signals::listen(&call.cancel);
    let style = if many { TableStyle::Rows } else { TableStyle::Card };
    let places = Places {
        output: ItemsOutput::open(
            &args.call.output,
            std::io::stdout().is_terminal(),
            style,
            width::columns(),
            OldPartial::Refuse,
        )?,
        receipt: ReceiptFile::open(args.call.output.receipt.as_deref())?,
        outcomes: args.write.outcomes.as_deref().map(|p| OutputPlace::open(Some(p), OldPartial::Refuse)).transpose()?,
        lines: Vec::new(),
        done: Vec::new(),
        summary: WriteSummary::of(method),
        write_failed: false,
    };
    places.outcomes.iter().for_each(OutputPlace::keep_at_once);
    deliver(app.screen, &call, writes, places, &signals, many).await
}

/// The outputs of a write, and what is not written yet.
struct Places {
    output: ItemsOutput,
    receipt: ReceiptFile,
    outcomes: Option<OutputPlace>,
    /// Outcomes that are not in their file yet, and indices of successful items whose results are not fully written.
    lines: Vec<u8>,
    done: Vec<u64>,
    summary: WriteSummary,
    /// A write to an output failed: the next attempt is before waiting or at the end, not for each outcome.
    write_failed: bool,
}

async fn deliver(
    screen: Screen,
    call: &PreparedCall,
    mut writes: Writes,
    mut places: Places,
    signals: &Signals,
    many: bool,
) -> Result<u8> {
    let mut progress = CallProgress::new(screen, &call.operation.id, &call.job);
    let mut lost: Option<Error> = None;
    loop {
        let next = match writes.ready().await {
            Poll::Ready(next) => next,
            Poll::Pending => {
                if let Err(error) = progress.aside(|| places.flush()) {
                    // If outcomes cannot be recorded, nothing more is sent. In-flight requests finish.
                    writes.stop();
                    lost.get_or_insert(error);
                }
                progress.watch(writes.next()).await
            }
        };
        let Some(mut outcome) = next else { break };
        outcome.error = outcome.error.as_ref().map(worded);
        if let Err(error) = progress.aside(|| places.take(screen, &outcome, many)) {
            writes.stop();
            lost.get_or_insert(error);
        }
        progress.update(writes.receipt());
    }
    lost = lost.or(progress.aside(|| places.flush()).err());
    progress.finish();
    let facts = writes.receipt().clone();
    let verdict = writes.verdict();
    let interrupted = signals.exit_code().filter(|_| verdict.is_err());
    let counts = places.summary.text(&facts);
    let closed = places.close(screen, &facts, verdict.as_ref().err());
    // After the output, which may be the same terminal.
    if facts.items_in == 0 && call.request.items.is_some() {
        screen.note("there are no items; nothing was sent");
    } else if many || interrupted.is_some() || verdict.is_ok() {
        summarize(screen, &facts, &counts);
    }
    closed?;
    match (lost, interrupted) {
        (Some(error), _) => Err(error),
        (None, Some(code)) => {
            screen.warn("interrupted; items that were not sent are skipped");
            Ok(code)
        }
        (None, None) => verdict.map(|()| 0),
    }
}

impl Places {
    /// Handles an outcome: writes its records to the output, the outcome to its file, a failure to stderr.
    fn take(&mut self, screen: Screen, outcome: &Outcome, many: bool) -> Result<()> {
        // Skipped items are only counted; a line for each would hide the failures.
        let before = if many && matches!(outcome.status, OutcomeStatus::Failed | OutcomeStatus::Unknown) {
            // Earlier results are printed first.
            let before = self.flush();
            print_failure(screen, outcome);
            before
        } else {
            Ok(())
        };
        if self.outcomes.is_some() {
            serde_json::to_writer(&mut self.lines, outcome)
                .map_err(|e| Error::new(ErrorKind::Internal, format!("an outcome: {e}")))?;
            self.lines.push(b'\n');
        }
        self.summary.count(outcome);
        if outcome.status == OutcomeStatus::Ok {
            self.done.push(outcome.index);
        }
        // A closed pipe does not stop the write.
        let written = before.and(self.output.add(&outcome.items));
        if written.is_ok() && (self.write_failed || self.lines.len() < BUFFER_SIZE) {
            Ok(())
        } else {
            self.flush().and(written)
        }
    }

    /// Writes the collected results. Results that cannot be written are written for the next attempt.
    fn flush(&mut self) -> Result<()> {
        let outcomes = match &mut self.outcomes {
            Some(file) if !self.lines.is_empty() => file.write(&self.lines).map(|_| ()),
            _ => Ok(()),
        };
        if outcomes.is_ok() {
            self.lines.clear();
        }
        let written = outcomes.and(self.output.flush().map(|_| ()));
        self.write_failed = written.is_err();
        if !self.write_failed {
            self.done.clear();
        }
        written
    }

    /// Finishes all outputs, also if items failed.
    fn close(mut self, screen: Screen, facts: &Receipt, error: Option<&Error>) -> Result<()> {
        let outcomes = match self.outcomes.take() {
            Some(mut file) => match file.write(&self.lines) {
                Ok(_) => file.finish(),
                Err(error) => Err(file.broken(error)),
            },
            None => Ok(()),
        };
        let receipt = self.receipt.write(screen, facts, error);
        let notes = self.output.finish(false, &mut |_| {});
        if outcomes.is_err() || notes.is_err() {
            self.done
                .iter()
                .for_each(|index| screen.warn(&format!("item {index}: ok, but its result could not be written")));
        }
        outcomes.and(receipt)?;
        notes?.iter().filter(|_| error.is_none() && facts.items > 1).for_each(|note| screen.note(note));
        Ok(())
    }
}

/// A JSON line on stderr, with a key for its kind.
#[derive(serde::Serialize)]
struct Labelled<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a Receipt>,
}

/// Prints a line for a failed item or an unknown outcome.
fn print_failure(screen: Screen, outcome: &Outcome) {
    if screen.is_json() {
        screen.object(&Labelled { outcome: Some(outcome), summary: None });
        return;
    }
    let status = if outcome.status == OutcomeStatus::Unknown { "unknown" } else { "failed" };
    let why = outcome.error.as_ref().map(|e| format!(" [{}] {}", e.kind(), e.message)).unwrap_or_default();
    screen.line(&format!("item {}: {}{}", outcome.index, screen.paint().bad(status), terminal_text::one_line(&why)));
}

/// Counts the outcomes of a write for the closing line.
struct WriteSummary {
    method: Method,
    created: u64,
    done: u64,
    not_found: u64,
}

impl WriteSummary {
    fn of(method: Method) -> WriteSummary {
        WriteSummary { method, created: 0, done: 0, not_found: 0 }
    }

    fn count(&mut self, outcome: &Outcome) {
        match (outcome.status, outcome.http_status) {
            (OutcomeStatus::Ok, Some(201)) if self.method == Method::Mutate => self.created += 1,
            (OutcomeStatus::Ok, _) => self.done += 1,
            (OutcomeStatus::Failed, _) if outcome.error.as_ref().is_some_and(|e| e.kind() == ErrorKind::NotFound) => {
                self.not_found += 1
            }
            (OutcomeStatus::Failed | OutcomeStatus::Unknown | OutcomeStatus::Skipped, _) => {}
        }
    }

    /// Such as `3 deleted, 1 not found`.
    fn text(&self, facts: &Receipt) -> String {
        let counts = facts.outcomes.unwrap_or_default();
        let done = if self.method == Method::Delete { "deleted" } else { "changed" };
        let failed = counts.failed.saturating_sub(self.not_found);
        let all = [
            (self.created, "created"),
            (self.done, done),
            (self.not_found, "not found"),
            (failed, "failed"),
            (counts.unknown, "unknown"),
            (counts.skipped, "not sent"),
        ];
        let parts: Vec<String> = all
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", terminal_text::thousands(*n)))
            .collect();
        if parts.is_empty() { format!("nothing {done}") } else { parts.join(", ") }
    }
}

fn summarize(screen: Screen, facts: &Receipt, counts: &str) {
    let requests = terminal_text::count(facts.requests, "request");
    let seconds = facts.elapsed_ms as f64 / 1000.0;
    let text = format!("{}: {counts} ({requests}, {seconds:.1} s)", facts.operation);
    screen.summary(&text, &Labelled { outcome: None, summary: Some(facts) });
}
