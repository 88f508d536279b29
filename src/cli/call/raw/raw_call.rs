//! A request to the system of a connection that no operation describes: planned, confirmed, sent and shown.

use std::path::Path;
use std::sync::Mutex;

use super::super::ask;
use super::show::ShownExchange;
use crate::call::CallOptions;
use crate::cli::app::{App, EngineParts};
use crate::cli::args::SaveArgs;
use crate::cli::connections::route::OpenConnection;
use crate::cli::messages;
use crate::cli::signals::Signals;
use crate::definition::{Catalog, Method};
use crate::draft::RawRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::exchanges::{Exchange, Watch};
use crate::lock::lock;
use crate::{Options, Session};

/// The operation of the call, for the time of the call.
pub(super) const CALL: &str = "call";
/// The name of its definition in messages.
const SOURCE: &str = "the command line";

/// The last exchange that was no sign-in.
#[derive(Default)]
pub(super) struct LastExchange(pub(super) Mutex<Option<ShownExchange>>);

impl Watch for LastExchange {
    fn exchange(&self, exchange: &Exchange) {
        if !exchange.is_sign_in {
            *lock(&self.0) = Some(ShownExchange::of(exchange));
        }
    }
}

/// A request for a connection, not opened yet.
pub(crate) struct RawCall<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: RawRequest,
    pub(crate) save: &'a SaveArgs,
    pub(crate) yes: bool,
    pub(crate) timeout: Option<std::time::Duration>,
    /// A folder of definitions besides those of the program.
    pub(crate) folder: Option<&'a Path>,
}

/// Defines the request as an operation.
pub(super) fn add(request: &RawRequest, parts: &mut EngineParts, connector: &str) {
    parts.catalog.add(connector, SOURCE, request.definition(CALL));
}

/// Sends a request that is defined.
pub(super) async fn send(session: &Session, request: &RawRequest, with: CallOptions) -> Result<()> {
    let with = CallOptions { impatient: true, ..with };
    let _signals = Signals::listen(&with.cancel);
    session.send_raw(CALL, options(request)?, body(request), &with).await
}

pub(super) fn options(request: &RawRequest) -> Result<Options> {
    Options::parse(&request.options())
}

/// Media type and text.
pub(super) fn body(request: &RawRequest) -> Option<(&str, &str)> {
    request.body.as_ref().map(|body| (body.content_type.as_str(), body.text.as_str()))
}

impl RawCall<'_> {
    /// The definitions as they are now.
    pub(crate) fn catalog(&self) -> Result<Catalog> {
        let mut catalog = self.app.catalog()?;
        if let Some(folder) = self.folder {
            catalog.add_folder(folder)?;
        }
        Ok(catalog)
    }

    pub(super) fn add_to(&self, parts: &mut EngineParts, connector: &str) {
        add(&self.request, parts, connector);
    }

    pub(super) fn plan(&self, open: &OpenConnection, as_curl: bool) -> Result<u8> {
        let planned = open.session.plan_raw(CALL, &options(&self.request)?, body(&self.request))?;
        let text = if as_curl {
            super::super::curl::text(&[planned], open)
        } else {
            let planned = open.session.masked(&planned);
            super::super::plan::request_text(&planned) + "# nothing was sent\n"
        };
        messages::print(&text)?;
        Ok(0)
    }

    /// Sends it and shows the exchange, also that of a failure.
    pub(super) async fn send(&self, open: &OpenConnection, last: &LastExchange) -> Result<()> {
        self.confirm(&open.name)?;
        let done =
            send(&open.session, &self.request, CallOptions { timeout: self.timeout, ..CallOptions::default() }).await;
        let with_body = self.save.save_as.is_none() || done.is_err();
        if let Some(seen) = lock(&last.0).as_ref() {
            seen.print(self.app, with_body)?;
        }
        done.map_err(|error| error.with(|d| d.operation = None))
    }

    /// Asks before a write.
    fn confirm(&self, connection: &str) -> Result<()> {
        if self.request.method == Method::Query || self.yes {
            return Ok(());
        }
        let what = format!("{} {}", self.request.verb, self.request.path);
        if !ask::is_possible(self.app.screen) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{what} may change data of {connection}; nothing was sent"),
            )
            .advise("--yes sends it, --plan shows it; --method query says that it only reads"));
        }
        let answer = ask::line(&format!("{what} may change data of {connection}. Send it? [y/N] "))?;
        if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Cancelled, "nothing was sent: not confirmed")
            .advise("--yes sends it without a question"))
    }
}
