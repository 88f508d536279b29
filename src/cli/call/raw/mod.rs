//! `call`: one request to the system of a connection, sent like any other: signed, limited, masked. `--save-as` makes an
//! operation of it.

mod save;
mod show;
mod trial;
mod typed;

use std::sync::{Arc, Mutex};

use super::ask;
use crate::call::CallOptions;
use crate::cli::app::{App, EngineParts};
use crate::cli::args::{PlanForm, RawCallArgs, SaveArgs};
use crate::cli::connections::route::{ConnectionRoute, OpenConnection};
use crate::cli::messages;
use crate::cli::signals::Signals;
use crate::definition::Method;
use crate::draft::RawRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::exchanges::{Exchange, Watch};
use crate::lock::lock;
use crate::request::RequestBody;
use crate::{Options, Response};
use show::ShownExchange;

/// The operation of the call, for the time of the call.
const CALL: &str = "call";
/// The name of its definition in messages.
const SOURCE: &str = "the command line";

/// The last exchange that was no sign-in.
#[derive(Default)]
struct LastExchange(Mutex<Option<ShownExchange>>);

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
}

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &RawCallArgs) -> Result<u8> {
    let route = choose(app, args)?;
    let connector = route.connector().unwrap_or_default().to_owned();
    let base = if typed::has_address(args) { Some(base_of(app, args, &connector).await?) } else { None };
    let request = typed::request(args, base.as_ref())?;
    let call = RawCall { app, request, save: &args.save, yes: args.yes, timeout: args.timeout };
    let last = Arc::new(LastExchange::default());
    let mut parts = app.parts(false, &args.record)?;
    parts.watches.push(Arc::clone(&last) as Arc<dyn Watch>);
    call.add_to(&mut parts, &connector);
    let engine = app.engine_of(parts)?;
    if let Some(id) = &args.save.save_as {
        save::check_new(engine.catalog(), &connector, id, &args.save)?;
    }
    let open = match args.form {
        Some(PlanForm::Curl) => route.open_for_curl(app, &engine, &connector).await?,
        None => route.open(app, &engine, &connector).await?,
    };
    if args.plan {
        return call.plan(&open, args.form.is_some());
    }
    call.send(&open, &last).await?;
    match &args.save.save_as {
        Some(id) => {
            let seen = lock(&last.0).take();
            save::save(&call, id, (&open.name, &connector), seen).await.map(|()| 0)
        }
        None => Ok(0),
    }
}

fn choose(app: &App, args: &RawCallArgs) -> Result<ConnectionRoute> {
    let system = crate::cli::args::SystemArgs { connection: args.connection.clone(), sandbox: false, faults: None };
    ConnectionRoute::choose(app, &system, &|_| true, "the call")
}

/// The address of the connection, to cut it from a whole URL.
async fn base_of(app: &App, args: &RawCallArgs, connector: &str) -> Result<url::Url> {
    let engine = app.engine_of(EngineParts::new(app.catalog()?))?;
    let open = choose(app, args)?.open(app, &engine, connector).await?;
    Ok(open.session.connection().base().clone())
}

impl RawCall<'_> {
    fn add_to(&self, parts: &mut EngineParts, connector: &str) {
        parts.catalog.add(connector, SOURCE, self.request.definition(CALL));
    }

    fn options(&self) -> Result<Options> {
        Options::parse(&self.request.options())
    }

    fn body(&self) -> Option<RequestBody> {
        let body = self.request.body.as_ref()?;
        Some(RequestBody { content_type: body.content_type.clone(), bytes: body.text.clone().into() })
    }

    fn plan(&self, open: &OpenConnection, as_curl: bool) -> Result<u8> {
        let planned = open.session.plan_raw(CALL, &self.options()?, self.body().as_ref())?;
        let text = if as_curl {
            super::curl::text(&[planned], open)
        } else {
            let planned = crate::request::planned(open.session.connection(), &planned);
            super::plan::request_text(&planned) + "# nothing was sent\n"
        };
        messages::print(&text)?;
        Ok(0)
    }

    /// Sends it and shows the exchange, also that of a failure.
    async fn send(&self, open: &OpenConnection, last: &LastExchange) -> Result<()> {
        self.confirm(&open.name)?;
        let with = CallOptions { timeout: self.timeout, impatient: true, ..CallOptions::default() };
        let _signals = Signals::listen(&with.cancel);
        let done = open.session.send_raw(CALL, self.options()?, self.body(), &with).await;
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

/// A call that another command has made up, over a connection that it has: sends and saves it.
pub(crate) async fn send_and_save(
    call: &RawCall<'_>,
    id: &str,
    spec: &crate::ConnectionSpec,
    catalog: crate::Catalog,
) -> Result<()> {
    let last = Arc::new(LastExchange::default());
    let mut parts = EngineParts::new(catalog);
    parts.watches.push(Arc::clone(&last) as Arc<dyn Watch>);
    call.add_to(&mut parts, &spec.connector);
    let engine = call.app.engine_of(parts)?;
    save::check_new(engine.catalog(), &spec.connector, id, call.save)?;
    let name = spec.name.clone().unwrap_or_default();
    let open = OpenConnection::of(engine.connect(spec)?, name.clone());
    call.send(&open, &last).await?;
    let seen = lock(&last.0).take();
    save::save_over(call, id, &name, spec, seen).await
}

/// The reply of an exchange, for drafts.
fn reply_of(seen: &ShownExchange) -> Result<&Response> {
    seen.reply.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "a call succeeded without a reply"))
}
