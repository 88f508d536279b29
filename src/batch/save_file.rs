//! Mirror of `save` of a step, as written.

use std::path::Path;

use crate::authoring::Ordered;
use crate::authoring::values::{NamesPart, mirrors};
use crate::connections::ValueFile;
use crate::output::{CellGuard, Compression, LineEnds};
use crate::table::{Evolve, LoadMode, Nested, ValueKind};

mirrors! {
    /// A file or a table for the rows
    struct SaveFile {
        /// The path of a file, also with .gz or .zst behind a text format, - for standard output, sqlite:FILE#TABLE, postgres://USER@HOST/DATABASE#TABLE or adbc:DRIVER?OPTION=VALUE#TABLE. A path that uses ${{ item.… }} writes each row to the file of its value
        pub to: String,
        /// The format; default: by extension
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub format: Option<SaveFormat>,
        /// Columns, such as id or company/name; default: the fields of the record, and those that rows have besides
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub columns: Vec<String>,
        /// true: rows are added to the end of an existing file, once; for ndjson, csv and tsv
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub append: bool,
        /// The character between cells of csv, such as ";"
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub delimiter: Option<String>,
        /// true: csv and tsv begin with a byte order mark, by which spreadsheets detect UTF-8
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub bom: bool,
        /// How lines of csv and tsv end: lf (default) or crlf
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub line_ends: Option<LineEnds>,
        /// formulas: an apostrophe is put before texts of csv and tsv that a spreadsheet would run as formulas
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub guard: Option<CellGuard>,
        /// outcomes: a row with index, outcome, item, record and error for each item of a write, instead of the returned records
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rows: Option<SavedRows>,
        /// How rows get into a table: append (default), replace, upsert, mirror or history
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mode: Option<LoadMode>,
        /// The fields that identify a row of a table; default for upsert, mirror and history: id
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<NamesPart>,
        /// What may change in a table that exists: none, add (columns) or widen (also their types); default: widen for tables that opnode has made, else none
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub evolve: Option<Evolve>,
        /// What becomes of objects in rows: json (default), or flatten: a column for each of their fields, such as company__name
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub nested: Option<Nested>,
        /// Lists in rows that get a table of their own, TABLE__lines: a row for each element, with the key of its row; default: lists are JSON
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lists: Option<NamesPart>,
        /// Types of columns; default: those of the record, or those that hold all values
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub types: Ordered<ValueKind>,
        /// The name of the sheet of a workbook; default: rows
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sheet: Option<String>,
        /// The password of the database, or a reference to it, such as { env: DESK_PASSWORD }; default: the environment variable PGPASSWORD
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub password: Option<ValueFile>,
    }

    /// What is saved of a write
    #[derive(Copy, Eq, Hash)]
    enum SavedRows {
        /// The records that the system returned
        Records,
        /// A row for each item
        Outcomes,
    }

    /// The format of a file
    #[derive(Copy, Eq, Hash)]
    enum SaveFormat { Ndjson, Json, Csv, Tsv, Parquet, Arrow, Xlsx }
}

impl SaveFormat {
    /// By a name, also with .gz or .zst behind it.
    pub(super) fn of_name(name: &Path) -> Option<SaveFormat> {
        let inner = Compression::of_name(name).map(|(_, inner)| inner);
        let name = inner.as_deref().unwrap_or(name);
        SaveFormat::of_extension(&name.extension()?.to_string_lossy())
    }

    /// By the extension of a name.
    pub(super) fn of_extension(extension: &str) -> Option<SaveFormat> {
        match extension.to_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(SaveFormat::Ndjson),
            "json" => Some(SaveFormat::Json),
            "csv" => Some(SaveFormat::Csv),
            "tsv" | "tab" => Some(SaveFormat::Tsv),
            "parquet" => Some(SaveFormat::Parquet),
            "arrow" | "feather" => Some(SaveFormat::Arrow),
            "xlsx" => Some(SaveFormat::Xlsx),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            SaveFormat::Ndjson => "ndjson",
            SaveFormat::Json => "json",
            SaveFormat::Csv => "csv",
            SaveFormat::Tsv => "tsv",
            SaveFormat::Parquet => "parquet",
            SaveFormat::Arrow => "arrow",
            SaveFormat::Xlsx => "xlsx",
        }
    }

    /// Whether its rows are lines or a list of texts.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, SaveFormat::Ndjson | SaveFormat::Json | SaveFormat::Csv | SaveFormat::Tsv)
    }
}

impl SaveFile {
    /// A file with the usual options.
    pub(super) fn of(to: String) -> SaveFile {
        SaveFile {
            to,
            format: None,
            columns: Vec::new(),
            append: false,
            delimiter: None,
            bom: false,
            line_ends: None,
            guard: None,
            rows: None,
            mode: None,
            key: None,
            evolve: None,
            nested: None,
            lists: None,
            types: Ordered::new(),
            sheet: None,
            password: None,
        }
    }

    /// Its keys that texts do not have, and whether each is given.
    pub(super) fn table_keys(&self) -> [(&'static str, bool); 8] {
        [
            ("mode", self.mode.is_some()),
            ("key", self.key.is_some()),
            ("evolve", self.evolve.is_some()),
            ("nested", self.nested.is_some()),
            ("lists", self.lists.is_some()),
            ("types", !self.types.is_empty()),
            ("sheet", self.sheet.is_some()),
            ("password", self.password.is_some()),
        ]
    }
}

/// A path or a table, or one with its options
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SavePlacePart {
    /// A path
    Path(String),
    /// A path with its format
    File(Box<SaveFile>),
}

/// One place for the rows, or several
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SavePart {
    /// A path
    Path(String),
    /// A path with its format
    File(Box<SaveFile>),
    /// Several, which appear together
    Several(Vec<SavePlacePart>),
}

impl SavePart {
    /// The places, each with where it is written below `save`.
    pub(super) fn places(&self) -> Vec<(String, SavePlacePart)> {
        match self {
            SavePart::Path(to) => vec![(String::new(), SavePlacePart::Path(to.clone()))],
            SavePart::File(file) => vec![(String::new(), SavePlacePart::File(file.clone()))],
            SavePart::Several(parts) => {
                parts.iter().enumerate().map(|(index, part)| (format!("/{index}"), part.clone())).collect()
            }
        }
    }
}
