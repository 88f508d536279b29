//! The arguments of all commands, as clap parses them. Nothing here reads a file.

mod batch;
mod call;
mod command;
mod connection;
mod import;
mod items;
mod listing;
mod preview;
mod raw;
mod recording;
mod schedule;
#[cfg(feature = "studio")]
mod studio;
mod table;

pub(crate) use batch::{InitArgs, RunArgs, RunsArgs, RunsCommand, RunsShowArgs, ShowForm};
pub(crate) use call::{CallArgs, OutputArgs, OutputForm, QueryArgs, SystemArgs, WriteCallArgs};
pub(crate) use command::{Args, CheckArgs, Command, ErrorForm, GlobalArgs};
pub(crate) use connection::{
    ConnectionCommand, ConnectionExampleArgs, ConnectionTestArgs, LoginArgs, LogoutArgs, SandboxArgs,
};
pub(crate) use import::{ImportAnswers, ImportArgs, ImportCommand, PatchForm};
pub(crate) use items::{
    ItemEditArgs, ItemForm, ItemShowArgs, ItemsCommand, ItemsFilter, ItemsListArgs, ItemsOfRun, ItemsResendArgs,
    ItemsSettleArgs, ItemsVerifyArgs, LeftStatus, OneItem, RUNS_FOLDER, ResendHow, RunsFilter,
};
pub(crate) use listing::{
    DescribeArgs, DescribeForm, FieldsArgs, ListForm, ListingArgs, SearchArgs, TemplateArgs, TemplateForm,
};
pub(crate) use preview::PreviewArgs;
pub(crate) use raw::{
    AuthName, ConnectorCommand, ConnectorNewArgs, FromCurlArgs, PagingName, RawCallArgs, SaveArgs, ValuesArgs,
};
pub(crate) use recording::{PlanForm, RecordArgs, TestArgs};
pub(crate) use schedule::{ScheduleArgs, ScheduleForm};
#[cfg(feature = "studio")]
pub(crate) use studio::StudioArgs;
