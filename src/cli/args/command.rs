//! What was typed: the commands and the flags that all of them take.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::batch::{InitArgs, RunArgs, RunsArgs};
use super::call::{QueryArgs, WriteCallArgs};
use super::connection::{ConnectionCommand, LoginArgs, LogoutArgs, SandboxArgs};
use super::listing::{DescribeArgs, ListingArgs, SearchArgs, TemplateArgs};
use crate::formats::Format;

/// Query, mutate and delete in outside systems by OperationId: paging, sign-in, retries and rate limits are handled inside
#[derive(Debug, Parser)]
#[command(name = "opnode", version, subcommand_required = false, max_term_width = 110)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// A folder with operations/<connector>/ and templates/<connector>/ of your own; may be given again [else: OPNODE_DEFINITIONS]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) definitions: Vec<PathBuf>,
    /// The connections file [else: OPNODE_CONNECTIONS, ./connections.yaml, opnode/connections.yaml in your configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) connections: Option<PathBuf>,
    /// Where tokens are kept between calls: `keyring`, or a file [else: OPNODE_TOKENS, opnode/tokens.json in your state folder]
    #[arg(long, global = true, value_name = "PLACE")]
    pub(crate) tokens: Option<PathBuf>,
    /// How errors are printed; json is one object per line
    #[arg(long, global = true, value_name = "FORM", value_enum, default_value_t = ErrorForm::Text)]
    pub(crate) error_format: ErrorForm,
    /// No progress, no notes, no summary; warnings and errors stay
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Tell each request on a line of stderr; -vv tells addresses, headers, retries and waits too. Credentials are masked
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// How errors are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorForm {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the outside systems that this build knows
    Connectors(ListingArgs),
    /// List or search operations
    Operations(SearchArgs),
    /// Show all about one operation: options, items, what comes back, a ready command
    Describe(DescribeArgs),
    /// List or search templates: ready-made picks
    Templates(SearchArgs),
    /// Print a template ready to paste
    Template(TemplateArgs),
    /// Read records: every page is fetched
    #[command(override_usage = "opnode query <OPERATION_ID | --template NAME> [OPTIONS]")]
    Query(QueryArgs),
    /// Create or change records
    #[command(override_usage = "opnode mutate <OPERATION_ID | --template NAME> [--items …] [OPTIONS]")]
    Mutate(WriteCallArgs),
    /// Delete records
    #[command(override_usage = "opnode delete <OPERATION_ID | --template NAME> [--set id=… | --items …] [OPTIONS]")]
    Delete(WriteCallArgs),
    /// Run a batch file: steps that are kept on disk and go on where they stopped
    Run(RunArgs),
    /// List past and unfinished runs
    Runs(RunsArgs),
    /// Write a batch file and a connections file to begin with
    Init(InitArgs),
    /// List, test or start connections
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Sign in to a connection in the browser, where its system wants a person
    Login(LoginArgs),
    /// Remove the tokens that are kept for a connection's account
    Logout(LogoutArgs),
    /// Check definitions, connections and batch files: each fault with its place
    Check(CheckArgs),
    /// Print the JSON Schema of a file format, for editors
    Schema(SchemaArgs),
    /// Run a local server that plays the connectors, to try things without an account
    Sandbox(SandboxArgs),
    /// Print a shell's completion script
    Completions(CompletionsArgs),
    /// Print the man page, or write one for each command to a folder
    Man(ManArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    /// Files to check [default: all loaded definitions and the connections file]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
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
    /// Folder for the pages of all commands, such as ~/.local/share/man/man1 [default: the main page is printed]
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
