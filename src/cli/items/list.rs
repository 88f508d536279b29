//! `items list`: a table of the items, and the commands for them.

use std::collections::BTreeSet;
use std::path::Path;

use super::{choose, commands};
use crate::OutcomeStatus;
use crate::batch::{LeftItem, MAIN};
use crate::cli::app::App;
use crate::cli::args::{ItemsListArgs, ListForm};
use crate::cli::messages;
use crate::cli::screen::terminal_text::{count, one_line, thousands};
use crate::cli::screen::{Paint, TableColumn, TextTable, width};
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::fields_of;

/// Prints them.
pub(super) fn run(app: &App, args: &ItemsListArgs) -> Result<u8> {
    let found = choose::left(args.run.as_deref(), args.step.as_deref(), &args.filter)?;
    match args.format {
        ListForm::Json => messages::print(&json(&found)?)?,
        ListForm::Ndjson => {
            messages::print(&found.iter().map(|item| json(item).map(|t| t + "\n")).collect::<Result<String>>()?)?;
        }
        ListForm::Text if found.is_empty() => {}
        ListForm::Text => messages::print(&table(&found))?,
    }
    if found.is_empty() {
        return Ok(app.screen.nothing(&choose::none("no item needs a decision", &args.filter)?));
    }
    if args.format == ListForm::Text {
        app.screen.note(&next(&found, &args.filter.runs.state)?);
    }
    Ok(0)
}

pub(super) fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::new(ErrorKind::Internal, format!("the items: {e}")))
}

/// The columns of a list of items; with the batch if there are several.
pub(crate) fn columns(with_batch: bool) -> Vec<TableColumn> {
    let mut columns = vec![
        TableColumn::whole("run").rank(8),
        TableColumn::whole("when").rank(3).optional(),
        TableColumn::whole("step").rank(9),
        TableColumn::number("item").rank(9),
        TableColumn::whole("status").rank(7),
        TableColumn::value("why").rank(1).min(24),
    ];
    if with_batch {
        columns.insert(0, TableColumn::whole("batch").rank(6));
    }
    columns
}

/// The cells of an item.
pub(crate) fn cells(item: &LeftItem, with_batch: bool) -> Vec<String> {
    let step = if item.job == MAIN { item.step.clone() } else { format!("{}/{}", item.job, item.step) };
    let status = status_name(item.status).to_owned();
    let mut cells = vec![item.run.clone(), item.at.clone(), step, item.number(), status, why(item)];
    if with_batch {
        cells.insert(0, item.batch.clone());
    }
    cells
}

pub(super) fn status_name(status: OutcomeStatus) -> &'static str {
    match status {
        OutcomeStatus::Ok => "ok",
        OutcomeStatus::Failed => "failed",
        OutcomeStatus::Unknown => "unknown",
        OutcomeStatus::Skipped => "not sent",
    }
}

/// Why it did not succeed, on one line.
pub(crate) fn why(item: &LeftItem) -> String {
    let text = error_field(item, "message");
    let text = text.unwrap_or_else(|| match item.status {
        OutcomeStatus::Unknown => "in flight when the run was killed".to_owned(),
        OutcomeStatus::Ok | OutcomeStatus::Failed | OutcomeStatus::Skipped => "not recorded".to_owned(),
    });
    one_line(text.lines().next().unwrap_or_default()).into_owned()
}

/// A text in the error of an item.
fn error_field(item: &LeftItem, name: &str) -> Option<String> {
    let error = item.error.as_ref()?;
    let (_, raw) = fields_of(error.get())?.into_iter().find(|(own, _)| own == name)?;
    serde_json::from_str(raw.get()).ok()
}

fn table(found: &[LeftItem]) -> String {
    let batches: BTreeSet<&str> = found.iter().map(|item| item.batch.as_str()).collect();
    let with_batch = batches.len() > 1;
    let rows: Vec<Vec<String>> = found.iter().map(|item| cells(item, with_batch)).collect();
    let room = width::stdout();
    let table = TextTable::new(&columns(with_batch), &rows, 0, room, room.is_some());
    // On a pipe there is no title line, so that rows can be counted and cut.
    let head = room.map(|_| table.head(Paint::default())).unwrap_or_default();
    std::iter::once(head).chain(rows.iter().map(|row| table.row(row))).collect()
}

/// How many there are, and the commands for the newest run.
fn next(found: &[LeftItem], state: &Path) -> Result<String> {
    let Some(last) = found.iter().max_by(|a, b| a.run.cmp(&b.run)) else { return Ok(String::new()) };
    let number = |status: OutcomeStatus| found.iter().filter(|item| item.status == status).count() as u64;
    let (failed, unknown) = (number(OutcomeStatus::Failed), number(OutcomeStatus::Unknown));
    let mut parts = Vec::new();
    parts.extend((failed > 0).then(|| format!("{} failed", thousands(failed))));
    parts.extend((unknown > 0).then(|| format!("{} unknown", thousands(unknown))));
    let head = format!("{}: {}", count(found.len() as u64, "item"), parts.join(", "));
    let commands = commands::for_run(state, last, found)?;
    Ok(std::iter::once(head).chain(commands).collect::<Vec<_>>().join("\n  "))
}
