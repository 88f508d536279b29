//! `items settle`: takes items off the list.

use std::time::SystemTime;

use super::choose;
use crate::batch::settle_items;
use crate::cli::app::App;
use crate::cli::args::ItemsSettleArgs;
use crate::cli::batch::run::host;
use crate::cli::screen::terminal_text::count;
use crate::error::{Error, ErrorKind, Result};

/// Longest note.
const NOTE_MAX: usize = 2000;

/// Settles them.
pub(super) async fn run(app: &App, args: &ItemsSettleArgs) -> Result<u8> {
    if args.note.as_ref().is_some_and(|note| note.len() > NOTE_MAX) {
        return Err(Error::new(ErrorKind::Usage, format!("--note has more than {NOTE_MAX} bytes"))
            .advise("write a shorter note, for example the number of a ticket"));
    }
    let found = choose::left_of(&args.which)?;
    let Some(first) = found.first() else {
        return Ok(app.screen.nothing(&choose::none("there is nothing to settle", &args.which.filter)?));
    };
    let run = first.run.clone();
    let settled =
        settle_items(&args.which.filter.runs.state, &found, args.note.as_deref(), &host(), SystemTime::now()).await?;
    let text = format!("{} of run {run} settled; `opnode runs show {run}` lists them", count(settled as u64, "item"));
    app.screen.note(&text);
    Ok(0)
}
