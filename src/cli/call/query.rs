//! `query`: writes the pages of a walk to the output, one at a time.

use std::io::IsTerminal;

use super::columns::{self, Columns};
use super::download;
use super::plan;
use super::prepare;
use super::prepare::PreparedCall;
use super::progress::CallProgress;
use crate::call::Request;
use crate::cli::app::App;
use crate::cli::args::QueryArgs;
use crate::cli::messages::Screen;
use crate::cli::output::{Flow, ItemsOutput, OldPartial, ReceiptFile, TableOutput, TableStyle, refuse_same_path};
use crate::cli::screen::{terminal_text, width};
use crate::cli::signals::Signals;
use crate::cli::spinner::Spinners;
use crate::definition::{Method, ResultShape};
use crate::error::{Error, ErrorKind, Result};
use crate::{Receipt, Running, StopReason, Walk};

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &QueryArgs) -> Result<u8> {
    let places = &args.call.output;
    let outputs = [
        ("--output", places.output.as_deref()),
        ("--receipt", places.receipt.as_deref().filter(|p| p.as_os_str() != "-")),
    ];
    refuse_same_path(&outputs)?;
    let mut call = prepare::prepare(app, Method::Query, &args.call, None).await?;
    call.refuse_inputs(&outputs)?;
    call.request = Request { limit: args.limit, forward_only: args.forward_only, strict: args.strict, ..call.request };
    columns::push_down(&mut call, &args.call.output.columns);
    if args.call.plan {
        return plan::print(app.screen, &call, &args.call);
    }
    if let Some(path) = download::file_of(&call, &args.call.output) {
        return download::run(app, &call, path, args.call.output.receipt.as_deref()).await;
    }
    let Running::Read(mut walk) = call.begin()? else {
        return Err(Error::new(ErrorKind::Internal, "a query gave outcomes"));
    };
    let columns = Columns::of(&call.operation, &call.request.options, &args.call.output.columns);
    columns::warn(&columns.notes(args.strict)?, app.screen);
    let warned = columns::warn(&walk.receipt().notes, app.screen);
    let signals = Signals::listen(&call.cancel);
    let style = match call.operation.response.result {
        ResultShape::List | ResultShape::Report => TableStyle::Rows,
        ResultShape::Object | ResultShape::Count | ResultShape::None | ResultShape::File | ResultShape::Text => {
            TableStyle::Card
        }
    };
    let output = match TableOutput::is_one(&args.call.output) {
        true => ItemsOutput::of_table(TableOutput::open(
            &args.call.output,
            (&call.operation, &call.connection.name),
            &call.cancel,
        )?),
        false => ItemsOutput::open(
            &args.call.output,
            std::io::stdout().is_terminal(),
            style,
            width::columns(),
            OldPartial::Overwrite,
        )?,
    };
    output.note().into_iter().for_each(|note| app.screen.note(note));
    let receipt = ReceiptFile::open(args.call.output.receipt.as_deref())?;
    deliver(app, &call, walk, (output, columns, receipt), (warned, &signals)).await
}

async fn deliver(
    app: &App,
    call: &PreparedCall,
    mut walk: Walk,
    (mut output, mut columns, receipt): (ItemsOutput, Columns, ReceiptFile),
    (warned, signals): (usize, &Signals),
) -> Result<u8> {
    let screen = app.screen;
    let mut progress = CallProgress::new(screen, &call.operation.id, &call.job);
    let ended = loop {
        let page = match progress.watch(walk.next()).await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok(page)) => page,
        };
        if let Err(error) = columns.check_rows(&page.items) {
            break Err(error);
        }
        match progress.aside(|| output.page(&page.items)) {
            Ok(Flow::Open) => progress.update(walk.receipt()),
            Ok(Flow::Closed) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    progress.finish();
    let facts = walk.receipt().clone();
    let written = receipt.write(screen, &facts, ended.as_ref().err());
    if let Err(error) = ended {
        return give_up(screen, output, &facts, error, signals);
    }
    let place = output.place().filter(|_| screen.is_interactive());
    let cut = output.is_table() && facts.stop == Some(StopReason::ItemLimit);
    let spinner = screen.may_animate().then(|| Spinners::new().add());
    let shown = output.place().unwrap_or_default();
    let mut loaded = |rows| {
        if let Some(spinner) = &spinner {
            spinner.show(&format!("{} into {shown}", terminal_text::count(rows, "item")));
        }
    };
    let notes = output.finish(facts.complete, &mut loaded);
    drop(spinner);
    for note in notes? {
        screen.note(&note);
    }
    facts.notes.iter().skip(warned).for_each(|note| screen.warn(note));
    if let Some(place) = place {
        screen.note(&format!("{} in {place}", terminal_text::count(facts.items, "item")));
    }
    if cut {
        screen.note("stopped at --limit; there may be more");
    }
    written.map(|()| 0)
}

/// Ends a call that failed or was interrupted; delivered items are written.
fn give_up(screen: Screen, output: ItemsOutput, facts: &Receipt, error: Error, signals: &Signals) -> Result<u8> {
    if let Some(path) = output.abandon() {
        screen.note(&format!("the items before the failure are in {}", path.display()));
    }
    let interrupted = signals.exit_code().filter(|_| error.kind() == ErrorKind::Cancelled);
    let Some(code) = interrupted else { return Err(error) };
    let (items, pages) = (terminal_text::count(facts.items, "item"), terminal_text::count(facts.pages, "page"));
    screen.warn(&format!("interrupted after {items} on {pages}; there may be more"));
    Ok(code)
}
