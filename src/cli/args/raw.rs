//! Arguments of `call` and of the connector commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::call::{SystemArgs, duration};
use super::listing::ListForm;
use super::recording::{PlanForm, RecordArgs};
use crate::definition::Method;
use crate::draft::PagingKind;

#[derive(Debug, ClapArgs)]
pub(crate) struct RawCallArgs {
    /// Verb [default: GET], path below the address of the connection, and parameters as name=value. A {name} in the path takes its parameter; the others are sent in the query
    #[arg(value_name = "WORDS", required = true)]
    pub(crate) words: Vec<String>,
    /// The connection [default: the only one]
    #[arg(long, short, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// A header, such as 'If-Match: *'. Repeatable
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// The body: JSON, @FILE, or - for standard input
    #[arg(long, short, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<String>,
    /// Send a POST, PUT, PATCH or DELETE without confirmation
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Print the request, credentials masked; send nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Form of --plan: curl is a command line to paste, with variables for credentials
    #[arg(long = "as", value_name = "FORM", value_enum, requires = "plan")]
    pub(crate) form: Option<PlanForm>,
    /// Stop the call after this time, such as 30s, 5m or 500ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ValuesArgs {
    /// The option or the field, such as `board` or `board/id`
    #[arg(value_name = "OPTION")]
    pub(crate) option: String,
    /// The operation or the record that has it
    #[arg(value_name = "NAME", required_unless_present = "operation", conflicts_with = "operation")]
    pub(crate) name: Option<String>,
    /// The same as NAME
    #[arg(long, short, value_name = "OPERATION_ID")]
    pub(crate) operation: Option<String>,
    #[command(flatten)]
    pub(crate) system: SystemArgs,
    /// An option of the query that returns the values. Repeatable
    #[arg(long, short, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Stop after this many values
    #[arg(long, short, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Output format
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ListForm::Text)]
    pub(crate) format: ListForm,
}

/// How a call becomes an operation of the connector.
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "Saving")]
pub(crate) struct SaveArgs {
    /// Write the call into the connector's definitions as this operation
    #[arg(long, value_name = "OPERATION_ID")]
    pub(crate) save_as: Option<String>,
    /// File of the operation in the connector's folder [default: by the path]
    #[arg(long, value_name = "FILE", requires = "save_as")]
    pub(crate) area: Option<String>,
    /// Title of the operation [default: by its id]
    #[arg(long, value_name = "TEXT", requires = "save_as")]
    pub(crate) title: Option<String>,
    /// Method of the call [default: by the verb]; query for a POST that only reads
    #[arg(long, value_name = "METHOD", value_enum)]
    pub(crate) method: Option<MethodName>,
}

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodName {
    Query,
    Mutate,
    Delete,
}

impl From<MethodName> for Method {
    fn from(name: MethodName) -> Method {
        match name {
            MethodName::Query => Method::Query,
            MethodName::Mutate => Method::Mutate,
            MethodName::Delete => Method::Delete,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectorCommand {
    /// Write a connector of your own to start from, and a connection to it
    New(ConnectorNewArgs),
    /// Write a connector, or an operation of one, from a curl command line
    FromCurl(FromCurlArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConnectorNewArgs {
    /// Name of the connector, such as acme-desk
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Address of the API, such as https://api.example.com/v2
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// How requests are signed
    #[arg(long, value_name = "KIND", value_enum)]
    pub(crate) auth: Option<AuthName>,
    /// Header of the key, for --auth api-key [default: X-API-Key]
    #[arg(long, value_name = "NAME")]
    pub(crate) key_header: Option<String>,
    /// Address of the token server, for --auth oauth2-client and oauth2-code
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,
    /// Address of the sign-in page, for --auth oauth2-code
    #[arg(long, value_name = "URL")]
    pub(crate) authorize_url: Option<String>,
    /// Paging of its lists, if you know it; `call --save-as` finds it for each operation
    #[arg(long, value_name = "STYLE", value_enum)]
    pub(crate) paging: Option<PagingName>,
    /// Folder of definitions to write to [default: the first one in use, else ./definitions]
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FromCurlArgs {
    /// File with the command line, or - for standard input
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    pub(crate) file: String,
    /// Name of the connector, an existing or a new one [default: by the host]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Folder of definitions to write to [default: the first one in use, else ./definitions]
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
    /// Send a POST, PUT, PATCH or DELETE without confirmation, for --save-as
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
}

/// Kinds of sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthName {
    None,
    Basic,
    Bearer,
    ApiKey,
    Oauth2Client,
    Oauth2Code,
}

/// Styles of paging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PagingName {
    None,
    Link,
    Number,
    Offset,
    Cursor,
    NextUrl,
}

impl From<PagingName> for PagingKind {
    fn from(name: PagingName) -> PagingKind {
        match name {
            PagingName::None => PagingKind::None,
            PagingName::Link => PagingKind::Link,
            PagingName::Number => PagingKind::Number,
            PagingName::Offset => PagingKind::Offset,
            PagingName::Cursor => PagingKind::Cursor,
            PagingName::NextUrl => PagingKind::NextUrl,
        }
    }
}
