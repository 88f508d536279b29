//! `mutate` and `delete`: outcomes as they come, records to the output, failures to stderr. Holds one outcome at a time.

use std::io::IsTerminal;
use std::path::Path;

use super::args_call::WriteCallArgs;
use super::call::{self, Call};
use super::context::Context;
use super::output::{Look, Output, Target, apart};
use super::plain;
use super::plan;
use super::progress::Progress;
use super::receipt::ReceiptFile;
use super::screen::{self, Screen};
use super::signals::Signals;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::receipt::{Outcome, OutcomeStatus, Receipt};
use crate::write::Writes;

/// Runs it; gives the exit code.
pub(crate) async fn run(context: &Context, method: Method, args: &WriteCallArgs) -> Result<u8> {
    let places = &args.call.output;
    let items = Some(places.output.as_deref().unwrap_or(Path::new("-")));
    let receipt = places.receipt.as_deref().filter(|p| p.as_os_str() != "-");
    apart(&[("--output", items), ("--outcomes", args.write.outcomes.as_deref()), ("--receipt", receipt)])?;
    let mut call = call::prepare(context, method, &args.call, args.write.items.as_deref()).await?;
    call.with.stop_on_error = args.write.stop_on_error;
    if args.call.plan {
        return plan::print(method, &call, &args.call.output);
    }
    let items = call.items.clone();
    let many = items.as_ref().is_some_and(|i| i.len() > 1);
    let session = &call.line.session;
    let writes = match method {
        Method::Mutate => session.mutate(&call.operation.id, &call.options, items, &call.with),
        Method::Delete => session.delete(&call.operation.id, &call.options, items, &call.with),
        Method::Query => Err(Error::new(ErrorKind::Internal, "a query is no write")),
    };
    let writes = writes.map_err(|e| call.located(e))?;
    let signals = Signals::listen(&call.with.cancel);
    let look = if many { Look::Rows } else { Look::Card };
    let places = Places {
        output: Output::open(&args.call.output, std::io::stdout().is_terminal(), look, screen::columns())?,
        receipt: ReceiptFile::open(args.call.output.receipt.as_deref())?,
        outcomes: args.write.outcomes.as_deref().map(|p| Target::open(Some(p))).transpose()?,
    };
    deliver(context.screen, &call, writes, places, &signals, many).await
}

/// Where things go.
struct Places {
    output: Output,
    receipt: ReceiptFile,
    outcomes: Option<Target>,
}

async fn deliver(screen: Screen, call: &Call, mut writes: Writes, mut places: Places, signals: &Signals, many: bool) -> Result<u8> {
    let mut progress = Progress::new(screen, &call.operation.id);
    let mut first: Option<(u64, Error)> = None;
    let mut lost: Option<Error> = None;
    while let Some(mut outcome) = progress.watch(writes.next()).await {
        let kept = progress.aside(|| places.take(screen, &outcome, many));
        if let (Err(error), None) = (kept, &lost) {
            // What cannot be noted any more must not be done any more.
            lost = Some(error);
            call.with.cancel.cancel();
        }
        if let (Some(error), None) = (outcome.error.take(), &first) {
            first = Some((outcome.index, error));
        }
        progress.update(writes.receipt());
    }
    progress.finish();
    let facts = writes.receipt().clone();
    let verdict = facts.outcomes.unwrap_or_default().check(first.as_ref().map(|(index, error)| (*index, error)));
    let interrupted = signals.exit_code().filter(|_| verdict.is_err());
    if many || interrupted.is_some() {
        summarize(screen, &facts);
    } else if facts.items_in == 0 && call.items.is_some() {
        screen.note("there are no items, so nothing was sent");
    }
    places.close(screen, &facts, verdict.as_ref().err())?;
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
    /// Takes an outcome: its record to the output, itself to the outcomes file, a failure to stderr.
    fn take(&mut self, screen: Screen, outcome: &Outcome, many: bool) -> Result<()> {
        // Items that were never sent are counted; a line for each would bury those that failed.
        if many && matches!(outcome.status, OutcomeStatus::Failed | OutcomeStatus::Unknown) {
            tell(screen, outcome);
        }
        if let Some(file) = &mut self.outcomes {
            let line = serde_json::to_string(outcome).map_err(|e| Error::new(ErrorKind::Internal, format!("an outcome: {e}")))?;
            file.write(format!("{line}\n").as_bytes())?;
        }
        // A reader that has gone does not stop the writes: they are what was asked for.
        self.output.page(&outcome.items).map(|_| ())
    }

    /// Everything appears, also when items failed: what took effect is a fact.
    fn close(self, screen: Screen, facts: &Receipt, error: Option<&Error>) -> Result<()> {
        let outcomes = self.outcomes.map_or(Ok(()), Target::finish);
        let receipt = self.receipt.write(screen, facts, error);
        let notes = self.output.finish();
        outcomes.and(receipt)?;
        notes?.iter().filter(|_| error.is_none() && facts.items > 1).for_each(|note| screen.note(note));
        Ok(())
    }
}

/// A JSON line on stderr that says what it is.
#[derive(serde::Serialize)]
struct Labelled<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a Receipt>,
}

/// A line for an item that failed, or of which nobody knows.
fn tell(screen: Screen, outcome: &Outcome) {
    if screen.is_json() {
        screen.object(&Labelled { outcome: Some(outcome), summary: None });
        return;
    }
    let status = if outcome.status == OutcomeStatus::Unknown { "unknown" } else { "failed" };
    let why = outcome.error.as_ref().map(|e| format!(" [{}] {}", e.kind(), e.message)).unwrap_or_default();
    screen.line(&format!("item {}: {}{}", outcome.index, screen.paint().bad(status), plain::one_line(&why)));
}

fn summarize(screen: Screen, facts: &Receipt) {
    let counts = facts.outcomes.unwrap_or_default();
    let parts: Vec<String> = [(counts.failed, "failed"), (counts.unknown, "unknown"), (counts.skipped, "skipped")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!(", {} {what}", plain::thousands(n)))
        .collect();
    let items = plain::count(facts.items_in, "item");
    let requests = plain::count(facts.requests, "request");
    let seconds = facts.elapsed_ms as f64 / 1000.0;
    let text = format!("{}: {items}, {} ok{} ({requests}, {seconds:.1} s)", facts.operation, plain::thousands(counts.ok), parts.concat());
    screen.summary(&text, &Labelled { outcome: None, summary: Some(facts) });
}
