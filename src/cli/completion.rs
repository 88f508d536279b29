//! What a shell offers after TAB: commands and flags, and from the definitions and connections the ids of operations, the
//! names of templates, records, connectors and connections, options and their values, and the fields of records. A failure
//! offers nothing.

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
use crate::definition::{Catalog, Operation, OptionRule, record_fields};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::Format;

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
    let with = |arg: clap::Arg, offer: Offer| {
        arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            current.to_str().map(|current| offer(&Typed::words(), current)).unwrap_or_default()
        }))
    };
    let arguments = |command: clap::Command| {
        let name = command.get_name().to_owned();
        command.mut_args(|arg| match offer(&name, arg.get_id().as_str()) {
            Some(offer) => with(arg, offer),
            None => arg,
        })
    };
    Args::command().mut_subcommands(move |command| arguments(command).mut_subcommands(arguments))
}

/// Gives the candidates for a word.
type Offer = fn(&Typed, &str) -> Vec<CompletionCandidate>;

/// What completes an argument of a command.
fn offer(command: &str, argument: &str) -> Option<Offer> {
    Some(match (command, argument) {
        ("describe", "operation") => operations_and_records,
        ("fields", "record") => records,
        (_, "operation") => operations,
        ("template", "name") | ("query" | "mutate" | "delete", "template") => templates,
        ("schema", "name") => formats,
        (_, "connector") => connectors,
        (_, "connection") | ("test" | "login" | "logout", "name") => connections,
        ("values", "option") => options_with_values,
        ("query" | "mutate" | "delete", "set") => settings,
        (_, "columns") => columns,
        _ => return None,
    })
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
        let mut words = words.filter(|word| !word.starts_with('-'));
        let of_template = || {
            let templates = self.values(&["--template", "-t"]);
            templates.into_iter().find_map(|name| catalog.template(None, name).ok()).map(|template| template.operation)
        };
        words.find_map(|word| catalog.operation(None, word).ok()).or_else(of_template)
    }
}

fn offered(names: impl Iterator<Item = String>, current: &str) -> Vec<CompletionCandidate> {
    let mut fitting: Vec<String> = names.filter(|name| name.starts_with(current)).take(OFFERED_MAX).collect();
    fitting.sort();
    fitting.dedup();
    fitting.into_iter().map(CompletionCandidate::new).collect()
}

fn operations(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    entries(typed, current, &[&operation_ids])
}

fn records(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    entries(typed, current, &[&record_names])
}

fn operations_and_records(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    entries(typed, current, &[&operation_ids, &record_names])
}

/// Templates, and if none fits, OperationIds, which are names of templates too.
fn templates(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    let templates = entries(typed, current, &[&template_names]);
    if templates.is_empty() { operations(typed, current) } else { templates }
}

/// The names of one kind of entries of a connector.
type Names<'n> = &'n dyn Fn(&Catalog, &str) -> Vec<String>;

fn operation_ids(catalog: &Catalog, connector: &str) -> Vec<String> {
    catalog.operation_ids(connector).into_iter().flatten().map(str::to_owned).collect()
}

fn record_names(catalog: &Catalog, connector: &str) -> Vec<String> {
    catalog.record_names(connector).into_iter().flatten().map(str::to_owned).collect()
}

fn template_names(catalog: &Catalog, connector: &str) -> Vec<String> {
    catalog.template_names(connector).into_iter().flatten().map(str::to_owned).collect()
}

/// Names of entries of all connectors, or after `CONNECTOR/` of one.
fn entries(typed: &Typed, current: &str, kinds: &[Names<'_>]) -> Vec<CompletionCandidate> {
    let Some(catalog) = typed.app().and_then(|app| app.catalog().ok()) else { return Vec::new() };
    let of = |connector: &str| kinds.iter().flat_map(|names| names(&catalog, connector)).collect::<Vec<_>>();
    if let Some((connector, _)) = current.split_once('/')
        && catalog.connector_names().any(|name| name == connector)
    {
        return offered(of(connector).into_iter().map(|name| format!("{connector}/{name}")), current);
    }
    offered(catalog.connector_names().flat_map(of), current)
}

fn connectors(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    let Some(catalog) = typed.app().and_then(|app| app.catalog().ok()) else { return Vec::new() };
    offered(catalog.connector_names().map(str::to_owned), current)
}

fn formats(_: &Typed, current: &str) -> Vec<CompletionCandidate> {
    offered(Format::ALL.iter().map(|format| format.name().to_owned()), current)
}

/// The fields of the operation's record.
fn columns(typed: &Typed, current: &str) -> Vec<CompletionCandidate> {
    let operation = typed.app().and_then(|app| typed.operation(&app));
    let fields = operation.and_then(|operation| operation.record().map(record_fields)).unwrap_or_default();
    offered(fields.into_iter().map(|field| field.path), current)
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
        name: None,
        operation: Some(format!("{}/{}", operation.connector.name, operation.id)),
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
