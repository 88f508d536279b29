//! Rows of files, one JSON text at a time: NDJSON, JSON, CSV, TSV, Excel sheets, Parquet and Arrow. Memory is bounded by a
//! row, or a batch of rows; a sheet is loaded whole, up to a limit.
//!
//! A position can be stored, and a file that is opened there gives the remaining rows.

#[cfg(feature = "parquet")]
mod arrow_json;
#[cfg(feature = "parquet")]
mod arrow_messages;
#[cfg(feature = "parquet")]
mod arrow_rows;
#[cfg(feature = "parquet")]
mod arrow_time;
mod columns;
#[cfg(test)]
mod comparison_tests;
#[cfg(all(test, feature = "parquet"))]
mod damage_tests;
mod decode;
mod fault;
mod files;
mod json_rows;
mod line_rows;
#[cfg(any(feature = "parquet", feature = "xlsx"))]
mod number_text;
mod options;
mod row_schema;
mod row_text;
#[cfg(feature = "xlsx")]
mod sheet;
mod table_rows;
#[cfg(test)]
mod tests;
mod text_source;
mod typed_value;

use std::io::Read;
use std::path::Path;

#[cfg(feature = "adbc")]
pub(crate) use arrow_json::{put_fields, put_value};
#[cfg(feature = "cli")]
pub(crate) use columns::{ColumnName, HeaderFault, ItemShape, column_path, header_faults, single_field, uneven};
pub(crate) use options::{ReadOptions, RowFormat, RowPosition};
pub(crate) use {
    files::{FilePattern, files_of},
    options::{CellType, EmptyCell, SheetChoice, TextEncoding},
    row_schema::{RowFinding, RowSchema},
};
#[cfg(feature = "cli")]
pub(crate) use {
    row_text::{CsvMarks, RowText},
    typed_value::{at_path, quoted, referred, typed_by, typed_cell},
};

use crate::error::{Error, ErrorKind, Result};
use fault::RowFault;
use json_rows::JsonRows;
use line_rows::LineRows;
use table_rows::TableRows;
use text_source::TextSource;

/// The rows of one file, in order.
pub(crate) struct RowFile {
    rows: FormatRows,
    /// Rows so far, with those that had a fault.
    row: u64,
    text: String,
    /// The position before the current row.
    before: RowPosition,
    /// The fault after which the file cannot be read on.
    broken: Option<Error>,
}

enum FormatRows {
    Lines(LineRows),
    Json(JsonRows),
    Table(Box<TableRows>),
    #[cfg(feature = "xlsx")]
    Sheet(sheet::SheetRows),
    #[cfg(feature = "parquet")]
    Arrow(arrow_rows::ArrowRows),
}

impl RowFile {
    /// Opens a file at a position; the default position is its start. Files that begin as gzip does are decompressed.
    ///
    /// # Errors
    /// `invalid_options` for options that the format does not have; `invalid_items` when the header or the position does
    /// not fit the file; `unsupported` for a sheet in a build without them; `state` when the file cannot be read.
    pub(crate) fn open(path: &Path, format: RowFormat, options: &ReadOptions, from: &RowPosition) -> Result<RowFile> {
        options.check(format)?;
        let name = path.display().to_string();
        let rows = match format {
            #[cfg(feature = "xlsx")]
            RowFormat::Xlsx => FormatRows::Sheet(sheet::SheetRows::open(path, options, from)?),
            #[cfg(not(feature = "xlsx"))]
            RowFormat::Xlsx => return Err(without(&name, format)),
            #[cfg(feature = "parquet")]
            RowFormat::Parquet | RowFormat::Arrow => {
                FormatRows::Arrow(arrow_rows::ArrowRows::open(path, format, options, from)?)
            }
            #[cfg(not(feature = "parquet"))]
            RowFormat::Parquet | RowFormat::Arrow => return Err(without(&name, format)),
            RowFormat::Ndjson | RowFormat::Json | RowFormat::Csv | RowFormat::Tsv => {
                let source = TextSource::open(path, name, options)?;
                text_rows(source, format, options, from)?
            }
        };
        Ok(RowFile::of(rows, from))
    }

    /// Reads a stream, such as standard input, from a position on; what is before it is read and skipped.
    ///
    /// # Errors
    /// As [`open`](Self::open); `unsupported` for a sheet, which cannot be read from a stream.
    pub(crate) fn read(
        input: impl Read + Send + 'static,
        name: &str,
        format: RowFormat,
        options: &ReadOptions,
        from: &RowPosition,
    ) -> Result<RowFile> {
        options.check(format)?;
        if !format.is_text() {
            let message = format!("{name}: {} cannot be read from a stream", format.called());
            return Err(Error::new(ErrorKind::Unsupported, message).advise("save it as a file, and give its path"));
        }
        let source = TextSource::of(Box::new(input), name.to_owned(), options)?;
        Ok(RowFile::of(text_rows(source, format, options, from)?, from))
    }

    fn of(rows: FormatRows, from: &RowPosition) -> RowFile {
        RowFile { rows, row: from.row, text: String::new(), before: from.clone(), broken: None }
    }

    /// The next row as JSON on one line; `None` at the end.
    ///
    /// # Errors
    /// `invalid_items` for an invalid row, with file and line: the next call gives the row behind it, unless the file
    /// [is broken](Self::is_broken). `limit` for a row that is too long; `state` when the file cannot be read.
    pub(crate) fn next_row(&mut self) -> Result<Option<&str>> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        self.before = self.position();
        self.text.clear();
        let next = match &mut self.rows {
            FormatRows::Lines(rows) => rows.next(&mut self.text),
            FormatRows::Json(rows) => rows.next(&mut self.text),
            FormatRows::Table(rows) => rows.next(&mut self.text),
            #[cfg(feature = "xlsx")]
            FormatRows::Sheet(rows) => rows.next(&mut self.text),
            #[cfg(feature = "parquet")]
            FormatRows::Arrow(rows) => rows.next(&mut self.text),
        };
        match next {
            Ok(true) => {
                self.row += 1;
                Ok(Some(&self.text))
            }
            Ok(false) => Ok(None),
            Err(RowFault::Row(error)) => {
                self.row += 1;
                Err(error)
            }
            Err(RowFault::File(error)) => {
                self.broken = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Whether an error has ended the reading: then every call gives this error again.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// The line in which the last row starts, from 1; of a sheet, its row.
    pub(crate) fn line(&self) -> u64 {
        match &self.rows {
            FormatRows::Lines(rows) => rows.line(),
            FormatRows::Json(rows) => rows.line(),
            FormatRows::Table(rows) => rows.line(),
            #[cfg(feature = "xlsx")]
            FormatRows::Sheet(rows) => rows.line(),
            #[cfg(feature = "parquet")]
            FormatRows::Arrow(rows) => rows.line(),
        }
    }

    /// The position behind the last row; of a broken file, before the row that cannot be read.
    pub(crate) fn position(&self) -> RowPosition {
        if self.is_broken() {
            return self.before.clone();
        }
        let place = match &self.rows {
            FormatRows::Lines(rows) => rows.position(),
            FormatRows::Json(rows) => rows.position(),
            FormatRows::Table(rows) => rows.position(),
            #[cfg(feature = "xlsx")]
            FormatRows::Sheet(_) => RowPosition::default(),
            #[cfg(feature = "parquet")]
            FormatRows::Arrow(_) => RowPosition::default(),
        };
        RowPosition { row: self.row, ..place }
    }

    /// The position before the last row, also if it is invalid.
    pub(crate) fn before(&self) -> &RowPosition {
        &self.before
    }

    /// What the last row is called in messages.
    pub(crate) fn row_name(&self, file: &str) -> String {
        let what = match &self.rows {
            FormatRows::Lines(_) | FormatRows::Json(_) | FormatRows::Table(_) => "line",
            #[cfg(feature = "xlsx")]
            FormatRows::Sheet(_) => "row",
            #[cfg(feature = "parquet")]
            FormatRows::Arrow(_) => "row",
        };
        format!("{what} {} of {file}", self.line())
    }

    /// Bytes that the reader holds for the current row.
    #[cfg(test)]
    fn held(&self) -> usize {
        let own = match &self.rows {
            FormatRows::Lines(rows) => rows.held(),
            FormatRows::Json(rows) => rows.held(),
            FormatRows::Table(rows) => rows.held(),
            #[cfg(feature = "xlsx")]
            FormatRows::Sheet(_) => 0,
            #[cfg(feature = "parquet")]
            FormatRows::Arrow(rows) => rows.held(),
        };
        own + self.text.capacity()
    }
}

fn text_rows(source: TextSource, format: RowFormat, options: &ReadOptions, from: &RowPosition) -> Result<FormatRows> {
    match format {
        RowFormat::Ndjson => LineRows::open(source, from).map(FormatRows::Lines),
        RowFormat::Json => JsonRows::open(source, options, from).map(FormatRows::Json),
        RowFormat::Csv => TableRows::open(source, b',', options, from).map(Box::new).map(FormatRows::Table),
        RowFormat::Tsv => TableRows::open(source, b'\t', options, from).map(Box::new).map(FormatRows::Table),
        RowFormat::Xlsx | RowFormat::Parquet | RowFormat::Arrow => Err(without(source.name(), format)),
    }
}

/// Whether this build reads the format.
///
/// # Errors
/// `unsupported` for a format in a build without it.
pub(crate) fn check_build(name: &str, format: RowFormat) -> Result<()> {
    let has = match format {
        RowFormat::Ndjson | RowFormat::Json | RowFormat::Csv | RowFormat::Tsv => true,
        RowFormat::Xlsx => cfg!(feature = "xlsx"),
        RowFormat::Parquet | RowFormat::Arrow => cfg!(feature = "parquet"),
    };
    if has { Ok(()) } else { Err(without(name, format)) }
}

fn without(name: &str, format: RowFormat) -> Error {
    let (what, advice) = match format {
        RowFormat::Xlsx => ("Excel sheets", "build opnode with the feature `xlsx`, or save the sheet as CSV"),
        RowFormat::Parquet => ("Parquet files", "build opnode with the feature `parquet`, or save the rows as CSV"),
        RowFormat::Arrow => ("Arrow files", "build opnode with the feature `parquet`, or save the rows as CSV"),
        RowFormat::Ndjson | RowFormat::Json | RowFormat::Csv | RowFormat::Tsv => ("such files", "build opnode anew"),
    };
    Error::new(ErrorKind::Unsupported, format!("{name}: this build does not read {what}")).advise(advice)
}
