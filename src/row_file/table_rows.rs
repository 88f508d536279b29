//! Rows of CSV and TSV: each is an object by the names of the columns.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::columns::{CellValue, HeaderFault, TableColumns, header_error, single_field, uneven};
use super::fault::{RowFault, line_place};
use super::options::{ReadOptions, RowPosition};
use super::row_text::{CsvMarks, CsvScan, RowText};
use super::text_source::{ByteStep, TextSource};
use crate::error::{Error, Place, Result};

/// The rows of a table.
pub(super) struct TableRows {
    records: Records,
    columns: TableColumns,
    line: u64,
}

impl TableRows {
    pub(super) fn open(
        source: TextSource,
        delimiter: u8,
        options: &ReadOptions,
        from: &RowPosition,
    ) -> Result<TableRows> {
        let ascii = |c: char| u8::try_from(c).unwrap_or(delimiter);
        let marks = CsvMarks { delimiter: options.delimiter.map_or(delimiter, ascii), quote: options.quote.map(ascii) };
        let mut records = Records::new(source, marks);
        let columns = records.columns(options)?;
        columns.check_types(options, records.source.name())?;
        records.source.jump(from, |last| matches!(last, b'\n' | b'\r'))?;
        Ok(TableRows { records, columns, line: 0 })
    }

    pub(super) fn next(&mut self, out: &mut String) -> Result<bool, RowFault> {
        loop {
            let Some(line) = self.records.advance()? else { return Ok(false) };
            self.line = line;
            self.records.split().map_err(RowFault::Row)?;
            let (cells, fields) = (self.records.ends.len(), self.columns.len());
            if cells != fields {
                let (message, column) = uneven(cells, fields);
                let error = self.records.refuse_row(&message, column);
                return Err(RowFault::Row(error.advise("quote values that contain the delimiter")));
            }
            let put = self.columns.put(out, |column| self.records.cell(column).map(CellValue::Text));
            match put {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(misfit) => {
                    let error = self.records.refuse_row(&misfit.message, misfit.column);
                    return Err(RowFault::Row(error.advise("correct the value, or the type of the column")));
                }
            }
        }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn position(&self) -> RowPosition {
        self.records.source.position()
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.records.raw.capacity() + self.records.text.capacity() + self.records.ends.capacity() * 8
    }
}

/// The records of a text, each split into its cells.
struct Records {
    source: TextSource,
    marks: CsvMarks,
    reader: Reader,
    /// The record as it is in the file, with a line end.
    raw: Vec<u8>,
    /// The line in which it starts.
    line: u64,
    /// The cells one after the other, and where each ends.
    text: String,
    ends: Vec<usize>,
}

impl Records {
    fn new(source: TextSource, marks: CsvMarks) -> Records {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(marks.delimiter).quoting(marks.quote.is_some()).quote(marks.quote.unwrap_or(b'"'));
        let mut reader = builder.build();
        // A byte order mark was skipped already; the reader would skip another one at its start.
        let _nothing = reader.read_record(b"\n", &mut [], &mut []);
        Records { source, marks, reader, raw: Vec::new(), line: 0, text: String::new(), ends: Vec::new() }
    }

    /// The columns, by the header or the options.
    fn columns(&mut self, options: &ReadOptions) -> Result<TableColumns> {
        let mut names: Vec<String> = options.columns.clone();
        if options.header {
            let file = self.source.name().to_owned();
            if self.advance()?.is_none() {
                let error = self.source.refuse(format!("{file} is empty")).at(line_place(&file, 1, Some(1)));
                return Err(error.advise("the first row names the fields; each further row is an item"));
            }
            self.split()?;
            let found: Vec<String> = (0..self.ends.len()).map(|at| self.cell(at).unwrap_or_default().into()).collect();
            self.check_header(options, &found)?;
            names = if names.is_empty() { found } else { names };
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        TableColumns::new(&names, options).map_err(|faults| self.header_error(faults))
    }

    /// Refuses a header that shows a wrong delimiter or encoding, or does not match the given columns.
    fn check_header(&self, options: &ReadOptions, found: &[String]) -> Result<()> {
        let names: Vec<&str> = found.iter().map(String::as_str).collect();
        if let Some(fault) = single_field(&names).filter(|_| options.delimiter.is_none()) {
            return Err(self.header_error(vec![HeaderFault { advice: "name the delimiter", ..fault }]));
        }
        if found.iter().any(|name| name.contains('\0')) {
            let message = format!("the header of {} contains a zero byte", self.source.name());
            let error = self.source.refuse(message).at(self.place(0));
            return Err(error.advise("save the file as UTF-8, or name its encoding: utf-16le"));
        }
        if !options.columns.is_empty() && options.columns.len() != found.len() {
            let counts = (found.len(), options.columns.len());
            let message =
                format!("the header of {} has {} names, but `columns` has {}", self.source.name(), counts.0, counts.1);
            let error = self.source.refuse(message).at(self.place(0));
            return Err(error.advise("name as many columns as the header has"));
        }
        Ok(())
    }

    fn header_error(&self, faults: Vec<HeaderFault>) -> Error {
        header_error(self.source.name(), faults, |column| self.place(column))
    }

    /// Reads the next record into `raw`; returns its line, or `None` at the end.
    fn advance(&mut self) -> Result<Option<u64>> {
        self.raw.clear();
        let is_end = |byte| if matches!(byte, b'\n' | b'\r') { ByteStep::More } else { ByteStep::Before };
        self.source.take(None, is_end)?;
        self.line = self.source.line();
        let (mut scan, marks) = (CsvScan::Start, self.marks);
        let has_end = self.source.take(Some(&mut self.raw), |byte| match scan.after(byte, marks) {
            Some(next) => {
                scan = next;
                ByteStep::More
            }
            None => ByteStep::Before,
        })?;
        if has_end {
            // Of `\r\n` both belong to this row.
            self.source.skip(b'\r')?;
            self.source.skip(b'\n')?;
        } else if self.raw.is_empty() {
            return Ok(None);
        } else if scan == CsvScan::Quoted {
            let column = self.raw_text().map_or(0, |raw| RowText::of(raw, marks).starts.len() - 1);
            return Err(self.refuse_row("unclosed quote", column).advise("double a quote inside a quoted value"));
        }
        self.raw.push(b'\n');
        Ok(Some(self.line))
    }

    fn raw_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.raw).ok()
    }

    /// Splits `raw` into cells.
    fn split(&mut self) -> Result<()> {
        self.ends.clear();
        if let Err(e) = std::str::from_utf8(&self.raw) {
            let error = self.refuse_row(&format!("byte {} of the row is not UTF-8", e.valid_up_to() + 1), 0);
            return Err(error.advise("save the file as UTF-8, or name its encoding: windows-1252"));
        }
        let mut text = std::mem::take(&mut self.text).into_bytes();
        text.resize(self.raw.len(), 0);
        self.ends.resize(self.ends.capacity().max(16), 0);
        let (mut rest, mut count) = (self.raw.as_slice(), 0);
        let (mut written, mut is_whole) = (0, false);
        while !rest.is_empty() && !is_whole {
            let (to, ends) = (text.get_mut(written..), self.ends.get_mut(count..));
            let (result, read, more, cells) =
                self.reader.read_record(rest, to.unwrap_or_default(), ends.unwrap_or_default());
            rest = rest.get(read..).unwrap_or_default();
            (written, count) = (written + more, count + cells);
            match result {
                ReadRecordResult::Record => is_whole = true,
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::OutputFull => text.resize(text.len() * 2, 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => break,
            }
        }
        text.truncate(written);
        self.ends.truncate(count);
        // The cells are parts of a valid text between ASCII characters.
        self.text = String::from_utf8(text).unwrap_or_default();
        match is_whole && rest.is_empty() {
            true => Ok(()),
            false => Err(self.refuse_row("the row cannot be split into cells", 0)),
        }
    }

    fn cell(&self, column: usize) -> Option<&str> {
        let end = *self.ends.get(column)?;
        let start = column.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..end)
    }

    /// An error in the current record.
    fn refuse_row(&self, message: &str, column: usize) -> Error {
        let message = format!("line {} of {}: {message}", self.line, self.source.name());
        self.source.refuse(message).at(self.place(column))
    }

    /// The place of a cell of the current record.
    fn place(&self, column: usize) -> Place {
        let raw = self.raw_text().unwrap_or_default();
        let start = RowText::of(raw, self.marks).starts.get(column).copied();
        let to = start.and_then(|at| raw.get(..at)).unwrap_or_default();
        let in_line = to.rsplit('\n').next().unwrap_or_default().chars().count();
        let line = self.line + to.matches('\n').count() as u64;
        line_place(self.source.name(), line, Some(in_line as u64 + 1))
    }
}
