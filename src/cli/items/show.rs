//! `items show`: one item with all that is known about it.

use std::path::Path;

use super::list::{json, status_name, why};
use super::{choose, commands};
use crate::OutcomeStatus;
use crate::batch::{LeftItem, MAIN};
use crate::cli::app::App;
use crate::cli::args::{ItemForm, ItemShowArgs};
use crate::cli::errors::stored_error::all_of;
use crate::cli::messages;
use crate::cli::screen::json::{compact, pretty};
use crate::error::Result;

/// Prints it.
pub(super) fn run(app: &App, args: &ItemShowArgs) -> Result<u8> {
    let item = choose::one(&args.which)?;
    match args.format {
        ItemForm::Json => messages::print(&json(&item)?)?,
        ItemForm::Text => {
            messages::print(&text(&item))?;
            app.screen.note(&next(&item, &args.which.runs.state)?);
        }
    }
    Ok(0)
}

fn text(item: &LeftItem) -> String {
    let job = if item.job == MAIN { String::new() } else { format!(" for {}", item.job) };
    let mut lines = vec![format!(
        "item {} of {}{job}, run {} of {}: {}",
        item.number(),
        item.step,
        item.run,
        item.batch,
        status_name(item.status)
    )];
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("  {name:<12}{value}"));
        }
    };
    line("when", &item.at);
    let to = match item.connection.as_str() {
        "" => item.operation.clone(),
        connection => format!("{} on {connection}", item.operation),
    };
    line(if item.method.is_empty() { "step" } else { &item.method }, &to);
    if let Some(options) = &item.options {
        line("options", &compact(options.get()));
    }
    if !item.secret_options.is_empty() {
        line("secret", &format!("{} (not stored)", item.secret_options.join(", ")));
    }
    match &item.error {
        Some(error) => {
            all_of(error).iter().for_each(|(name, text)| line(name, &text.replace('\n', "\n              ")))
        }
        None => line("why", &why(item)),
    }
    line("state", if item.is_archived { "its run is archived" } else { "its run is the last one" });
    match &item.item {
        Some(raw) => lines.push(format!("  item\n{}", pretty(raw.get()))),
        None => lines.push("  item        not recorded".to_owned()),
    }
    lines.join("\n")
}

fn next(item: &LeftItem, state: &Path) -> Result<String> {
    let look = match item.status {
        OutcomeStatus::Unknown => "it may have taken effect: look for its record in the system; then one of",
        OutcomeStatus::Ok | OutcomeStatus::Failed | OutcomeStatus::Skipped => "next, one of",
    };
    let commands = commands::for_item(state, item)?;
    Ok(std::iter::once(look.to_owned()).chain(commands).collect::<Vec<_>>().join("\n  "))
}
