//! `runs`: lists finished and unfinished runs, or shows one.

use super::run_status::status_name;
use super::show;
use crate::batch::{self, RunSummary};
use crate::cli::app::App;
use crate::cli::args::{ListForm, RunsArgs, RunsCommand};
use crate::cli::items::with_sandbox;
use crate::cli::messages;
use crate::cli::screen::terminal_text::thousands;
use crate::cli::screen::{Paint, TableColumn, TextTable, width};
use crate::error::{Error, ErrorKind, Result};

/// Minimum width of folders; longer ones go on a separate line.
const FOLDER_MIN: usize = 16;

/// Prints them.
pub(crate) fn run(app: &App, args: &RunsArgs) -> Result<u8> {
    if let Some(RunsCommand::Show(args)) = &args.command {
        return show::run(app, args);
    }
    let mut all = batch::runs(&args.state)?;
    all.retain(|r| args.name.as_ref().is_none_or(|name| r.info.name == *name));
    let printed = match args.listing.format {
        ListForm::Json => messages::print(&json(&all)?),
        ListForm::Ndjson => {
            messages::print(&all.iter().map(|r| json(r).map(|t| t + "\n")).collect::<Result<String>>()?)
        }
        ListForm::Text if all.is_empty() => Ok(()),
        ListForm::Text => messages::print(&table(app, &all)),
    };
    printed?;
    if all.is_empty() {
        let of = args.name.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        return Ok(app
            .screen
            .nothing(&with_sandbox(format!("there are no runs{of} in {}", args.state.display()), &args.state)));
    }
    Ok(0)
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::new(ErrorKind::Internal, format!("the runs: {e}")))
}

/// The runs as a table. A note lists the columns that do not fit.
fn table(app: &App, all: &[RunSummary]) -> String {
    let columns = [
        TableColumn::whole("batch").rank(9),
        TableColumn::whole("run").rank(8),
        TableColumn::whole("started").rank(4).optional(),
        TableColumn::text("").rank(9),
        TableColumn::number("steps").rank(4).optional(),
        TableColumn::number("rows").rank(6).optional(),
        TableColumn::number("written").rank(5).optional(),
        TableColumn::number("failed").rank(7).optional(),
        TableColumn::number("unknown").rank(7).optional(),
        TableColumn::number("requests").rank(2).optional(),
        TableColumn::whole("folder").rank(3).min(FOLDER_MIN).optional(),
    ];
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let table = TextTable::new(&columns, &rows, 0, width::stdout(), true);
    if !table.omitted().is_empty() {
        let left_out = table.omitted().join(", ");
        app.screen.note(&format!("the terminal is too narrow for {left_out}; --format ndjson prints all"));
    }
    let head = table.head(Paint::default());
    std::iter::once(head).chain(rows.iter().map(|row| table.row(row))).collect()
}

fn row(run: &RunSummary) -> Vec<String> {
    let is_single = run.info.job == batch::MAIN;
    vec![
        if is_single { run.info.name.clone() } else { format!("{}/{}", run.info.name, run.info.job) },
        run.info.run.clone(),
        run.info.started.clone(),
        status_name(run.status).to_owned(),
        format!("{}/{}", run.steps_done, run.steps),
        thousands(run.items_out),
        thousands(run.written),
        thousands(run.failed),
        thousands(run.unknown),
        thousands(run.requests),
        run.folder.display().to_string(),
    ]
}
