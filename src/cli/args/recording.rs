//! Arguments of calls that are recorded or only shown, and of `test`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// Recorded exchanges.
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "Recording")]
pub(crate) struct RecordArgs {
    /// Keep each request and reply, secrets masked, in this folder; `opnode test` runs it as a test
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    /// Take the replies from a recorded folder; nothing is sent
    #[arg(long, value_name = "DIR", conflicts_with = "record")]
    pub(crate) replay: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TestArgs {
    /// Folder with recorded calls, at any depth: a connector's folder, a folder of definitions, or one recording
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Accept what the calls give as what is expected
    #[arg(long)]
    pub(crate) update: bool,
}

/// Form of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanForm {
    Curl,
}
