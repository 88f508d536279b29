//! Arguments of `preview`.

use clap::Args as ClapArgs;

use super::call::OutputForm;

/// What is shown.
#[derive(Debug, ClapArgs)]
pub(crate) struct PreviewArgs {
    /// A file (.ndjson, .json, .csv, .tsv, .xlsx, .parquet, .arrow, also with .gz or .zst), sqlite:FILE#TABLE, postgres://USER@HOST/DATABASE#TABLE or adbc:DRIVER?OPTION=VALUE#TABLE
    #[arg(value_name = "FILE|TABLE")]
    pub(crate) place: String,
    /// How many rows
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub(crate) rows: usize,
    /// A statement for the database, instead of a table
    #[arg(long, value_name = "SQL")]
    pub(crate) sql: Option<String>,
    /// The character between the cells of csv, such as ;
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<char>,
    /// The sheet of a workbook, by name or number from 1
    #[arg(long, value_name = "SHEET")]
    pub(crate) sheet: Option<String>,
    /// Format of the rows [default: table on a terminal, ndjson on a pipe]
    #[arg(long, short, value_name = "FORM", value_enum)]
    pub(crate) format: Option<OutputForm>,
    /// Columns, such as id,company/name
    #[arg(long, value_name = "A,B/C", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
}
