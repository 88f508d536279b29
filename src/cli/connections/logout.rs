//! `logout`: removes the stored tokens of a connection's account. The tokens are not revoked.

use super::file::require_file;
use super::route::ConnectionRoute;
use crate::cli::app::App;
use crate::cli::args::{LogoutArgs, SystemArgs};
use crate::cli::messages;
use crate::error::Result;

/// Runs it. The exit code is 1 if there were no tokens.
pub(crate) async fn run(app: &App, args: LogoutArgs) -> Result<u8> {
    require_file(app)?;
    let engine = app.engine(false)?;
    let system = SystemArgs { connection: args.name.or(args.connection), sandbox: false, faults: None };
    let route = ConnectionRoute::choose(app, &system, &|_| true, "the sign-out")?;
    let connector = route.connector().unwrap_or_default().to_owned();
    let connection = route.open(app, &engine, &connector).await?;
    let account = connection.session.connection().account().map(|account| format!(" of the account {account}"));
    let account = account.unwrap_or_default();
    let place = app.tokens_place();
    if !connection.session.forget_tokens().await? {
        return Ok(app.screen.nothing(&format!("{}: no tokens{account} are stored in {place}", connection.name)));
    }
    messages::print(&format!("{}: removed the tokens{account} from {place}", connection.name))?;
    Ok(0)
}
