//! Rows of a sheet of an Excel workbook. The sheet is loaded as JSON lines, up to a limit.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use zip::ZipArchive;

use super::columns::{COLUMNS_MAX, CellValue, TableColumns, header_error};
use super::fault::{RowFault, line_place};
use super::number_text::number_text;
use super::options::{ReadOptions, RowPosition, SheetChoice};
use super::text_source::unread_file;
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// The rows of the largest sheet.
const ROWS_MAX: u32 = 1 << 20;

/// The loaded rows of a sheet.
pub(super) struct SheetRows {
    rows: std::vec::IntoIter<LoadedRow>,
    line: u64,
}

/// A row, or why it is invalid.
struct LoadedRow {
    /// Its number in the sheet, from 1.
    line: u64,
    json: Result<String>,
}

/// A cell of a sheet as text.
struct SheetCell {
    column: usize,
    text: String,
    /// Whether it is a number or a flag.
    is_plain: bool,
    /// Whether it is an error of a formula.
    is_error: bool,
}

impl SheetRows {
    pub(super) fn open(path: &Path, options: &ReadOptions, from: &RowPosition) -> Result<SheetRows> {
        let name = path.display().to_string();
        let mut file = File::open(path).map_err(|e| unread_file(&name, &e))?;
        check_size(&mut file, &name, options.sheet_bytes)?;
        file.rewind().map_err(|e| unread_file(&name, &e))?;
        // The workbook library panics on some damaged addresses.
        let loaded = catch_unwind(AssertUnwindSafe(|| load(file, &name, options)));
        let all = loaded.unwrap_or_else(|_| Err(damaged(&name, "it has an invalid address")))?;
        let mut rows = all.into_iter();
        let passed = usize::try_from(from.row).unwrap_or(usize::MAX);
        if passed > rows.len() {
            let message = format!("{name} has changed: its sheet has fewer than {passed} rows");
            return Err(Error::new(ErrorKind::InvalidItems, message).advise("read it from its start"));
        }
        rows.by_ref().take(passed).for_each(drop);
        Ok(SheetRows { rows, line: 0 })
    }

    pub(super) fn next(&mut self, out: &mut String) -> Result<bool, RowFault> {
        let Some(row) = self.rows.next() else { return Ok(false) };
        self.line = row.line;
        out.push_str(&row.json.map_err(RowFault::Row)?);
        Ok(true)
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }
}

/// The rows of the chosen sheet.
fn load(file: File, name: &str, options: &ReadOptions) -> Result<Vec<LoadedRow>> {
    let mut book: Xlsx<_> = Xlsx::new(BufReader::new(file)).map_err(|e| unreadable(name, &e))?;
    let sheet = chosen(&book.sheet_names(), options.sheet.as_ref(), name)?;
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(|e| unreadable(name, &e))?;
    let mut loader = Loader { name, sheet: &sheet, options, columns: None, rows: Vec::new(), bytes: 0 };
    let mut row: Vec<SheetCell> = Vec::new();
    let mut last = (0, 0);
    while let Some(cell) = cells.next_cell().map_err(|e| unreadable(name, &e))? {
        let at = cell.get_position();
        // An address that is too large for the library can become another one.
        if at < last || at.0 >= ROWS_MAX || at.1 as usize >= COLUMNS_MAX {
            return Err(damaged(name, "its cells are not in the order of their addresses"));
        }
        if at.0 != last.0 {
            loader.add(u64::from(last.0) + 1, &row)?;
            row.clear();
        }
        last = at;
        row.extend(SheetCell::of(at.1 as usize, cell.get_value()));
    }
    loader.add(u64::from(last.0) + 1, &row)?;
    if loader.columns.is_none() && options.header {
        let error = Error::new(ErrorKind::InvalidItems, format!("sheet `{sheet}` of {name} is empty"));
        return Err(error
            .at(line_place(name, 1, None))
            .advise("the first row names the fields; or name another sheet"));
    }
    Ok(loader.rows)
}

/// Builds the rows of a sheet.
struct Loader<'o> {
    name: &'o str,
    sheet: &'o str,
    options: &'o ReadOptions,
    columns: Option<TableColumns>,
    rows: Vec<LoadedRow>,
    bytes: u64,
}

impl Loader<'_> {
    fn add(&mut self, line: u64, cells: &[SheetCell]) -> Result<()> {
        if cells.is_empty() {
            return Ok(());
        }
        let columns = match self.columns.take() {
            Some(columns) => columns,
            None => {
                self.columns = Some(self.header(line, cells)?);
                match self.options.header {
                    true => return Ok(()),
                    false => return self.add(line, cells),
                }
            }
        };
        let json = self.row(&columns, line, cells);
        self.columns = Some(columns);
        let Some(json) = json.transpose() else { return Ok(()) };
        self.bytes += json.as_ref().map_or(0, |json| json.len() as u64);
        if self.bytes > self.options.sheet_bytes {
            return Err(too_large(self.name, self.options.sheet_bytes));
        }
        self.rows.push(LoadedRow { line, json });
        Ok(())
    }

    fn header(&self, line: u64, cells: &[SheetCell]) -> Result<TableColumns> {
        let width = cells.iter().map(|cell| cell.column + 1).max().unwrap_or(0);
        let mut names = vec![""; width];
        for cell in cells {
            if let Some(name) = names.get_mut(cell.column) {
                *name = &cell.text;
            }
        }
        let given: Vec<&str> = self.options.columns.iter().map(String::as_str).collect();
        if self.options.header && !given.is_empty() && given.len() != width {
            let message = format!(
                "the header of sheet `{}` in {} has {width} names, but `columns` has {}",
                self.sheet,
                self.name,
                given.len()
            );
            return Err(Error::new(ErrorKind::InvalidItems, message).advise("name as many columns as the header has"));
        }
        let names = if given.is_empty() { names } else { given };
        let place = |column: usize| line_place(self.name, line, Some(column as u64 + 1));
        let columns =
            TableColumns::new(&names, self.options).map_err(|faults| header_error(self.name, faults, place))?;
        columns.check_types(self.options, self.name)?;
        Ok(columns)
    }

    /// A row as JSON; `None` if it has no value.
    fn row(&self, columns: &TableColumns, line: u64, cells: &[SheetCell]) -> Result<Option<String>> {
        let refuse = |column: usize, message: String, advice: &'static str| {
            let address = format!("{}{line}", letters(column));
            let message = format!("cell {address} of sheet `{}` in {}: {message}", self.sheet, self.name);
            let place = line_place(self.name, line, Some(column as u64 + 1));
            Err(Error::new(ErrorKind::InvalidItems, message).at(place).advise(advice))
        };
        if let Some(cell) = cells.iter().find(|cell| cell.column >= columns.len()) {
            let advice = "name the column in the header, or clear the cell";
            return refuse(cell.column, "its column has no name".to_owned(), advice);
        }
        if let Some(cell) = cells.iter().find(|cell| cell.is_error) {
            return refuse(cell.column, format!("the formula gives {}", cell.text), "correct the formula");
        }
        let value = |column: usize| {
            let cell = cells.get(cells.binary_search_by_key(&column, |cell| cell.column).ok()?)?;
            Some(if cell.is_plain { CellValue::Plain(&cell.text) } else { CellValue::Text(&cell.text) })
        };
        let mut out = String::new();
        match columns.put(&mut out, value) {
            Err(misfit) => refuse(misfit.column, misfit.message, "correct the value, or the type of the column"),
            Ok(_) if out.len() > self.options.row_bytes => {
                let max = self.options.row_bytes;
                let message = format!("line {line} of {}: a row is longer than {max} bytes (row_bytes)", self.name);
                Err(Error::new(ErrorKind::Limit, message)
                    .at(line_place(self.name, line, None))
                    .advise("raise the limit"))
            }
            Ok(has_value) => Ok(has_value.then_some(out)),
        }
    }
}

impl SheetCell {
    /// `None` for an empty cell.
    fn of(column: usize, value: &DataRef<'_>) -> Option<SheetCell> {
        let cell = |text: String, is_plain: bool| Some(SheetCell { column, text, is_plain, is_error: false });
        match value {
            DataRef::Empty => None,
            DataRef::Int(number) => cell(number.to_string(), true),
            DataRef::Float(number) => cell(number_text(*number), true),
            DataRef::Bool(flag) => cell(flag.to_string(), true),
            DataRef::String(text) => cell(text.clone(), false),
            DataRef::SharedString(text) => cell((*text).to_owned(), false),
            DataRef::DateTime(time) => cell(time_text(time), false),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => cell(text.clone(), false),
            DataRef::Error(error) => {
                Some(SheetCell { column, text: error.to_string(), is_plain: false, is_error: true })
            }
        }
    }
}

/// A time in ISO 8601: a day, a time of day, both, or a duration.
fn time_text(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        let ms = (time.as_f64() * 86_400_000.0).round();
        let sign = if ms < 0.0 { "-" } else { "" };
        let ms = ms.abs() as u64;
        let mut text = format!("{sign}PT{}H{}M{}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        put_fraction(&mut text, ms % 1000);
        return text + "S";
    }
    let (year, month, day, hour, minute, second, ms) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let mut clock = format!("{hour:02}:{minute:02}:{second:02}");
    put_fraction(&mut clock, u64::from(ms));
    match () {
        () if (0.0..1.0).contains(&time.as_f64()) => clock,
        () if (hour, minute, second, ms) == (0, 0, 0, 0) => date,
        () => format!("{date}T{clock}"),
    }
}

fn put_fraction(text: &mut String, ms: u64) {
    if ms > 0 {
        let _always_ok = write!(text, ".{ms:03}");
    }
}

/// The name of a column, such as `AB`.
fn letters(column: usize) -> String {
    let (before, own) = (column / 26, char::from(b'A' + (column % 26) as u8));
    if before == 0 { own.to_string() } else { format!("{}{own}", letters(before - 1)) }
}

fn chosen(sheets: &[String], choice: Option<&SheetChoice>, name: &str) -> Result<String> {
    let found = match choice {
        None => sheets.first(),
        Some(SheetChoice::Number(number)) => number.checked_sub(1).and_then(|index| sheets.get(index)),
        Some(SheetChoice::Name(own)) => sheets.iter().find(|sheet| *sheet == own),
    };
    found.cloned().ok_or_else(|| {
        let (shown, hint) = match choice {
            Some(SheetChoice::Name(own)) => {
                (format!("no sheet `{own}`"), did_you_mean(own, sheets.iter().map(String::as_str)))
            }
            Some(SheetChoice::Number(number)) => (format!("no sheet {number}"), String::new()),
            None => ("no sheet".to_owned(), String::new()),
        };
        let advice = format!("its sheets are {}", sheets.join(", "));
        Error::new(ErrorKind::InvalidOptions, format!("{name} has {shown}{hint}"))
            .at(line_place(name, 1, None))
            .advise(advice)
    })
}

/// Refuses a workbook whose parts are too large: they would be loaded.
fn check_size(file: &mut File, name: &str, max: u64) -> Result<()> {
    let no_book = |cause: &dyn std::fmt::Display| {
        Error::new(ErrorKind::InvalidItems, format!("{name} is not an Excel workbook (.xlsx): {cause}"))
            .at(line_place(name, 1, None))
            .advise("save it as .xlsx, or name its format")
    };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| no_book(&e))?;
    let mut left = max;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|e| no_book(&e))?;
        let is_xml = part.name().map_err(|e| no_book(&e))?.to_lowercase().ends_with(".xml");
        if !is_xml {
            continue;
        }
        // The declared sizes may be wrong.
        let read = io::copy(&mut part.take(left + 1), &mut io::sink()).map_err(|e| no_book(&e))?;
        left = left.checked_sub(read).ok_or_else(|| too_large(name, max))?;
    }
    Ok(())
}

fn too_large(name: &str, max: u64) -> Error {
    Error::new(ErrorKind::Limit, format!("{name} is larger than {max} bytes when it is unpacked (sheet_bytes)"))
        .at(line_place(name, 1, None))
        .advise("save the sheet as CSV, which is read row by row; or raise the limit")
}

fn damaged(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::InvalidItems, format!("{name} cannot be read as an Excel workbook: {why}"))
        .at(line_place(name, 1, None))
        .advise("open it in a spreadsheet program and save it again")
}

fn unreadable(name: &str, cause: &XlsxError) -> Error {
    damaged(name, &cause.to_string())
}
