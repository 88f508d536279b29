//! Parses the arguments, dispatches to a command, returns the exit code.

use std::ffi::OsString;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind as Refusal;
use clap::{Args as _, FromArgMatches, Parser};

use super::app::{App, definitions};
use super::args::{Args, Command, ConnectionCommand, ConnectorCommand, GlobalArgs, RunArgs};
use super::args::{QueryArgs, WriteCallArgs};
use super::batch::{init, run as batch, runs};
use super::call::{query, raw, values, write};
use super::catalog::{describe, help, list, record, template};
use super::check::run as check;
use super::completion;
use super::connections::{self, login, logout, sandbox, test as connection};
use super::connector;
use super::generated;
use super::guide;
use super::import;
use super::items;
use super::messages::{self, Screen};
#[cfg(not(feature = "otel"))]
use super::no_telemetry::NoTelemetry as Telemetry;
use super::preview;
use super::schedule;
use super::signals;
#[cfg(feature = "otel")]
use super::telemetry::Telemetry;
use super::test_command;
use super::trace;
use crate::definition::{Catalog, Method};
use crate::error::{Error, ErrorKind, Result};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    disable_core_dumps();
    signals::catch_file_size_limit();
    completion::answer();
    let typed: Vec<OsString> = std::env::args_os().collect();
    let mut args = match parse_fast(&typed).map_or_else(|| Args::try_parse_from(&typed), Ok) {
        Ok(args) => args,
        Err(refused) => return report(&refused, &typed),
    };
    let folders = typed_folders(&typed);
    if folders.len() > args.global.definitions.len() {
        args.global.definitions = folders;
    }
    let app = App::new(args.global);
    let (telemetry, spans) = Telemetry::start(app.screen);
    trace::start(app.global.verbose, spans);
    let done = match args.command {
        Some(command) => run(&app, command),
        None => app.catalog().and_then(|catalog| messages::print(&help::orientation(&catalog))).map(|()| 0),
    };
    let code = done.unwrap_or_else(|error| {
        app.screen.error(&error);
        error.kind().exit_code()
    });
    telemetry.finish();
    ExitCode::from(code)
}

/// Parses the commands that programs call often, without building the arguments of the other commands, which takes most of the time. `None` for other
/// commands, and for invalid arguments: the full parser reports these.
fn parse_fast(typed: &[OsString]) -> Option<Args> {
    type Augment = fn(clap::Command) -> clap::Command;
    let calls: [(&'static str, Augment); 4] = [
        ("query", QueryArgs::augment_args),
        ("mutate", WriteCallArgs::augment_args),
        ("delete", WriteCallArgs::augment_args),
        ("run", RunArgs::augment_args),
    ];
    let (name, augment) = typed.iter().find_map(|word| calls.into_iter().find(|(name, _)| word == name))?;
    let called = augment(clap::Command::new(name));
    // Never freed: the process ends before it needs the memory.
    let mut command = ManuallyDrop::new(GlobalArgs::augment_args(clap::Command::new("opnode")).subcommand(called));
    let mut matches = ManuallyDrop::new(command.try_get_matches_from_mut(typed).ok()?);
    Args::from_arg_matches_mut(&mut matches).ok()
}

/// Disables core dumps: memory contains secrets.
#[cfg(unix)]
fn disable_core_dumps() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    let _not_allowed_then = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
}

#[cfg(not(unix))]
fn disable_core_dumps() {}

fn run(app: &App, command: Command) -> Result<u8> {
    let done = |result: Result<()>| result.map(|()| 0);
    match command {
        Command::Connectors(args) => list::connectors(app, &args),
        Command::Operations(args) => list::operations(app, &args),
        Command::Describe(args) => done(describe::run(app, &args)),
        Command::Preview(args) => preview::run(app, &args),
        Command::Fields(args) => record::fields(app, &args),
        Command::Templates(args) => list::templates(app, &args),
        Command::Template(args) => done(template::run(app, &args)),
        Command::Values(args) => wait(values::run(app, &args)),
        Command::Query(args) => wait(query::run(app, &args)),
        Command::Mutate(args) => wait(write::run(app, Method::Mutate, &args)),
        Command::Delete(args) => wait(write::run(app, Method::Delete, &args)),
        Command::Call(args) => wait(raw::run(app, &args)),
        Command::Connector(ConnectorCommand::New(args)) => connector::new(app, &args),
        Command::Connector(ConnectorCommand::FromCurl(args)) => wait(connector::from_curl(app, &args)),
        Command::Import(command) => wait(import::run(app, &command)),
        Command::Run(args) => wait(batch::run(app, &args)),
        Command::Runs(args) => runs::run(app, &args),
        Command::Items(command) => wait(items::run(app, &command)),
        Command::Schedule(args) => done(schedule::run(app, &args)),
        Command::Init(args) => done(init::run(app, &args)),
        Command::Connection(ConnectionCommand::List(args)) => connections::list::run(app, &args),
        Command::Connection(ConnectionCommand::Test(args)) => wait(connection::test(app, args)),
        Command::Connection(ConnectionCommand::Example(args)) => done(connection::example(app, &args)),
        Command::Login(args) => wait(login::run(app, args)),
        Command::Logout(args) => wait(logout::run(app, args)),
        Command::Check(args) => check::run(app, &args),
        Command::Test(args) => wait(test_command::run(app, &args)),
        Command::Guide(args) => done(guide::run(args.mapping.as_deref())),
        Command::Schema(args) => done(messages::print(args.name.schema())),
        Command::Sandbox(args) => wait(sandbox::run(app, &args)),
        #[cfg(feature = "studio")]
        Command::Studio(args) => wait(super::studio::run(app, &args)),
        Command::Completions(args) => done(completion::script(args.shell)),
        Command::Man(args) => done(generated::man(app, args.folder.as_deref())),
    }
}

/// How long the process waits at its end for token renewals in flight.
const RENEWAL: Duration = Duration::from_secs(60);

/// Runs an asynchronous command.
fn wait(work: impl Future<Output = Result<u8>>) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the async runtime cannot start: {e}")))?;
    let done = runtime.block_on(work);
    // A refresh token may be usable only once, so its replacement must be stored.
    let _as_long_as_that_takes =
        runtime.block_on(async { tokio::time::timeout(RENEWAL, crate::wait_for_renewals()).await });
    // If somebody listens, requests of a call that was stopped are dropped, so that their spans end.
    if tracing::dispatcher::has_been_set() {
        runtime.block_on(tokio::task::yield_now());
    }
    // Leaked on purpose: a hanging DNS lookup must not delay the end of the process.
    std::mem::forget(runtime);
    done
}

/// Prints help, the version, or a usage error.
fn report(refused: &clap::Error, typed: &[OsString]) -> ExitCode {
    match refused.kind() {
        Refusal::DisplayHelp | Refusal::DisplayHelpOnMissingArgumentOrSubcommand => {
            let text = match help::command(&catalog_for_help(typed)).try_get_matches_from(typed) {
                Err(with_examples) => with_examples,
                Ok(_) => return ExitCode::SUCCESS,
            };
            let _reader_gone = text.print();
            batch::print_inputs(typed);
            ExitCode::from(if refused.kind() == Refusal::DisplayHelp { 0 } else { ErrorKind::Usage.exit_code() })
        }
        Refusal::DisplayVersion => {
            let _reader_gone = refused.print();
            ExitCode::SUCCESS
        }
        _ => {
            let json =
                typed.windows(2).any(|w| matches!(w, [flag, form] if flag == "--error-format" && form == "json"))
                    || typed.iter().any(|t| t == "--error-format=json");
            Screen::plain(json).error(&usage(&refused.render().to_string()));
            ExitCode::from(ErrorKind::Usage.exit_code())
        }
    }
}

/// The folders of all `--definitions`. If the flag is before and after the command, the parser returns only the later ones.
fn typed_folders(typed: &[OsString]) -> Vec<PathBuf> {
    let mut words = typed.iter().take_while(|word| *word != "--");
    let mut folders = Vec::new();
    while let Some(word) = words.next() {
        if word == "--definitions" {
            folders.extend(words.next().map(PathBuf::from));
        } else if let Some(folder) = word.to_str().and_then(|word| word.strip_prefix("--definitions=")) {
            folders.push(folder.into());
        }
    }
    folders
}

/// The catalogue for the examples in help; folders that cannot be read are ignored.
fn catalog_for_help(typed: &[OsString]) -> Catalog {
    let mut catalog = Catalog::builtin();
    for folder in definitions(&typed_folders(typed)) {
        let _placeholders_then = catalog.add_folder(&folder);
    }
    catalog
}

/// A message of the argument parser as an error.
fn usage(text: &str) -> Error {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let mut message = Vec::new();
    let mut advice = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("For more information"))
    {
        if let Some(tip) = line.strip_prefix("tip: ") {
            advice.push(tip.to_owned());
        } else if line.starts_with("Usage: ") || !advice.is_empty() {
            advice.push(line.replacen("Usage: ", "usage: ", 1));
        } else {
            message.push(line);
        }
    }
    advice.push("--help shows the flags and examples".to_owned());
    Error::new(ErrorKind::Usage, message.join(" ")).advise(advice.join("\n"))
}
