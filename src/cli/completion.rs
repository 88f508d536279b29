//! What a shell offers after TAB: commands and flags, and from the definitions and connections the ids of operations, names
//! of connections, options, and the values that an option can have. A failure offers nothing.

use std::ffi::OsStr;
use std::time::Duration;

use clap::{Args as _, CommandFactory, FromArgMatches};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;
use serde_json::Value;

use super::app::App;
use super::args::{Args, GlobalArgs, ListForm, SystemArgs, ValuesArgs};
use super::call::values;
use super::catalog::snippet::plain_value;
use super::connections::file;
use super::messages;
use crate::definition::{Operation, OptionRule};
use crate::error::{Error, ErrorKind, Result};

/// The variable with which a completion script calls this program.
const VARIABLE: &str = "OPNODE_COMPLETE";
/// How many candidates are offered at most, and how long a system may take to name its values.
const OFFERED_MAX: usize = 500;
const PATIENCE: Duration = Duration::from_secs(3);

/// Answers a completion script, and ends the process; returns if this is no such call.
pub(crate) fn answer() {
    if std::env::var_os(VARIABLE).is_some() {
        CompleteEnv::with_factory(command).var(VARIABLE).complete();
    }
}

/// The script for a shell.
pub(crate) fn script(shell: clap_complete::Shell) -> Result<()> {
    let name = shell.to_string();
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let failed = |why: String| Error::new(ErrorKind::Internal, format!("the completion script: {why}"));
    let completer = shells.completer(&name).ok_or_else(|| failed(format!("{name} is not known")))?;
    completer
        .write_registration(VARIABLE, "opnode", "opnode", "opnode", &mut script)
        .map_err(|cause| failed(cause.to_string()))?;
    messages::print(&String::from_utf8_lossy(&script))
}

/// The commands, with what completes their arguments.
fn command() -> clap::Command {
    let with = |arg: clap::Arg, offer: fn(&Typed, &str) -> Vec<CompletionCandidate>| {
        arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            current.to_str().map(|current| offer(&Typed::words(), current)).unwrap_or_default()
        }))
    };
    let mut command = Args::command();
    for name in ["query", "mutate", "delete", "values"] {
        command = command.mut_subcommand(name, |called| {
            let called = called.mut_arg("operation", |arg| with(arg, operations));
            let called = called.mut_arg("connection", |arg| with(arg, connections));
            match name {
                "values" => called.mut_arg("option", |arg| with(arg, options_with_values)),
                _ => called.mut_arg("set", |arg| with(arg, settings)),
            }
        });
    }
    command.mut_subcommand("describe", |called| called.mut_arg("operation", |arg| with(arg, operations)))
}

/// The words of the command line so far.
struct Typed(Vec<String>);

impl Typed {
    /// A script gives them after `--`.
    fn words() -> Typed {
        let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
        Typed(words.map(|word| word.to_string_lossy().into_owned()).collect())
    }

    /// The values of a flag.
    fn values(&self, names: &[&str]) -> Vec<&str> {
        let follows = self.0.iter().zip(self.0.iter().skip(1));
        let apart = follows.filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value.as_str());
        let joined = self.0.iter().filter_map(|word| word.split_once('=')).filter(|(name, _)| names.contains(name));
        apart.chain(joined.map(|(_, value)| value)).collect()
    }

    fn app(&self) -> Option<App> {
        let mut words = vec!["opnode", "--quiet"];
        for flag in ["--definitions", "--connections", "--tokens"] {
            for value in self.values(&[flag]) {
                words.extend([flag, value]);
            }
        }
        let matches = GlobalArgs::augment_args(clap::Command::new("opnode")).try_get_matches_from(words).ok()?;
        Some(App::new(GlobalArgs::from_arg_matches(&matches).ok()?))
    }

    /// The operation that is named.
    fn operation(&self, app: &App) -> Option<std::sync::Arc<Operation>> {
        let catalog = app.catalog().ok()?;
        let named = self.values(&["--operation", "-o"]);
        let words = named.into_iter().chain(self.0.iter().skip(2).map(String::as_str));
        words.filter(|word| !word.starts_with('-')).find_map(|word| catalog.operation(None, word).ok())
    }
}

fn offered(names: impl Iterator<Item = String>, current: &str) -> Vec<CompletionCandidate> {
    let mut fitting: Vec<String> = names.filter(|name| name.starts_with(current)).take(OFFERED_MAX).collect();
    fitting.sort();
    fitting.dedup();
    fitting.into_iter().map(CompletionCandidate::new).collect()
}

fn operations(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    let Some(catalog) = typed.app().and_then(|app| app.catalog().ok()) else { return Vec::new() };
    let ids = catalog.connector_names().filter_map(|name| catalog.operation_ids(name).ok()).flatten();
    offered(ids.map(|id| id.to_string()), current)
}

fn connections(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    let found = typed.app().and_then(|app| file::load(&app).ok());
    found.map(|found| offered(found.file.connections.keys().cloned(), current)).unwrap_or_default()
}

/// `--set`: the names of options, and after `=` the values of one.
fn settings(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    let Some(app) = typed.app() else { return Vec::new() };
    let Some(operation) = typed.operation(&app) else { return Vec::new() };
    let Some((name, _)) = current.split_once('=') else {
        return offered(operation.options.iter().map(|o| format!("{}=", o.name)), current);
    };
    let Some(option) = operation.option(name) else { return Vec::new() };
    let choices = match listed(option) {
        Some(listed) => listed.into_iter().map(|value| (value, None)).collect(),
        None if option.values.is_some() => asked(typed, &app, &operation, name),
        None => Vec::new(),
    };
    let fitting = choices.into_iter().map(|(value, label)| (format!("{name}={value}"), label));
    fitting
        .filter(|(text, _)| text.starts_with(current))
        .take(OFFERED_MAX)
        .map(|(text, label)| CompletionCandidate::new(text).help(label.map(Into::into)))
        .collect()
}

fn options_with_values(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    let Some(app) = typed.app() else { return Vec::new() };
    let Some(operation) = typed.operation(&app) else { return Vec::new() };
    offered(operation.options.iter().filter(|o| o.values.is_some()).map(|o| o.name.clone()), current)
}

/// The values that the schema of an option lists.
fn listed(option: &OptionRule) -> Option<Vec<String>> {
    let schema = option.schema.to_value();
    if let Some(Value::Array(list)) = schema.get("enum") {
        return Some(list.iter().map(|value| plain_value(&value.to_string())).collect());
    }
    (schema.get("type") == Some(&Value::from("boolean"))).then(|| vec!["true".to_owned(), "false".to_owned()])
}

/// The values that the system names, with their labels.
fn asked(typed: &Typed, app: &App, operation: &Operation, option: &str) -> Vec<(String, Option<String>)> {
    let args = ValuesArgs {
        option: option.to_owned(),
        operation: format!("{}/{}", operation.connector.name, operation.id),
        system: SystemArgs {
            connection: typed.values(&["--connection", "-c"]).last().map(|name| (*name).to_owned()),
            sandbox: typed.0.iter().any(|word| word == "--sandbox"),
            faults: None,
        },
        set: Vec::new(),
        limit: Some(OFFERED_MAX as u64),
        format: ListForm::Text,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let found = runtime.block_on(async { tokio::time::timeout(PATIENCE, values::choices(app, &args)).await });
    let rows = found.ok().and_then(Result::ok).unwrap_or_default();
    rows.into_iter().map(|(value, label)| (plain_value(&value), label.as_deref().map(plain_value))).collect()
}
