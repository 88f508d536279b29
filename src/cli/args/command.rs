//! What was typed: commands and flags, nothing else. What they mean is decided elsewhere; nothing here reads a file.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::call::{QueryArgs, SystemArgs, WriteCallArgs};
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
    /// Tell each request on stderr, credentials masked; -vv tells more
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
    /// Check definitions, connections and batch files: each fault with its place
    Check(CheckArgs),
    /// Print the JSON Schema of a file format, for editors
    Schema(SchemaArgs),
    /// Run a local server that plays the connectors, to try things without an account
    Sandbox(SandboxArgs),
    /// Print a shell's completion script
    Completions(CompletionsArgs),
}

/// How a listing is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListForm {
    Text,
    Ndjson,
    Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ListingArgs {
    /// How to print it
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ListForm::Text)]
    pub(crate) format: ListForm,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SearchArgs {
    /// Only those in which all of these words occur
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only those of this connector
    #[arg(long, short, value_name = "CONNECTOR")]
    pub(crate) connector: Option<String>,
    #[command(flatten)]
    pub(crate) listing: ListingArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DescribeArgs {
    /// OperationId, or CONNECTOR/OperationId
    #[arg(value_name = "OPERATION_ID")]
    pub(crate) operation: String,
    /// How to print it
    #[arg(long, value_name = "FORM", value_enum, default_value_t = DescribeForm::Text)]
    pub(crate) format: DescribeForm,
}

/// How one operation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DescribeForm {
    Text,
    Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TemplateArgs {
    /// The template's name, CONNECTOR/NAME, or an OperationId for its automatic template
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What to print it as: a command line, a step of a batch file (YAML), or JSON
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = TemplateForm::Command)]
    pub(crate) form: TemplateForm,
}

/// What a template is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TemplateForm {
    Command,
    Batch,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// List the connections of the connections file
    List(ListingArgs),
    /// Call the system once to see whether address and credentials work
    Test(ConnectionTestArgs),
    /// Print a connections file to fill in
    Example(ConnectionExampleArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConnectionTestArgs {
    /// The connection's name; with --sandbox, a connector's [default: the only one there is]
    #[arg(value_name = "NAME", conflicts_with = "connection")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) system: SystemArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConnectionExampleArgs {
    /// Connector [default: the only one there is]
    #[arg(value_name = "CONNECTOR")]
    pub(crate) connector: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoginArgs {
    /// The connection's name [default: the only one there is]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Port on this machine that the browser is sent back to, where the system wants a fixed one [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Only print the address; do not open the browser
    #[arg(long)]
    pub(crate) no_browser: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// The batch file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Another value for a name under `vars`; numbers, true, false and JSON keep their type. May be given again
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// Print the requests that are known beforehand, credentials masked, and send nothing
    #[arg(long, conflicts_with_all = ["retry_failed", "fresh", "report"])]
    pub(crate) plan: bool,
    /// Refuse to run when the plan is another than the one with this hash
    #[arg(long, value_name = "HASH", conflicts_with = "plan")]
    pub(crate) plan_hash: Option<String>,
    /// Send exactly the items that failed in the last run
    #[arg(long, conflicts_with = "fresh")]
    pub(crate) retry_failed: bool,
    /// Start over; an unfinished run is kept aside
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Go on although the batch or its definitions have changed since the run began
    #[arg(long)]
    pub(crate) accept_changes: bool,
    /// Where runs are kept [default: .opnode/runs beside the batch file]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Write what was done, as JSON, to a file or - for standard output
    #[arg(long, value_name = "FILE|-")]
    pub(crate) report: Option<PathBuf>,
    /// Talk to a sandbox inside this process instead of the real systems
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Faults for the sandbox to play, such as every=7,kinds=429+503+reset+slow
    #[arg(long, value_name = "SPEC", requires = "sandbox")]
    pub(crate) faults: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunsArgs {
    /// Only those of this batch
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where runs are kept
    #[arg(long, value_name = "DIR", default_value = ".opnode/runs")]
    pub(crate) state: PathBuf,
    #[command(flatten)]
    pub(crate) listing: ListingArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    /// The folder [default: here]
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The connector that the files are for [default: the one with the most templates]
    #[arg(long, short, value_name = "CONNECTOR")]
    pub(crate) connector: Option<String>,
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
pub(crate) struct SandboxArgs {
    /// Port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Faults to play, such as every=7,kinds=429+503+reset+slow
    #[arg(long, value_name = "SPEC")]
    pub(crate) faults: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
