//! Where the rows of a step are saved, as checked values.

use serde::{Deserialize, Serialize};

use super::save_file::SaveFormat;
use crate::expression::{Expr, Shape};
use crate::output::{CellGuard, CsvOptions, Form, LineEnds};
use crate::table::{Evolve, LoadMode, TableForm};
use crate::table_file::{TableFileFormat, WorkbookPlan};

/// A place for the rows of a step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Save {
    /// Its path, or `-`.
    pub(crate) to: Shape,
    pub(crate) format: Option<SaveFormat>,
    /// Whether rows are added to the end of an existing file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) append: bool,
    /// Whether the rows are the outcomes of the items.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) outcomes: bool,
    pub(crate) table: SaveTable,
    /// The form of a table, unless the place is known to be a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) load: Option<TableSave>,
}

/// How rows get into a table of a database, or into a file with typed columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct TableSave {
    pub(crate) mode: LoadMode,
    /// The columns that identify a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) key: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evolve: Option<Evolve>,
    pub(crate) form: TableForm,
    /// The name of the sheet of a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sheet: Option<String>,
    /// Keys that were given and that texts do not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) given: Vec<String>,
    /// Whether the rows are only those since a watermark.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_partial: bool,
}

/// The form of CSV and TSV.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SaveTable {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) columns: Vec<String>,
    /// Without `columns`: the fields of the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) declared: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delimiter: Option<u8>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) bom: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line_ends: Option<LineEnds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) guard: Option<CellGuard>,
}

impl Save {
    /// Whether each row has a file of its own value.
    pub(crate) fn is_partitioned(&self) -> bool {
        self.to.expressions().iter().any(|(_, expr)| is_of_row(expr))
    }

    /// The form of a file with typed columns; nothing for a text.
    pub(crate) fn file_format(&self, format: SaveFormat) -> Option<TableFileFormat> {
        let sheet = || self.load.as_ref().and_then(|load| load.sheet.clone());
        match format {
            SaveFormat::Ndjson | SaveFormat::Json | SaveFormat::Csv | SaveFormat::Tsv => None,
            SaveFormat::Parquet => Some(TableFileFormat::Parquet),
            SaveFormat::Arrow => Some(TableFileFormat::Arrow),
            SaveFormat::Xlsx => Some(TableFileFormat::Xlsx(WorkbookPlan { sheet: sheet(), folder: None })),
        }
    }

    /// The path as it was written.
    pub(crate) fn written_path(&self) -> String {
        let json = serde_json::to_value(&self.to).unwrap_or_default();
        json.as_str().unwrap_or_default().to_owned()
    }
}

/// Whether the value of an expression depends on the row.
pub(super) fn is_of_row(expr: &Expr) -> bool {
    expr.paths().iter().any(|path| path.first().is_some_and(|root| root == "item" || root == "index"))
}

impl SaveTable {
    /// Its keys, and whether each is given.
    pub(super) fn keys(&self) -> [(&'static str, bool); 5] {
        [
            ("columns", !self.columns.is_empty()),
            ("bom", self.bom),
            ("line_ends", self.line_ends.is_some()),
            ("guard", self.guard.is_some()),
            ("delimiter", self.delimiter.is_some()),
        ]
    }

    /// The cells of the header if `columns` are given.
    pub(super) fn titles(&self, format: SaveFormat) -> Vec<String> {
        Form::table(self.options(format, false)).titles()
    }

    /// As options of the writer; `is_headless` for rows that are added below a header.
    pub(super) fn options(&self, format: SaveFormat, is_headless: bool) -> CsvOptions {
        let usual = if format == SaveFormat::Tsv { CsvOptions::tsv() } else { CsvOptions::default() };
        CsvOptions {
            delimiter: self.delimiter.unwrap_or(usual.delimiter),
            bom: self.bom,
            is_headless,
            line_ends: self.line_ends.unwrap_or_default(),
            guard: self.guard.unwrap_or_default(),
            columns: self.columns.clone(),
            declared: self.declared.clone(),
        }
    }
}
