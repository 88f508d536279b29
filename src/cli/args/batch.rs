//! What was typed for batches: run, runs, init.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::listing::ListingArgs;

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
