//! The commands and the global flags.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::batch::{InitArgs, RunArgs, RunsArgs};
use super::call::{QueryArgs, WriteCallArgs};
use super::connection::{ConnectionCommand, LoginArgs, LogoutArgs, SandboxArgs};
use super::import::ImportCommand;
use super::items::ItemsCommand;
use super::listing::{DescribeArgs, FieldsArgs, ListingArgs, SearchArgs, TemplateArgs};
use super::preview::PreviewArgs;
use super::raw::{ConnectorCommand, RawCallArgs, ValuesArgs};
use super::recording::TestArgs;
use super::schedule::ScheduleArgs;
use crate::formats::Format;

/// Call business APIs by OperationId: opnode handles paging, sign-in, retries and rate limits
#[derive(Debug, Parser)]
#[command(name = "opnode", version, subcommand_required = false, max_term_width = 110)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Folder with your own operations/<connector>/ and templates/<connector>/; repeatable [env: OPNODE_DEFINITIONS; default: ./definitions, if it has operations/]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) definitions: Vec<PathBuf>,
    /// The connections file [env: OPNODE_CONNECTIONS; default: ./connections.yaml, else opnode/connections.yaml in the configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) connections: Option<PathBuf>,
    /// Where tokens are stored: `keyring` or a file [env: OPNODE_TOKENS; default: opnode/tokens.json in the state folder]
    #[arg(long, global = true, value_name = "PLACE")]
    pub(crate) tokens: Option<PathBuf>,
    /// PEM file of certificate authorities to trust, besides those of the system
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Trust only the authorities of --ca
    #[arg(long, global = true, requires = "ca")]
    pub(crate) only_ca: bool,
    /// PEM file with the client's certificate and its chain
    #[arg(long, global = true, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// PEM file with the private key of --certificate
    #[arg(long, global = true, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Proxy, such as http://HOST:PORT, or `none` [default: of the variables HTTPS_PROXY and so on, which may contain a password]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Format of errors; json is one object per line
    #[arg(long, global = true, value_name = "FORM", value_enum, default_value_t = ErrorForm::Text)]
    pub(crate) error_format: ErrorForm,
    /// Print warnings and errors only: no progress, notes or summary
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log requests to stderr; -vv shows whole requests and replies, retries and waits. Credentials are masked
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Format of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorForm {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the connectors, one for each supported system
    Connectors(ListingArgs),
    /// List or search operations
    Operations(SearchArgs),
    /// Show an operation: options, items, result, and a command to copy; or a record: its fields and what uses it
    Describe(DescribeArgs),
    /// List the fields of a record, with those of nested objects and records
    Fields(FieldsArgs),
    /// List or search templates: predefined calls
    Templates(SearchArgs),
    /// Print a template, ready to paste
    Template(TemplateArgs),
    /// List the values that an option can have, from the query that its definition names
    Values(ValuesArgs),
    /// Read records; all pages are fetched
    #[command(override_usage = "opnode query <OPERATION_ID | --template NAME> [OPTIONS]")]
    Query(QueryArgs),
    /// Create or change records
    #[command(override_usage = "opnode mutate <OPERATION_ID | --template NAME> [--items …] [OPTIONS]")]
    Mutate(WriteCallArgs),
    /// Delete records
    #[command(override_usage = "opnode delete <OPERATION_ID | --template NAME> [--set id=… | --items …] [OPTIONS]")]
    Delete(WriteCallArgs),
    /// Send one request to a system, signed and masked; --save-as makes an operation of it
    #[command(override_usage = "opnode call [VERB] <PATH> [NAME=VALUE]… [OPTIONS]")]
    Call(RawCallArgs),
    /// Write connectors of your own
    #[command(subcommand)]
    Connector(ConnectorCommand),
    /// Make a connector of a description of an API
    #[command(subcommand)]
    Import(ImportCommand),
    /// Show the first rows of a file or of a table of a database
    Preview(PreviewArgs),
    /// Run a batch file; interrupted runs resume
    Run(RunArgs),
    /// List finished and unfinished runs, or show one
    Runs(RunsArgs),
    /// Items of runs that failed or are in doubt: list them, send them again, settle them
    #[command(subcommand)]
    Items(ItemsCommand),
    /// Print a systemd timer, a crontab line and a Kubernetes CronJob that run a batch file
    Schedule(ScheduleArgs),
    /// Write a batch file and a connections file to start from
    Init(InitArgs),
    /// List or test connections, or print an example
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Sign in to a connection with the browser
    Login(LoginArgs),
    /// Remove the stored tokens of a connection's account
    Logout(LogoutArgs),
    /// Check definitions, connections and batch files; each fault has its place
    Check(CheckArgs),
    /// Run the tests of batches, and repeat recorded calls (--record), without a network; compare what they do
    Test(TestArgs),
    /// Print the guide to connectors of your own, with all keys of their files
    Guide(GuideArgs),
    /// Print the JSON Schema of a file format, for editors
    Schema(SchemaArgs),
    /// Run a local mock server that simulates the connectors
    Sandbox(SandboxArgs),
    /// Open a page in the browser: find an operation, fill it in, see what it sends, run it, copy it
    #[cfg(feature = "studio")]
    Studio(super::studio::StudioArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the man page, or write a page for each command to a folder
    Man(ManArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    /// First rewrite definition files of an earlier version of their format; comments and layout stay
    #[arg(long)]
    pub(crate) migrate: bool,
    /// Files to check [default: all definitions and the connections file]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GuideArgs {
    /// Only what the reference says about this key, such as paging or auth.oauth2
    #[arg(value_name = "KEY")]
    pub(crate) mapping: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SchemaArgs {
    /// The format
    #[arg(value_name = "NAME", value_parser = format_by_name)]
    pub(crate) name: Format,
}

fn format_by_name(name: &str) -> Result<Format, String> {
    Format::ALL.into_iter().find(|f| f.name() == name).ok_or_else(|| {
        let all: Vec<&str> = Format::ALL.iter().map(|f| f.name()).collect();
        format!("the formats are {}", all.join(", "))
    })
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ManArgs {
    /// Folder for the pages of all commands, such as ~/.local/share/man/man1 [default: print the main page]
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
