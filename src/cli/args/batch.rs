//! Arguments of the batch commands: run, runs, init.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::items::RunsFilter;
use super::listing::ListingArgs;
use crate::batch::ItemKey;

#[derive(Debug, Default, ClapArgs)]
pub(crate) struct RunArgs {
    /// The batch file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Value of an input of the batch; `opnode run FILE --help` lists them. Repeatable
    #[arg(long, short = 'i', value_name = "NAME=VALUE")]
    pub(crate) input: Vec<String>,
    /// Override a variable of `vars`; numbers, true, false and JSON keep their type. Repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// Print the requests known in advance, credentials masked; send nothing
    #[arg(long, conflicts_with = "report")]
    pub(crate) plan: bool,
    /// Refuse to run if the hash of the plan differs from this one
    #[arg(long, value_name = "HASH", conflicts_with = "plan")]
    pub(crate) plan_hash: Option<String>,
    /// Send only the items that failed in the last run
    #[arg(long, conflicts_with = "fresh")]
    pub(crate) retry_failed: bool,
    /// Start over; an unfinished run is archived
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Whether an unfinished run is resumed: never, always, or if it was first interrupted at most this long ago, such as 6h
    #[arg(long, value_name = "never|always|AGE", conflicts_with_all = ["fresh", "retry_failed"])]
    pub(crate) resume: Option<String>,
    /// Stop before this step, and print the plan of what is left
    #[arg(long, value_name = "STEP", conflicts_with = "plan")]
    pub(crate) until: Option<String>,
    /// Resume even if the batch or its definitions changed since the run started
    #[arg(long)]
    pub(crate) accept_changes: bool,
    /// Folder for the state of runs [default: .opnode/runs beside the batch file]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Write a report as JSON to a file, or - for standard output
    #[arg(long, value_name = "FILE|-")]
    pub(crate) report: Option<PathBuf>,
    /// Write the steps as JUnit XML, for CI systems
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub(crate) junit: Option<PathBuf>,
    /// Call a built-in mock server instead of the real systems
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Faults for the sandbox to simulate, such as every=7,kinds=429+503+reset+slow
    #[arg(long, value_name = "SPEC", requires = "sandbox")]
    pub(crate) faults: Option<String>,
    /// Keep each request and reply, secrets masked, in this folder, for `exchanges` of a test of the batch
    #[arg(long, value_name = "DIR", conflicts_with = "plan")]
    pub(crate) record: Option<PathBuf>,
    /// Of the failed items, only these: for `items resend`
    #[arg(skip)]
    pub(crate) only: Option<BTreeSet<ItemKey>>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Show one run: when, how long, its steps, a timeline, what is left to do
    Show(RunsShowArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunsShowArgs {
    /// The run: its id, the beginning of it, or `last`
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Output format; junit is XML for CI systems
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ShowForm::Text)]
    pub(crate) format: ShowForm,
    #[command(flatten)]
    pub(crate) filter: RunsFilter,
}

/// Format of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowForm {
    Text,
    Json,
    Junit,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<RunsCommand>,
    /// Only runs of this batch
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Folder for the state of runs
    #[arg(long, value_name = "DIR", default_value = super::items::RUNS_FOLDER)]
    pub(crate) state: PathBuf,
    #[command(flatten)]
    pub(crate) listing: ListingArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    /// The folder [default: the current one]
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The connector that the files are for [default: the one with the most templates]
    #[arg(long, short, value_name = "CONNECTOR")]
    pub(crate) connector: Option<String>,
}
