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
    /// A batch file, whose tests are in NAME.test.yaml beside it; or a folder with recorded calls and tests of batches, at any depth
    #[arg(value_name = "FILE|DIR")]
    pub(crate) path: PathBuf,
    /// Accept what the calls and batches do as what is expected
    #[arg(long)]
    pub(crate) update: bool,
    /// Run only this case of a batch. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) case: Vec<String>,
}

/// Form of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanForm {
    Curl,
}
