//! Arguments of the discovery commands: connectors, operations, describe, templates, template.

use clap::{Args as ClapArgs, ValueEnum};

/// Format of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListForm {
    Text,
    Ndjson,
    Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ListingArgs {
    /// Output format
    #[arg(long, value_name = "FORM", value_enum, default_value_t = ListForm::Text)]
    pub(crate) format: ListForm,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SearchArgs {
    /// Words to search for, the best hits first: of names, titles, paths, fields and descriptions. Misspelt words, other words for the same and beginnings of words are found
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    /// The same as WORDS
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// The most hits of a search [default: 20]
    #[arg(long, value_name = "N", conflicts_with = "all", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// All hits of a search
    #[arg(long)]
    pub(crate) all: bool,
    /// Only entries of this connector
    #[arg(long, short, value_name = "CONNECTOR")]
    pub(crate) connector: Option<String>,
    #[command(flatten)]
    pub(crate) listing: ListingArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DescribeArgs {
    /// OperationId or name of a record, or CONNECTOR/NAME
    #[arg(value_name = "NAME")]
    pub(crate) operation: String,
    /// The record of this name; needed only if an operation has the same name
    #[arg(long)]
    pub(crate) record: bool,
    /// List all values of enumerations
    #[arg(long)]
    pub(crate) all: bool,
    /// Output format
    #[arg(long, value_name = "FORM", value_enum, default_value_t = DescribeForm::Text)]
    pub(crate) format: DescribeForm,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FieldsArgs {
    /// Name of a record, or CONNECTOR/NAME; an OperationId stands for the record that it returns
    #[arg(value_name = "RECORD")]
    pub(crate) record: String,
    #[command(flatten)]
    pub(crate) listing: ListingArgs,
}

/// Format of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DescribeForm {
    Text,
    Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TemplateArgs {
    /// Template name, CONNECTOR/NAME, or an OperationId for its automatic template
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Output form: a command line, a step of a batch file (YAML), or JSON
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = TemplateForm::Command)]
    pub(crate) form: TemplateForm,
}

/// Output form of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TemplateForm {
    Command,
    Batch,
    Json,
}
