//! `studio`: a page for designers, served on this machine until Ctrl-C, or until nobody has used it for some time.

mod guard;
mod page;
mod server;

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::app::App;
use super::args::StudioArgs;
use super::connections::browser;
use super::messages;
use super::service::Service;
use super::signals::Signals;
use crate::Cancel;
use crate::error::{Error, ErrorKind, Result};
use server::StudioServer;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &StudioArgs) -> Result<u8> {
    let unheard = |e: std::io::Error| {
        Error::new(ErrorKind::Network, format!("the page cannot listen on 127.0.0.1:{}: {e}", args.port))
            .advise("choose another port; without --port, a free one is taken")
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await.map_err(unheard)?;
    let port = listener.local_addr().map_err(unheard)?.port();
    let service = Service::new(App { screen: app.screen, global: app.global.clone(), is_short: false })?;
    let server = Arc::new(StudioServer::new(port, service));
    let address = server.opening_address();
    let cancel = Cancel::default();
    let _signals = Signals::listen(&cancel);
    app.screen.note("open this address in a browser; it works once. Ctrl-C ends the page");
    messages::print(&format!("{address}\n"))?;
    if !args.no_open {
        browser::open(&address, Vec::new());
    }
    tokio::select! {
        served = Arc::clone(&server).serve(listener) => served.map_err(unheard)?,
        () = cancel.cancelled() => {}
        () = server.idle(args.idle) => app.screen.note("nobody has used the page for a while, so it ends"),
    }
    Ok(0)
}
