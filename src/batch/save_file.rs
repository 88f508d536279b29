//! Mirror of `save` of a step, as written.

use crate::authoring::values::mirrors;
use crate::output::{CellGuard, LineEnds};

mirrors! {
    /// A file for the rows
    struct SaveFile {
        /// Its path, - for standard output. A path that uses ${{ item.… }} writes each row to the file of its value
        pub to: String,
        /// The format; default: by extension
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub format: Option<SaveFormat>,
        /// Columns of csv and tsv, such as id or company/name; default: the fields of the record and those of the first rows
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
    }

    /// The format of a file
    #[derive(Copy, Eq, Hash)]
    enum SaveFormat { Ndjson, Json, Csv, Tsv }
}

impl SaveFormat {
    /// By the extension of a name.
    pub(super) fn of_extension(extension: &str) -> Option<SaveFormat> {
        match extension.to_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(SaveFormat::Ndjson),
            "json" => Some(SaveFormat::Json),
            "csv" => Some(SaveFormat::Csv),
            "tsv" | "tab" => Some(SaveFormat::Tsv),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            SaveFormat::Ndjson => "ndjson",
            SaveFormat::Json => "json",
            SaveFormat::Csv => "csv",
            SaveFormat::Tsv => "tsv",
        }
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
        }
    }
}

/// A path, or a path with its format
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SavePlacePart {
    /// A path
    Path(String),
    /// A path with its format
    File(SaveFile),
}

/// One place for the rows, or several
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SavePart {
    /// A path
    Path(String),
    /// A path with its format
    File(SaveFile),
    /// Several, which appear together
    Several(Vec<SavePlacePart>),
}
