//! `runs`: past and unfinished runs with what they did.

use crate::batch::{self, RunStatus, RunSummary};
use crate::cli::app::App;
use crate::cli::args::command::{ListForm, RunsArgs};
use crate::cli::messages;
use crate::cli::screen::grid;
use crate::cli::screen::terminal_text::thousands;
use crate::error::{Error, ErrorKind, Result};

/// Prints them.
pub(crate) fn run(app: &App, args: &RunsArgs) -> Result<()> {
    let mut all = batch::runs(&args.state)?;
    all.retain(|r| args.name.as_ref().is_none_or(|name| r.info.name == *name));
    match args.listing.format {
        ListForm::Json => messages::print(&json(&all)?),
        ListForm::Ndjson => {
            messages::print(&all.iter().map(|r| json(r).map(|t| t + "\n")).collect::<Result<String>>()?)
        }
        ListForm::Text if all.is_empty() => {
            app.screen.note(&format!("there are no runs in {}", args.state.display()));
            Ok(())
        }
        ListForm::Text => messages::print(&table(&all)),
    }
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::new(ErrorKind::Internal, format!("the runs: {e}")))
}

fn table(all: &[RunSummary]) -> String {
    let header = ["batch", "began", "", "steps", "rows", "written", "failed", "unknown", "requests", "folder"];
    let row = |run: &RunSummary| {
        let status = match run.status {
            RunStatus::Running => "running",
            RunStatus::Unfinished => "unfinished",
            RunStatus::Finished => "finished",
            RunStatus::SetAside => "set aside",
            RunStatus::Damaged => "damaged",
        };
        vec![
            run.info.name.clone(),
            run.info.started.clone(),
            status.to_owned(),
            format!("{}/{}", run.steps_done, run.steps),
            thousands(run.items_out),
            thousands(run.written),
            thousands(run.failed),
            thousands(run.unknown),
            thousands(run.requests),
            run.folder.display().to_string(),
        ]
    };
    grid(&header, all.iter().map(row), 3..9)
}
