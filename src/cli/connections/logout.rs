//! `logout`: removes the tokens that are kept for a connection's account. The system itself is told nothing.

use super::file::without_sandbox;
use super::route::ConnectionRoute;
use crate::cli::app::App;
use crate::cli::args::{LogoutArgs, SystemArgs};
use crate::cli::messages;
use crate::error::Result;

/// Runs it; gives the exit code, which tells whether anything was removed.
pub(crate) async fn run(app: &App, args: LogoutArgs) -> Result<u8> {
    without_sandbox(app)?;
    let engine = app.engine(false)?;
    let system = SystemArgs { connection: args.name.or(args.connection), sandbox: false, faults: None };
    let route = ConnectionRoute::choose(app, &system, &|_| true, "the sign-out")?;
    let connector = route.connector().unwrap_or_default().to_owned();
    let line = route.open(app, &engine, &connector).await?;
    let account = line.session.connection().account().map(|account| format!(" of the account {account}"));
    let account = account.unwrap_or_default();
    let place = app.tokens_place();
    if !line.session.forget_tokens().await? {
        return Ok(app.screen.nothing(&format!("{}: no tokens{account} are kept in {place}", line.name)));
    }
    messages::print(&format!("{}: the tokens{account} were removed from {place}", line.name))?;
    Ok(0)
}
