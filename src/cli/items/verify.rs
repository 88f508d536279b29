//! `items verify`: looks up the records of items whose outcome is unknown, and sends again what is not there.

use super::choose;
use super::resend::Resending;
use crate::batch::{LeftItem, Verified};
use crate::cli::app::App;
use crate::cli::args::ItemsVerifyArgs;
use crate::cli::batch::run::host;
use crate::cli::screen::terminal_text::count;
use crate::cli::signals::Signals;
use crate::error::{ErrorKind, Result};
use crate::{Cancel, OutcomeStatus};

/// Looks them up.
pub(super) async fn run(app: &App, args: &ItemsVerifyArgs) -> Result<u8> {
    let mut items = choose::left_of(&args.which)?;
    items.retain(|item| item.status == OutcomeStatus::Unknown);
    if items.is_empty() {
        return Ok(app.screen.nothing(&choose::none("no item has an unknown outcome", &args.which.filter)?));
    }
    let resending = Resending { app, how: &args.how, state: &args.which.filter.runs.state };
    resending.refuse_sandbox()?;
    let batches = resending.by_batch(items)?;
    let cancel = Cancel::default();
    let signals = Signals::listen(&cancel);
    let mut found = Vec::new();
    for (batch, own) in &batches {
        found.extend(batch.verify_items(Some(resending.state), own, (&host(), &cancel)).await?);
    }
    if let Some(code) = signals.exit_code() {
        return Ok(code);
    }
    found.iter().for_each(|verified| tell(app, verified));
    let number = |wanted: Option<bool>| found.iter().filter(|verified| verified.took_effect == wanted).count() as u64;
    let (done, not_done, unknown) = (number(Some(true)), number(Some(false)), number(None));
    let all = count(found.len() as u64, "item");
    app.screen.note(&format!("of {all}, {done} took effect, {not_done} did not, {unknown} stay unknown"));
    let is_absent = |verified: &&Verified| verified.took_effect == Some(false);
    let again: Vec<LeftItem> = found.iter().filter(is_absent).map(as_failed).collect();
    let code = match again.is_empty() {
        true => 0,
        false if args.no_send => ErrorKind::Partial.exit_code(),
        false => resending.all(again, None).await?,
    };
    Ok(if code == 0 && unknown > 0 { ErrorKind::UnknownOutcome.exit_code() } else { code })
}

/// The item as it is listed now.
fn as_failed(verified: &Verified) -> LeftItem {
    LeftItem { status: OutcomeStatus::Failed, ..verified.item.clone() }
}

fn tell(app: &App, verified: &Verified) {
    let name = format!("{}: item {}", verified.item.step, verified.item.number());
    match verified.took_effect {
        Some(true) => app.screen.note(&format!("{name} took effect")),
        Some(false) => app.screen.note(&format!("{name} did not take effect")),
        None => {
            let why = verified.why.as_deref().unwrap_or("its content was not recorded");
            app.screen.warn(&format!("{name} stays unknown: {why}"));
        }
    }
}
