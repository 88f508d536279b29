//! Rows as a sheet of an Excel workbook. Rows go to a temporary file; one of them is in memory.

use std::env;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::file_columns::listed;
use super::format::{ByteTarget, RowTarget, WorkbookPlan};
use super::workbook_cell::SheetValue;
use crate::error::{Error, ErrorKind, Result};
use crate::sink::failed;
use crate::table::{Cells, LoadColumn};

/// The usual name of the sheet.
const SHEET: &str = "rows";
/// Rows whose values decide the widths of columns.
const WIDTH_ROWS: u32 = 100;
/// The least and the largest width of a column, in characters.
const WIDTH: (usize, usize) = (8, 50);
/// The room of the button of a filter, in characters.
const BUTTON: usize = 3;
/// Bytes that are passed on together.
const CHUNK: usize = 256 << 10;

/// A workbook with one sheet.
pub(super) struct WorkbookTarget {
    book: Workbook,
    columns: Vec<SheetColumn>,
    /// The next row, from 0; the header is the first.
    row: u32,
    day: Format,
    time: Format,
    time_with_ms: Format,
    folder: PathBuf,
}

/// What is known of a column so far.
#[derive(Default)]
struct SheetColumn {
    name: String,
    /// In characters.
    width: usize,
    has_times: bool,
    has_long_numbers: bool,
    has_other_times: bool,
    has_empty_texts: bool,
}

impl WorkbookTarget {
    pub(super) fn new(columns: &[LoadColumn], plan: &WorkbookPlan) -> Result<WorkbookTarget> {
        let folder = plan.folder.clone().unwrap_or_else(env::temp_dir);
        let column = |column: &LoadColumn| SheetColumn {
            name: column.name.clone(),
            width: column.name.chars().count() + BUTTON,
            ..SheetColumn::default()
        };
        let columns: Vec<SheetColumn> = columns.iter().map(column).collect();
        let mut book = Workbook::new();
        let made = guarded(&folder, || {
            book.set_tempdir(&folder)?;
            let sheet = book.add_worksheet_with_constant_memory()?;
            sheet.set_name(plan.sheet.as_deref().unwrap_or(SHEET))?;
            sheet.set_freeze_panes(1, 0)?;
            let bold = Format::new().set_bold();
            for (at, column) in (0..).zip(&columns) {
                sheet.write_string_with_format(0, at, &column.name, &bold)?;
            }
            Ok(())
        });
        made?;
        let format = |text| Format::new().set_num_format(text);
        let (day, time) = (format("yyyy-mm-dd"), format("yyyy-mm-dd hh:mm:ss"));
        Ok(WorkbookTarget { book, columns, row: 1, day, time, time_with_ms: format("yyyy-mm-dd hh:mm:ss.000"), folder })
    }

    fn put_row(&mut self, row: &str, cells: &Cells) -> std::result::Result<(), XlsxError> {
        let sheet = self.book.worksheet_from_index(0)?;
        let number = self.row;
        for (index, (at, column)) in (0..).zip(&mut self.columns).enumerate() {
            let value = SheetValue::of(cells.get(row, index));
            if number <= WIDTH_ROWS {
                column.widen(&value);
            }
            column.note(&value);
            match value {
                SheetValue::Empty => continue,
                SheetValue::Flag(flag) => sheet.write_boolean(number, at, flag)?,
                SheetValue::Number(own) => sheet.write_number(number, at, own)?,
                SheetValue::Text(text) | SheetValue::OtherTime(text) => sheet.write_string(number, at, text)?,
                SheetValue::LongNumber(text) => sheet.write_string(number, at, text.as_ref())?,
                SheetValue::Day(own) => sheet.write_number_with_format(number, at, own, &self.day)?,
                SheetValue::Time(own, false) => sheet.write_number_with_format(number, at, own, &self.time)?,
                SheetValue::Time(own, true) => sheet.write_number_with_format(number, at, own, &self.time_with_ms)?,
            };
        }
        self.row += 1;
        Ok(())
    }

    fn complete(&mut self) -> std::result::Result<(), XlsxError> {
        let sheet: &mut Worksheet = self.book.worksheet_from_index(0)?;
        for (at, column) in (0..).zip(&self.columns) {
            sheet.set_column_width(at, column.width.clamp(WIDTH.0, WIDTH.1) as f64)?;
        }
        if let Some(last) = u16::try_from(self.columns.len()).ok().and_then(|count| count.checked_sub(1)) {
            sheet.autofilter(0, 0, self.row - 1, last)?;
        }
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        let of = |is_so: fn(&SheetColumn) -> bool| {
            let names: Vec<&str> =
                self.columns.iter().filter(|column| is_so(column)).map(|column| column.name.as_str()).collect();
            (!names.is_empty()).then(|| listed(&names))
        };
        let long = of(|column| column.has_long_numbers)
            .map(|names| format!("numbers with more than 15 digits are texts, because Excel rounds them: {names}"));
        let times = of(|column| column.has_times).map(|names| format!("times are in UTC: {names}"));
        let other = of(|column| column.has_other_times).map(|names| {
            format!("days before March 1900, and times with more digits than milliseconds, are texts: {names}")
        });
        let empty = of(|column| column.has_empty_texts)
            .map(|names| format!("empty texts are empty cells, as values that are null: {names}"));
        [long, times, other, empty].into_iter().flatten().collect()
    }
}

impl SheetColumn {
    fn widen(&mut self, value: &SheetValue<'_>) {
        let width = match value {
            SheetValue::Empty => 0,
            SheetValue::Flag(_) => 5,
            SheetValue::Number(number) => number.to_string().len(),
            SheetValue::Text(text) => text.lines().next().unwrap_or_default().chars().take(WIDTH.1).count(),
            SheetValue::LongNumber(text) => text.len(),
            SheetValue::OtherTime(text) => text.len(),
            SheetValue::Day(_) => 10,
            SheetValue::Time(_, has_ms) => 19 + 4 * usize::from(*has_ms),
        };
        self.width = self.width.max(width + 1);
    }

    fn note(&mut self, value: &SheetValue<'_>) {
        match value {
            SheetValue::LongNumber(_) => self.has_long_numbers = true,
            SheetValue::OtherTime(_) => self.has_other_times = true,
            SheetValue::Time(..) => self.has_times = true,
            SheetValue::Text("") => self.has_empty_texts = true,
            SheetValue::Empty | SheetValue::Flag(_) | SheetValue::Number(_) | SheetValue::Text(_) => {}
            SheetValue::Day(_) => {}
        }
    }
}

impl RowTarget for WorkbookTarget {
    fn put(&mut self, row: &str, cells: &Cells, _: &mut ByteTarget<'_>) -> Result<()> {
        let folder = self.folder.clone();
        guarded(&folder, || self.put_row(row, cells))
    }

    fn finish(mut self: Box<Self>, out: &mut ByteTarget<'_>) -> Result<Vec<String>> {
        let folder = self.folder.clone();
        let unwritten = |e: std::io::Error| failed("written", &folder.join("a temporary file"), &e);
        let mut file = tempfile::tempfile_in(&folder).map_err(unwritten)?;
        guarded(&folder, || {
            self.complete()?;
            self.book.save_to_writer(&mut file)
        })?;
        file.rewind().map_err(unwritten)?;
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = file.read(&mut chunk).map_err(unwritten)?;
            match chunk.get(..count).filter(|bytes| !bytes.is_empty()) {
                Some(bytes) => out(bytes)?,
                None => return Ok(self.notes()),
            }
        }
    }
}

/// Calls the workbook library, which panics when a temporary file cannot be written.
fn guarded(folder: &std::path::Path, work: impl FnOnce() -> std::result::Result<(), XlsxError>) -> Result<()> {
    let full = || {
        let message = format!("a temporary file in {} cannot be written", folder.display());
        Error::new(ErrorKind::State, message).advise("free disk space there, and run it again to resume")
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(XlsxError::IoError(cause) | XlsxError::TempFileError(_, cause))) => {
            Err(failed("written", &folder.join("a temporary file"), &cause))
        }
        Ok(Err(cause)) => Err(Error::new(ErrorKind::Internal, format!("the workbook could not be made: {cause}"))),
        Err(_) => Err(full()),
    }
}
