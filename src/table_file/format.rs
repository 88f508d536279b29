//! The formats of files with typed columns.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::table::Cells;

/// Receives the bytes of a file.
pub(crate) type ByteTarget<'o> = dyn FnMut(&[u8]) -> Result<()> + 'o;

/// Rows between two checks whether the writing must stop.
pub(super) const CHECKED: u64 = 1_000;

/// The format of a file with typed columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TableFileFormat {
    Parquet,
    /// The file form of Arrow IPC, also called Feather.
    Arrow,
    Xlsx(WorkbookPlan),
}

/// How a workbook is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkbookPlan {
    /// The name of its sheet; `rows` if there is none.
    pub(crate) sheet: Option<String>,
    /// Where its temporary files are; the system's folder if there is none.
    pub(crate) folder: Option<PathBuf>,
}

/// A file that rows are written to.
pub(super) trait RowTarget {
    /// Adds a row.
    fn put(&mut self, row: &str, cells: &Cells, out: &mut ByteTarget<'_>) -> Result<()>;

    /// Writes the rest. Returns notes for the user.
    fn finish(self: Box<Self>, out: &mut ByteTarget<'_>) -> Result<Vec<String>>;
}

impl TableFileFormat {
    /// The name in messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            TableFileFormat::Parquet => "parquet",
            TableFileFormat::Arrow => "arrow",
            TableFileFormat::Xlsx(_) => "xlsx",
        }
    }

    /// That of a file with this extension, without its dot.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "batches have their own names of formats"))]
    pub(crate) fn of_extension(extension: &str) -> Option<TableFileFormat> {
        match extension.to_lowercase().as_str() {
            "parquet" => Some(TableFileFormat::Parquet),
            "arrow" | "feather" => Some(TableFileFormat::Arrow),
            "xlsx" => Some(TableFileFormat::Xlsx(WorkbookPlan::default())),
            _ => None,
        }
    }

    /// Whether this build writes the format, and its options are valid.
    ///
    /// # Errors
    /// `unsupported` in a build without the feature; `invalid_options` for a name that a sheet cannot have.
    pub(crate) fn check(&self) -> Result<()> {
        let (has, what, feature) = match self {
            TableFileFormat::Parquet => (cfg!(feature = "parquet"), "Parquet files", "parquet"),
            TableFileFormat::Arrow => (cfg!(feature = "parquet"), "Arrow files", "parquet"),
            TableFileFormat::Xlsx(_) => (cfg!(feature = "xlsx"), "Excel workbooks", "xlsx"),
        };
        if !has {
            return Err(Error::new(ErrorKind::Unsupported, format!("this build does not write {what}"))
                .advise(format!("build opnode with the feature `{feature}`, or save the rows as CSV")));
        }
        match self {
            TableFileFormat::Xlsx(WorkbookPlan { sheet: Some(sheet), .. }) => check_sheet_name(sheet),
            TableFileFormat::Parquet | TableFileFormat::Arrow | TableFileFormat::Xlsx(_) => Ok(()),
        }
    }
}

/// What Excel accepts as the name of a sheet.
fn check_sheet_name(name: &str) -> Result<()> {
    const LONGEST: usize = 31;
    let fits = !name.is_empty()
        && name.encode_utf16().count() <= LONGEST
        && !name.contains(|c: char| "[]:*?/\\".contains(c) || c.is_control())
        && !name.starts_with('\'')
        && !name.ends_with('\'')
        && !name.eq_ignore_ascii_case("history");
    if fits {
        return Ok(());
    }
    let message = format!("`{}` cannot be the name of a sheet", name.escape_debug());
    let advice = "use 1 to 31 characters without [ ] : * ? / \\, without ' at its ends, and not `History`";
    Err(Error::new(ErrorKind::InvalidOptions, message).advise(advice))
}
