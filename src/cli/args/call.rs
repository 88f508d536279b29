//! Arguments of calls: query, mutate, delete. Values stay text here; `call` parses them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use jiff::SignedDuration;

use super::recording::{PlanForm, RecordArgs};
use super::table::TableArgs;

/// The system to call.
#[derive(Debug, ClapArgs)]
pub(crate) struct SystemArgs {
    /// The connection [default: the only one that fits]
    #[arg(long, short, value_name = "NAME", conflicts_with = "sandbox")]
    pub(crate) connection: Option<String>,
    /// Call a built-in mock server instead of a real system
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Faults for the sandbox to simulate, such as every=7,kinds=429+503+reset+slow
    #[arg(long, value_name = "SPEC", requires = "sandbox", conflicts_with = "connection")]
    pub(crate) faults: Option<String>,
}

/// Arguments of every call.
#[derive(Debug, ClapArgs)]
pub(crate) struct CallArgs {
    /// OperationId, or CONNECTOR/OperationId
    #[arg(value_name = "OPERATION_ID", required_unless_present = "template", conflicts_with = "template")]
    pub(crate) operation: Option<String>,
    /// Use the operation, options and items of a template; other arguments override them
    #[arg(long, short, value_name = "NAME")]
    pub(crate) template: Option<String>,
    #[command(flatten)]
    pub(crate) system: SystemArgs,
    /// Options as a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) options: Option<String>,
    /// One option, or a field of an item (items.0.title=…), typed by the operation. Repeatable
    #[arg(long, short, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Send the sample values of a template that asks for your values
    #[arg(long)]
    pub(crate) use_sample: bool,
    /// Print the requests, credentials masked; send nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Form of --plan: curl prints command lines to paste, with variables for credentials
    #[arg(long = "as", value_name = "FORM", value_enum, requires = "plan")]
    pub(crate) form: Option<PlanForm>,
    /// Stop the call after this time, such as 30s, 5m or 500ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
}

/// Where items are written, and in which format.
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Format of the items [default: by file extension, else table on a terminal, ndjson on a pipe]
    #[arg(long, short, value_name = "FORM", value_enum)]
    pub(crate) format: Option<OutputForm>,
    /// Write items to this file, which appears when it is complete; with a query that returns a file, that file unless --format is given. Also a table: sqlite:FILE#TABLE, postgres://USER@HOST/DATABASE#TABLE or adbc:DRIVER?OPTION=VALUE#TABLE, which gets all items or none
    #[arg(long, short, value_name = "FILE|TABLE")]
    pub(crate) output: Option<PathBuf>,
    /// Write files that the operation returns into this folder, instead of into their items; an item then has the file's path
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
    /// Columns of csv, tsv and table, such as id,company/name
    #[arg(long, value_name = "A,B/C", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    #[command(flatten)]
    pub(crate) csv: CsvArgs,
    /// Write the receipt, a summary of the call, to this file as JSON; - for stderr
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// The form of csv and tsv.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct CsvArgs {
    /// Character between the values of csv, such as ;
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub(crate) delimiter: Option<u8>,
    /// Begin csv and tsv with a byte order mark, by which Excel detects UTF-8
    #[arg(long)]
    pub(crate) bom: bool,
    /// End the lines of csv and tsv with CR LF
    #[arg(long)]
    pub(crate) crlf: bool,
    /// In csv and tsv, put ' before texts that a spreadsheet would run as formulas
    #[arg(long)]
    pub(crate) guard_formulas: bool,
}

impl CsvArgs {
    /// The first flag that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--delimiter", self.delimiter.is_some()),
            ("--bom", self.bom),
            ("--crlf", self.crlf),
            ("--guard-formulas", self.guard_formulas),
        ];
        flags.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }
}

/// Format of the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    Ndjson,
    Json,
    Csv,
    Tsv,
    Table,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct QueryArgs {
    /// Stop after this many items
    #[arg(long, short, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Read by key instead of by page: slower, but without gaps while records are added or deleted
    #[arg(long)]
    pub(crate) forward_only: bool,
    /// Fail if announced pages are missing, if no reply marks the end of the list, or if an option names a field that no record has
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}

/// Arguments of writes.
#[derive(Debug, ClapArgs)]
pub(crate) struct WriteArgs {
    /// The items: a JSON array, one JSON object, or one per line; @FILE, or - for standard input. @FILE.csv, .tsv or .xlsx is a table whose first row names the fields; @FILE.parquet and .arrow are read as well, and texts may end with .gz or .zst
    #[arg(long, short, value_name = "JSON|@FILE|-")]
    pub(crate) items: Option<String>,
    /// Stop after the first failure; in-flight requests finish
    #[arg(long)]
    pub(crate) stop_on_error: bool,
    /// For delete: delete several records without confirmation
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Fail on unknown fields in items instead of warning
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write the outcome of each item to this file, one JSON object per line
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) outcomes: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WriteCallArgs {
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) call: CallArgs,
}

/// A character between values: an ASCII character that is no letter, digit or quote.
fn delimiter(text: &str) -> Result<u8, String> {
    let is_fit = |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n\0".contains(byte);
    match text.as_bytes() {
        [byte] if is_fit(byte) => Ok(*byte),
        _ => Err("write one character, such as ; or |; for tabs, use --format tsv".to_owned()),
    }
}

/// A time such as `30s`, `5m`, `1h30m`, `500ms`, or seconds as a plain number.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    let read = if is_plain { format!("{text}s").parse::<SignedDuration>() } else { text.parse() };
    let time = read.map_err(|_| "write a time as 30s, 5m or 500ms".to_owned())?;
    let time = Duration::try_from(time).ok().filter(|time| !time.is_zero());
    time.ok_or_else(|| "the time must be greater than zero".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn durations_have_units() {
        for (text, ms) in [
            ("30s", 30_000),
            ("30", 30_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("1h", 3_600_000),
            (" 2 s", 2_000),
            ("1h30m", 5_400_000),
            ("1.5s", 1_500),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "0", "-1s", "5d", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
