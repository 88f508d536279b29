//! How a file is read: its format, its options, and the position in it. Pure data.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::row_schema::RowSchema;
use crate::error::{Error, ErrorKind, Result};

/// The format of a file with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum RowFormat {
    /// A JSON value per line.
    Ndjson,
    /// A list of values, or one object.
    Json,
    Csv,
    Tsv,
    /// A sheet of an Excel workbook.
    Xlsx,
    /// A Parquet file.
    Parquet,
    /// A file or a saved stream of Arrow IPC; also called Feather.
    Arrow,
}

impl RowFormat {
    /// By the extension of a name; `.gz` and `.zst` behind that of a text are ignored.
    pub(crate) fn of_name(path: &Path) -> Option<RowFormat> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let inner = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst"));
        let found = RowFormat::of_extension(inner.unwrap_or(&name).rsplit_once('.')?.1);
        found.filter(|format| format.is_text() || inner.is_none())
    }

    fn of_extension(extension: &str) -> Option<RowFormat> {
        match extension {
            "ndjson" | "jsonl" => Some(RowFormat::Ndjson),
            "json" => Some(RowFormat::Json),
            "csv" => Some(RowFormat::Csv),
            "tsv" | "tab" => Some(RowFormat::Tsv),
            "xlsx" | "xlsm" => Some(RowFormat::Xlsx),
            "parquet" => Some(RowFormat::Parquet),
            "arrow" | "feather" => Some(RowFormat::Arrow),
            _ => None,
        }
    }

    /// The same, with an error.
    ///
    /// # Errors
    /// `invalid_options` when the extension is not known.
    pub(crate) fn of_file(path: &Path) -> Result<RowFormat> {
        RowFormat::of_name(path).ok_or_else(|| {
            let message = format!("the name {} does not show the format", path.display());
            Error::new(ErrorKind::InvalidOptions, message).advise(
                "end it with .ndjson, .json, .csv, .tsv, also with .gz or .zst behind it, or with .xlsx, .parquet or \
                 .arrow; or name the format",
            )
        })
    }

    const fn name(self) -> &'static str {
        match self {
            RowFormat::Ndjson => "ndjson",
            RowFormat::Json => "json",
            RowFormat::Csv => "csv",
            RowFormat::Tsv => "tsv",
            RowFormat::Xlsx => "xlsx",
            RowFormat::Parquet => "parquet",
            RowFormat::Arrow => "arrow",
        }
    }

    /// Whether it is text, which can be compressed and can come from a stream.
    pub(crate) const fn is_text(self) -> bool {
        match self {
            RowFormat::Ndjson | RowFormat::Json | RowFormat::Csv | RowFormat::Tsv => true,
            RowFormat::Xlsx | RowFormat::Parquet | RowFormat::Arrow => false,
        }
    }

    /// What a file of it is called in messages.
    pub(super) const fn called(self) -> &'static str {
        match self {
            RowFormat::Ndjson | RowFormat::Json | RowFormat::Csv | RowFormat::Tsv => "a text",
            RowFormat::Xlsx => "a sheet",
            RowFormat::Parquet => "a Parquet file",
            RowFormat::Arrow => "an Arrow file",
        }
    }
}

/// The encoding of a text without a byte order mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) enum TextEncoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What an empty cell is, with or without quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum EmptyCell {
    /// The row does not have the field. A row without any value is skipped.
    #[default]
    Absent,
    Null,
    /// An empty text.
    Text,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CellType {
    Text,
    /// A whole number of any length.
    Integer,
    /// A number, digit for digit.
    Number,
    /// `true` or `false`, in lower or upper case.
    Boolean,
    /// A day in ISO 8601, such as 2026-01-31.
    Date,
    /// A time in ISO 8601, such as 2026-01-31T12:00:00, with or without an offset.
    DateTime,
    /// A list or an object as JSON.
    Json,
}

/// Which sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum SheetChoice {
    /// From 1.
    Number(usize),
    Name(String),
}

/// How a file is read. Each option belongs to some formats, and is refused for the others.
#[derive(Clone)]
pub(crate) struct ReadOptions {
    /// JSON: where the list is, as a JSON Pointer.
    pub(crate) pointer: Option<String>,
    /// Tables: whether the first row names the columns.
    pub(crate) header: bool,
    /// Tables: the names of the columns; with a header, instead of its names.
    pub(crate) columns: Vec<String>,
    /// CSV and TSV: an ASCII character between cells.
    pub(crate) delimiter: Option<char>,
    /// CSV and TSV: an ASCII character around cells; `None` if quotes are plain text.
    pub(crate) quote: Option<char>,
    /// Tables: the character that divides a name into nested fields, unless the schema has a field with the whole name.
    pub(crate) nested: Option<char>,
    /// Tables: what an empty cell is.
    pub(crate) empty: EmptyCell,
    /// Tables: the types of columns, by the name of the column. A cell that does not fit is an error of its row.
    pub(crate) types: BTreeMap<String, CellType>,
    /// Tables: types for the other columns. Cells that do not fit stay text; [`RowSchema::check`] reports them.
    pub(crate) schema: Option<Arc<RowSchema>>,
    /// Text formats: the encoding if there is no byte order mark.
    pub(crate) encoding: TextEncoding,
    /// Workbooks: the sheet; default: the first.
    pub(crate) sheet: Option<SheetChoice>,
    /// The largest row, in bytes of UTF-8.
    pub(crate) row_bytes: usize,
    /// The largest workbook, in bytes of its decompressed parts, and of its rows as JSON.
    #[cfg_attr(not(any(feature = "xlsx", test)), expect(dead_code, reason = "this build reads no workbooks"))]
    pub(crate) sheet_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions {
            pointer: None,
            header: true,
            columns: Vec::new(),
            delimiter: None,
            quote: Some('"'),
            nested: Some('.'),
            empty: EmptyCell::default(),
            types: BTreeMap::new(),
            schema: None,
            encoding: TextEncoding::default(),
            sheet: None,
            row_bytes: 16 << 20,
            sheet_bytes: 256 << 20,
        }
    }
}

impl ReadOptions {
    /// Checks the options for a format, before a file is opened.
    ///
    /// # Errors
    /// `invalid_options` for an option that the format does not have, and for an invalid value.
    pub(crate) fn check(&self, format: RowFormat) -> Result<()> {
        let is_text_table = matches!(format, RowFormat::Csv | RowFormat::Tsv);
        let is_table = is_text_table || format == RowFormat::Xlsx;
        let usual = ReadOptions::default();
        let only = |name: &str, formats: &str| {
            let message = format!("`{name}` is for {formats}, not for {}", format.name());
            Err(Error::new(ErrorKind::InvalidOptions, message).advise(format!("remove `{name}`")))
        };
        for (name, is_set) in [
            ("header", self.header != usual.header),
            ("columns", !self.columns.is_empty()),
            ("nested", self.nested != usual.nested),
            ("empty", self.empty != usual.empty),
            ("types", !self.types.is_empty()),
        ] {
            if is_set && !is_table {
                return only(name, "csv, tsv and xlsx");
            }
        }
        match () {
            () if self.delimiter.is_some() && !is_text_table => only("delimiter", "csv and tsv"),
            () if self.quote != usual.quote && !is_text_table => only("quote", "csv and tsv"),
            () if self.pointer.is_some() && format != RowFormat::Json => only("pointer", "json"),
            () if self.sheet.is_some() && format != RowFormat::Xlsx => only("sheet", "xlsx"),
            () if self.encoding != usual.encoding && !format.is_text() => only("encoding", "text formats"),
            () => self.check_values(is_table),
        }
    }

    fn check_values(&self, is_table: bool) -> Result<()> {
        let wrong =
            |message: &str, advice: &'static str| Err(Error::new(ErrorKind::InvalidOptions, message).advise(advice));
        let is_usable = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '\r' | '\n' | '\0');
        if self.delimiter.is_some_and(|c| !is_usable(c) || Some(c) == self.quote) {
            return wrong("`delimiter` must be one ASCII character, no letter, digit or quote", "write \",\" or \";\"");
        }
        if self.quote.is_some_and(|c| !is_usable(c)) {
            return wrong("`quote` must be one ASCII character, no letter or digit", "write '\"'");
        }
        if is_table && !self.header && self.columns.is_empty() {
            return wrong("without a header, `columns` must name the columns", "add `columns`");
        }
        if self.pointer.as_deref().is_some_and(|p| !p.is_empty() && !p.starts_with('/')) {
            return wrong("`pointer` must be a JSON Pointer", "begin it with a slash: /data");
        }
        if self.sheet == Some(SheetChoice::Number(0)) {
            return wrong("`sheet` counts from 1", "write 1 for the first sheet");
        }
        Ok(())
    }
}

/// A position between two rows of a file. The default is the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RowPosition {
    /// Rows before it, with those that had a fault.
    pub(crate) row: u64,
    /// Bytes of the text before it: in UTF-8, decompressed, without a byte order mark. 0 in files that are no text.
    pub(crate) byte: u64,
    /// Line ends before it.
    pub(crate) line: u64,
    /// JSON: the brackets that are open there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) within: String,
}
