//! The flags of `import`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Make a connector of an OpenAPI document: Swagger 2.0, OpenAPI 3.0, 3.1 or 3.2, as JSON or YAML
    #[command(name = "openapi", alias = "swagger")]
    OpenApi(OpenApiArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OpenApiArgs {
    /// The document, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// Name of the connector
    #[arg(long, value_name = "NAME")]
    pub(crate) connector: String,
    /// Folder of definitions to write to [default: the first one in use, else ./definitions]
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
    /// Only operations with this tag or OperationId, or whose path begins with it; repeatable
    #[arg(long, value_name = "TAG | ID | /PATH")]
    pub(crate) only: Vec<String>,
    /// Paging of the lists that have its parameters, as in a definition
    #[arg(long, value_name = "YAML")]
    pub(crate) paging: Option<String>,
    /// Number of the first page where the document does not say it
    #[arg(long, value_name = "0 | 1")]
    pub(crate) page_start: Option<u64>,
    /// Security scheme of the document to sign in with
    #[arg(long, value_name = "NAME")]
    pub(crate) sign_in: Option<String>,
    /// Address of the API, in place of the document's
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// A list that a reply leaves out is empty
    #[arg(long)]
    pub(crate) optional_lists: bool,
    /// Make titles from names; take no texts of the document
    #[arg(long)]
    pub(crate) without_texts: bool,
}
