//! Arguments of the item commands: list, show, resend, edit-and-resend, settle.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::listing::ListForm;

#[derive(Debug, Subcommand)]
pub(crate) enum ItemsCommand {
    /// List the items of all runs that failed or are in doubt
    List(ItemsListArgs),
    /// Show one item: what was sent, where, and why it failed
    Show(ItemShowArgs),
    /// Send items again
    Resend(ItemsResendArgs),
    /// Change one item and send it again
    EditAndResend(ItemEditArgs),
    /// Look up the records of items whose outcome is unknown; what is not there is sent again
    Verify(ItemsVerifyArgs),
    /// Take items off the list; nothing is sent
    Settle(ItemsSettleArgs),
}

/// The usual folder of runs, in the current folder.
pub(crate) const RUNS_FOLDER: &str = ".opnode/runs";

/// Which runs are meant.
#[derive(Debug, ClapArgs)]
pub(crate) struct RunsFilter {
    /// Only runs of this batch
    #[arg(long, value_name = "NAME")]
    pub(crate) batch: Option<String>,
    /// Only this job: a connection of the matrix
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<String>,
    /// Folder for the state of runs
    #[arg(long, value_name = "DIR", default_value = RUNS_FOLDER)]
    pub(crate) state: PathBuf,
}

/// Status of an item that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LeftStatus {
    Failed,
    Unknown,
}

/// Which items of a run are meant.
#[derive(Debug, ClapArgs)]
pub(crate) struct ItemsFilter {
    /// Only this item; in a step with `for`, ELEMENT.ITEM. Repeatable
    #[arg(long, value_name = "N", requires = "step")]
    pub(crate) item: Vec<String>,
    /// Only failed items, or only those whose outcome is unknown
    #[arg(long, value_name = "STATUS", value_enum)]
    pub(crate) status: Option<LeftStatus>,
    #[command(flatten)]
    pub(crate) runs: RunsFilter,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ItemsListArgs {
    /// The run: its id, the beginning of it, or `last` [default: all]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Only items of this step
    #[arg(value_name = "STEP")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) filter: ItemsFilter,
    /// Output format
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ListForm::Text)]
    pub(crate) format: ListForm,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneItem {
    /// The run: its id, the beginning of it, or `last`
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// The step
    #[arg(value_name = "STEP")]
    pub(crate) step: String,
    /// The number of the item; in a step with `for`, ELEMENT.ITEM
    #[arg(value_name = "ITEM")]
    pub(crate) item: String,
    #[command(flatten)]
    pub(crate) runs: RunsFilter,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ItemShowArgs {
    #[command(flatten)]
    pub(crate) which: OneItem,
    /// Output format
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ItemForm::Text)]
    pub(crate) format: ItemForm,
}

/// Format of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ItemForm {
    Text,
    Json,
}

/// Items of a run.
#[derive(Debug, ClapArgs)]
pub(crate) struct ItemsOfRun {
    /// The run: its id, the beginning of it, or `last`
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Only items of this step
    #[arg(value_name = "STEP")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) filter: ItemsFilter,
}

/// How items are sent again.
#[derive(Debug, ClapArgs)]
pub(crate) struct ResendHow {
    /// The batch file [default: that of the run]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Give an input of the batch another value than in the run. Repeatable
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub(crate) input: Vec<String>,
    /// Give a variable of `vars` another value than in the run. Repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// Resume the last run even if the batch or its definitions changed since it started
    #[arg(long)]
    pub(crate) accept_changes: bool,
    /// Send items whose outcome is unknown without confirmation: they may have taken effect
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ItemsResendArgs {
    #[command(flatten)]
    pub(crate) which: ItemsOfRun,
    #[command(flatten)]
    pub(crate) how: ResendHow,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ItemsVerifyArgs {
    #[command(flatten)]
    pub(crate) which: ItemsOfRun,
    /// Only look: what is not there stays listed as failed
    #[arg(long)]
    pub(crate) no_send: bool,
    #[command(flatten)]
    pub(crate) how: ResendHow,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ItemEditArgs {
    #[command(flatten)]
    pub(crate) which: OneItem,
    /// Set a field; numbers, true, false, null and JSON keep their type, and a dot selects a nested field. Repeatable
    #[arg(long, short, value_name = "FIELD=VALUE", conflicts_with = "item_json")]
    pub(crate) set: Vec<String>,
    /// The whole item, as JSON [default: the item opens in $VISUAL or $EDITOR]
    #[arg(long, value_name = "JSON")]
    pub(crate) item_json: Option<String>,
    #[command(flatten)]
    pub(crate) how: ResendHow,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ItemsSettleArgs {
    #[command(flatten)]
    pub(crate) which: ItemsOfRun,
    /// Why; `opnode runs show` shows it
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}
