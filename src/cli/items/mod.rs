//! `items`: the items of runs that failed or are in doubt, and what a person does with them.

mod choose;
mod commands;
mod edited;
mod list;
mod resend;
mod settle;
mod show;
mod verify;

pub(crate) use choose::{run_id, with_sandbox};
pub(crate) use commands::{flags, is_of_sandbox};
pub(crate) use list::{cells, columns, why};

use super::app::App;
use super::args::ItemsCommand;
use crate::error::Result;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, command: &ItemsCommand) -> Result<u8> {
    match command {
        ItemsCommand::List(args) => list::run(app, args),
        ItemsCommand::Show(args) => show::run(app, args),
        ItemsCommand::Resend(args) => resend::run(app, args).await,
        ItemsCommand::EditAndResend(args) => edited::run(app, args).await,
        ItemsCommand::Verify(args) => verify::run(app, args).await,
        ItemsCommand::Settle(args) => settle::run(app, args).await,
    }
}
