//! What was typed to find out what there is: connectors, operations, templates.

use clap::{Args as ClapArgs, ValueEnum};

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
    /// List all values of each enumeration, however many there are
    #[arg(long)]
    pub(crate) all: bool,
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
