//! The flags of `import`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Make a connector of an OpenAPI document: Swagger 2.0, OpenAPI 3.0, 3.1 or 3.2, as JSON or YAML
    #[command(name = "openapi", alias = "swagger")]
    OpenApi(ImportArgs),
    /// Make a connector of a Postman collection (version 2)
    Postman(ImportArgs),
    /// Make a connector of the calls that a browser or proxy has recorded as a HAR file
    Har(ImportArgs),
    /// Make a connector of curl command lines; nothing is sent
    Curl(ImportArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ImportArgs {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// Name of the connector
    #[arg(long, value_name = "NAME")]
    pub(crate) connector: String,
    /// Folder of definitions to write to [default: the first one in use, else ./definitions]
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
    /// Show what a newer document changes, then write it after confirmation or with --yes
    #[arg(long)]
    pub(crate) update: bool,
    /// With --update: write without confirmation
    #[arg(long, short, requires = "update")]
    pub(crate) yes: bool,
    /// With --update: move edits of imported files to overrides.yaml
    #[arg(long, requires = "update")]
    pub(crate) move_edits: bool,
    /// Overlay (1.0 or 1.1) that is applied to the OpenAPI document first; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) overlay: Vec<PathBuf>,
    /// Settle questions about lists on the system of this connection: at most two reads for lists of the same kind
    #[arg(long = "try", value_name = "CONNECTION")]
    pub(crate) connection: Option<String>,
    #[command(flatten)]
    pub(crate) answers: ImportAnswers,
}

/// Forms of the path of a patch operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PatchForm {
    Names,
    Pointers,
}

/// Answers to what a document does not say; they are kept for --update.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Answers, kept for --update")]
pub(crate) struct ImportAnswers {
    /// Only operations with this tag or OperationId, or whose path begins with it; repeatable
    #[arg(long, value_name = "TAG | ID | /PATH")]
    pub(crate) only: Vec<String>,
    /// Paging of the lists that take its parameters, as in a definition: '{ link: { size: { query: per_page, default: 100 } } }'
    #[arg(long, value_name = "YAML")]
    pub(crate) paging: Option<String>,
    /// Number of the first page where the document does not say it
    #[arg(long, value_name = "0 | 1", value_parser = clap::value_parser!(u64).range(0..=1))]
    pub(crate) page_start: Option<u64>,
    /// How the path of a patch operation is written where the document does not say it: as a bare name, or as a JSON Pointer
    #[arg(long, value_name = "FORM", value_enum)]
    pub(crate) patch: Option<PatchForm>,
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
