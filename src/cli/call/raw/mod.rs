//! `call`: one request to the system of a connection, sent like any other: signed, limited, masked. `--save-as` makes an
//! operation of it.

mod raw_call;
mod save;
mod show;
mod trial;
mod typed;

use std::sync::Arc;

use crate::call::CallOptions;
use crate::cli::app::{App, EngineParts};
use crate::cli::args::{PlanForm, RawCallArgs};
use crate::cli::connections::route::{ConnectionRoute, OpenConnection};
use crate::definition::Catalog;
use crate::draft::RawRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::exchanges::Watch;
use crate::lock::lock;
use raw_call::LastExchange;
pub(crate) use raw_call::RawCall;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &RawCallArgs) -> Result<u8> {
    let route = choose(app, args)?;
    let connector = route.connector().unwrap_or_default().to_owned();
    let base = if typed::has_address(args) { Some(base_of(app, args, &connector).await?) } else { None };
    let request = typed::request(args, base.as_ref())?;
    let call = RawCall { app, request, save: &args.save, yes: args.yes, timeout: args.timeout, folder: None };
    let last = Arc::new(LastExchange::default());
    let mut parts = app.parts(false, &args.record)?;
    parts.watches.push(Arc::clone(&last) as Arc<dyn Watch>);
    call.add_to(&mut parts, &connector);
    let engine = app.engine_of(parts)?;
    if let Some(id) = &args.save.save_as {
        save::check_new(engine.catalog(), &connector, id, &args.save)?;
        save::check_file(&call, &connector, id)?;
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

/// A call that another command has made up, over a connection that it has: sends and saves it.
pub(crate) async fn send_and_save(call: &RawCall<'_>, id: &str, spec: &crate::ConnectionSpec) -> Result<()> {
    let last = Arc::new(LastExchange::default());
    let mut parts = EngineParts::new(call.catalog()?);
    parts.watches.push(Arc::clone(&last) as Arc<dyn Watch>);
    call.add_to(&mut parts, &spec.connector);
    let engine = call.app.engine_of(parts)?;
    save::check_new(engine.catalog(), &spec.connector, id, call.save)?;
    save::check_file(call, &spec.connector, id)?;
    let name = spec.name.clone().unwrap_or_default();
    let open = OpenConnection::of(engine.connect(spec)?, name.clone());
    call.send(&open, &last).await?;
    let seen = lock(&last.0).take();
    save::save_over(call, id, &name, spec, seen).await
}

/// A call as a page shows it: what is sent, or what came back.
#[cfg(feature = "studio")]
pub(crate) struct PageCall<'a> {
    pub(crate) app: &'a App,
    pub(crate) spec: &'a crate::ConnectionSpec,
    pub(crate) request: &'a RawRequest,
    /// Whether tokens are stored: not those of the sandbox.
    pub(crate) keeps_tokens: bool,
}

#[cfg(feature = "studio")]
impl PageCall<'_> {
    /// The request, credentials masked; sends nothing.
    pub(crate) fn planned(&self) -> Result<crate::PlannedRequest> {
        let session = self.session(&Arc::default())?;
        session.planned_raw(raw_call::CALL, &raw_call::options(self.request)?, raw_call::body(self.request))
    }

    /// Sends it once. Returns what was exchanged, secrets masked, and why it failed.
    pub(crate) async fn sent(&self) -> Result<(Option<serde_json::Value>, Option<Error>)> {
        let last = Arc::new(LastExchange::default());
        let session = self.session(&last)?;
        let once = CallOptions { attempts: Some(1), impatient: true, ..CallOptions::default() };
        let (options, body) = (raw_call::options(self.request)?, raw_call::body(self.request));
        let done = session.send_raw(raw_call::CALL, options, body, &once).await;
        let seen = lock(&last.0).take().map(|seen| seen.to_value());
        Ok((seen, done.err().map(|error| error.with(|d| d.operation = None))))
    }

    fn session(&self, last: &Arc<LastExchange>) -> Result<crate::Session> {
        let mut parts = EngineParts { keeps_tokens: self.keeps_tokens, ..EngineParts::new(self.app.catalog()?) };
        parts.watches.push(Arc::clone(last) as Arc<dyn Watch>);
        raw_call::add(self.request, &mut parts, &self.spec.connector);
        self.app.engine_of(parts)?.connect(self.spec)
    }
}

/// Requests that another command makes up and reads the replies of.
pub(crate) struct QuietCalls<'a> {
    pub(crate) app: &'a App,
    /// The definitions, with the connector of the connection.
    pub(crate) catalog: &'a dyn Fn() -> Result<Catalog>,
    pub(crate) spec: &'a crate::ConnectionSpec,
}

impl QuietCalls<'_> {
    /// Sends a request once and returns the reply, if it is a success.
    pub(crate) async fn send(&self, request: &RawRequest) -> Result<crate::Response> {
        let last = Arc::new(LastExchange::default());
        let mut parts = EngineParts { keeps_tokens: true, ..EngineParts::new((self.catalog)()?) };
        parts.watches.push(Arc::clone(&last) as Arc<dyn Watch>);
        raw_call::add(request, &mut parts, &self.spec.connector);
        let session = self.app.engine_of(parts)?.connect(self.spec)?;
        let once = CallOptions { attempts: Some(1), ..CallOptions::default() };
        raw_call::send(&session, request, once).await?;
        let reply = lock(&last.0).take().and_then(|seen| seen.reply);
        reply.ok_or_else(|| Error::new(ErrorKind::Internal, "a call succeeded without a reply"))
    }

    /// The request for an address that a reply of `request` has named, if it is below that of the connection.
    pub(crate) fn follow(&self, request: &RawRequest, address: &str) -> Result<RawRequest> {
        let engine = self.app.engine_of(EngineParts::new((self.catalog)()?))?;
        let session = engine.connect(self.spec)?;
        let base = session.connection().base();
        let wrong = |cause: url::ParseError| {
            Error::new(ErrorKind::BadResponse, format!("the address of the next page is invalid: {cause}"))
        };
        let first = format!("{}{}", base.as_str().trim_end_matches('/'), request.path);
        let next = url::Url::parse(&first).and_then(|url| url.join(address)).map_err(wrong)?;
        let parsed = RawRequest::parse("GET", &typed::below(base, next.as_str())?, &[])?;
        Ok(RawRequest { headers: request.headers.clone(), ..parsed })
    }
}
