//! `call`: one request to the system of a connection, sent like any other: signed, limited, masked. `--save-as` makes an
//! operation of it.

mod raw_call;
mod save;
mod show;
mod trial;
mod typed;

use std::sync::Arc;

use crate::cli::app::{App, EngineParts};
use crate::cli::args::{PlanForm, RawCallArgs};
use crate::cli::connections::route::{ConnectionRoute, OpenConnection};
use crate::error::Result;
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
