//! `studio`: a page for designers, served on this machine until Ctrl-C, or until nobody has used it for some time.

mod guard;
mod page;
mod remote;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use super::app::App;
use super::args::StudioArgs;
use super::connections::browser;
use super::messages;
use super::service::Service;
use super::signals::Signals;
use crate::Cancel;
use crate::error::Result;
use guard::PageGuard;
use remote::{Remote, unheard};
use server::StudioServer;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &StudioArgs) -> Result<u8> {
    let remote = Remote::of(args)?;
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let wanted = remote.as_ref().map_or(here, |remote| remote.address);
    let listener = TcpListener::bind(wanted).await.map_err(|e| unheard(wanted, &e))?;
    let port = listener.local_addr().map_err(|e| unheard(wanted, &e))?.port();
    let service = Service::new(App { screen: app.screen, global: app.global.clone(), is_short: false })?;
    let guard = match &remote {
        None => PageGuard::here(port),
        Some(remote) => PageGuard::remote(&remote.names, port, remote.password.clone()),
    };
    let server = Arc::new(StudioServer::new(guard, service));
    let address = server.opening_address();
    let cancel = Cancel::default();
    let _signals = Signals::listen(&cancel);
    app.screen.note(match &remote {
        None => "open this address in a browser; it works once. Ctrl-C ends the page",
        Some(_) => "open this address in a browser, and sign in with the password. Ctrl-C ends the page",
    });
    messages::print(&format!("{address}\n"))?;
    if !args.no_open && remote.is_none() {
        browser::open(&address, Vec::new());
    }
    let served = async {
        match &remote {
            None => Arc::clone(&server).serve(listener).await,
            Some(remote) => Arc::clone(&server).serve(remote.secured(listener)).await,
        }
    };
    tokio::select! {
        served = served => served.map_err(|e| unheard(wanted, &e))?,
        () = cancel.cancelled() => {}
        () = server.idle(args.idle) => app.screen.note("nobody has used the page for a while, so it ends"),
    }
    Ok(0)
}
