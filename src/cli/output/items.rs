//! Writes a stream of items in one format to one place.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::place::{Flow, OldPartial, OutputPlace};
use super::records::{RecordTable, TableStyle};
use super::table_output::TableOutput;
use crate::Items;
use crate::cli::args::{OutputArgs, OutputForm};
use crate::cli::screen::terminal_text;
use crate::error::{Error, ErrorKind, Result};
use crate::output::{CellGuard, Compression, CsvOptions, Form as FileForm, LineEnds, PackedOutput};

enum ItemsForm {
    File(FileForm),
    Table(RecordTable),
}

/// Buffer size in bytes; larger buffers are written at once.
pub(crate) const BUFFER_SIZE: usize = 64 << 10;

/// What to do with control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escapes {
    /// Keep them: they are data.
    Pass,
    /// Escape them as text.
    Text,
    /// Write JSON escapes, which keep the value.
    Json,
}

/// Where items go.
enum ItemsTarget {
    Place(OutputPlace, Option<Box<PackedOutput>>),
    /// A table of a database, with the number of items.
    Table(Box<TableOutput>),
}

/// The output of a call.
pub(crate) struct ItemsOutput {
    target: ItemsTarget,
    form: ItemsForm,
    flow: Flow,
    buffer: Vec<u8>,
    items: u64,
    old_partial: OldPartial,
    escapes: Escapes,
}

impl ItemsOutput {
    /// Opens the output for the flags; `is_terminal` is for standard output. With [`OldPartial::Refuse`], items are kept however the call ends.
    pub(crate) fn open(
        args: &OutputArgs,
        is_terminal: bool,
        style: TableStyle,
        width: usize,
        old_partial: OldPartial,
    ) -> Result<ItemsOutput> {
        let to_file = args.output.as_deref().is_some_and(|p| p.as_os_str() != "-");
        let form = match args.format {
            Some(form) => form,
            None if to_file => by_extension(args.output.as_deref().unwrap_or(Path::new("")))?,
            None if is_terminal => OutputForm::Table,
            None if args.columns.is_empty() => OutputForm::Ndjson,
            None => OutputForm::Csv,
        };
        if let Some(flag) = args.table.given().or_else(|| args.table.given_form()) {
            return Err(Error::new(ErrorKind::Usage, format!("{flag} is for tables of databases"))
                .advise("write --output sqlite:FILE#TABLE"));
        }
        if args.columns.iter().any(|c| c.is_empty()) {
            return Err(
                Error::new(ErrorKind::Usage, "--columns has an empty name").advise("write --columns id,company/name")
            );
        }
        if !args.columns.is_empty() && matches!(form, OutputForm::Ndjson | OutputForm::Json) {
            return Err(Error::new(
                ErrorKind::Usage,
                "--columns is for csv, tsv and table; ndjson and json write whole items",
            ));
        }
        let is_csv = matches!(form, OutputForm::Csv | OutputForm::Tsv);
        if let Some(flag) = args.csv.given().filter(|_| !is_csv) {
            return Err(Error::new(ErrorKind::Usage, format!("{flag} is for csv and tsv")).advise("add --format csv"));
        }
        let escapes = match form {
            _ if to_file || !is_terminal => Escapes::Pass,
            OutputForm::Ndjson | OutputForm::Json => Escapes::Json,
            OutputForm::Csv | OutputForm::Tsv => Escapes::Text,
            // Its cells are already escaped, and its title line may have colours.
            OutputForm::Table => Escapes::Pass,
        };
        let form = match form {
            OutputForm::Ndjson => ItemsForm::File(FileForm::Ndjson),
            OutputForm::Json => ItemsForm::File(FileForm::json()),
            OutputForm::Csv => ItemsForm::File(FileForm::table(csv_options(args, CsvOptions::default()))),
            OutputForm::Tsv => ItemsForm::File(FileForm::table(csv_options(args, CsvOptions::tsv()))),
            OutputForm::Table => {
                ItemsForm::Table(RecordTable::new(&args.columns, style, width, is_terminal && !to_file))
            }
        };
        let packing = args.output.as_deref().and_then(Compression::of_name).map(|(packing, _)| packing);
        if packing.is_some() && old_partial == OldPartial::Refuse {
            // What is written of it could not be read before its end.
            return Err(Error::new(ErrorKind::Usage, "a compressed file is for the items of a query")
                .advise("write the items to a plain file"));
        }
        let packed = packing.map(PackedOutput::new).transpose()?.map(Box::new);
        let target = OutputPlace::open(args.output.as_deref(), old_partial)?;
        if old_partial == OldPartial::Refuse {
            target.keep_at_once();
        }
        let target = ItemsTarget::Place(target, packed);
        Ok(ItemsOutput { target, form, flow: Flow::Open, buffer: Vec::new(), items: 0, old_partial, escapes })
    }

    /// Opens a table of a database as the output.
    pub(crate) fn of_table(table: TableOutput) -> ItemsOutput {
        ItemsOutput {
            target: ItemsTarget::Table(Box::new(table)),
            form: ItemsForm::File(FileForm::Ndjson),
            flow: Flow::Open,
            buffer: Vec::new(),
            items: 0,
            old_partial: OldPartial::Overwrite,
            escapes: Escapes::Pass,
        }
    }

    /// A note about the place, to print before the call.
    pub(crate) fn note(&self) -> Option<&str> {
        match &self.target {
            ItemsTarget::Place(place, _) => place.note(),
            ItemsTarget::Table(_) => None,
        }
    }

    /// Writes the items of one page.
    pub(crate) fn page(&mut self, items: &Items) -> Result<Flow> {
        self.add(items)?;
        self.flush()
    }

    /// Adds items to the buffer; a full buffer is written.
    pub(crate) fn add(&mut self, items: &Items) -> Result<()> {
        if self.flow == Flow::Closed || items.is_empty() {
            return Ok(());
        }
        self.items += items.len() as u64;
        match &mut self.form {
            ItemsForm::File(FileForm::Ndjson) => match items.lines() {
                Some(lines) if lines.len() >= BUFFER_SIZE && self.escapes == Escapes::Pass && self.flush().is_ok() => {
                    let written = self.target.write(lines.as_bytes()).map(|flow| self.flow = flow);
                    if written.is_err() {
                        self.buffer.extend_from_slice(lines.as_bytes());
                    }
                    self.buffer.push(b'\n');
                    written?;
                }
                Some(lines) => {
                    self.buffer.extend_from_slice(lines.as_bytes());
                    self.buffer.push(b'\n');
                }
                None => FileForm::Ndjson.put(items, &mut self.buffer)?,
            },
            ItemsForm::File(form) => form.put(items, &mut self.buffer)?,
            ItemsForm::Table(table) => table.page(items, &mut self.buffer),
        }
        if self.buffer.len() >= BUFFER_SIZE { self.flush().map(|_| ()) } else { Ok(()) }
    }

    /// Writes the buffer. Bytes that cannot be written are kept for the next attempt.
    pub(crate) fn flush(&mut self) -> Result<Flow> {
        if self.flow == Flow::Open && !self.buffer.is_empty() {
            let shown = self.escapes.apply(&self.buffer);
            self.flow = self.target.write(&shown)?;
        }
        self.buffer.clear();
        Ok(self.flow)
    }

    /// Writes the end of the format.
    fn close(&mut self) -> Result<()> {
        match &mut self.form {
            ItemsForm::File(form) => form.close(&mut self.buffer)?,
            ItemsForm::Table(_) => {}
        }
        self.flush().map(|_| ())
    }

    /// Whether the output is a table.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self.form, ItemsForm::Table(_))
    }

    /// The output file, or the table.
    pub(crate) fn place(&self) -> Option<String> {
        match &self.target {
            ItemsTarget::Place(place, _) => place.file().map(|path| path.display().to_string()),
            ItemsTarget::Table(table) => Some(table.place()),
        }
    }

    /// Finishes the output: the file appears, or the table gets its rows; `is_complete` if these are all. Returns notes about it.
    pub(crate) fn finish(mut self, is_complete: bool, progress: &mut dyn FnMut(u64)) -> Result<Vec<String>> {
        let closed = self.close();
        let closed = closed.and_then(|()| self.target.close());
        let target = match (self.target, closed) {
            (ItemsTarget::Place(place, _), Err(error)) if self.old_partial == OldPartial::Refuse => {
                return Err(place.broken(error));
            }
            (_, Err(error)) => return Err(error),
            (ItemsTarget::Table(table), Ok(())) => return table.finish(is_complete, progress),
            (ItemsTarget::Place(place, _), Ok(())) => place,
        };
        let notes = match &self.form {
            ItemsForm::File(form) => form.omitted().map(omitted).into_iter().collect(),
            ItemsForm::Table(table) => table.footer(self.items).into_iter().collect(),
        };
        target.finish()?;
        Ok(notes)
    }

    /// Ends the output of a failed call. The file does not appear; delivered items stay in the partial file, whose path is returned.
    pub(crate) fn abandon(mut self) -> Option<PathBuf> {
        let closed = if self.items > 0 { self.close() } else { Ok(()) };
        let _best_effort = closed.and_then(|()| self.target.close());
        match self.target {
            ItemsTarget::Place(place, _) => place.keep_partial(),
            ItemsTarget::Table(_) => None,
        }
    }
}

impl ItemsTarget {
    fn write(&mut self, bytes: &[u8]) -> Result<Flow> {
        match self {
            ItemsTarget::Place(place, None) => place.write(bytes),
            ItemsTarget::Place(place, Some(packed)) => {
                let mut flow = Flow::Open;
                packed.put(bytes, &mut |bytes| place.write(bytes).map(|now| flow = now))?;
                Ok(flow)
            }
            ItemsTarget::Table(table) => table.keep(bytes).map(|()| Flow::Open),
        }
    }

    /// Writes the end of a compressed file.
    fn close(&mut self) -> Result<()> {
        match self {
            ItemsTarget::Place(place, packed) => match packed.take() {
                Some(packed) => packed.finish(&mut |bytes| place.write(bytes).map(|_| ())),
                None => Ok(()),
            },
            ItemsTarget::Table(_) => Ok(()),
        }
    }
}

impl Escapes {
    fn apply(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let text = |safe: fn(&str) -> Cow<'_, str>| safe(&String::from_utf8_lossy(bytes)).into_owned().into_bytes();
        match self {
            Escapes::Pass => Cow::Borrowed(bytes),
            Escapes::Text => Cow::Owned(text(terminal_text::safe)),
            Escapes::Json => Cow::Owned(text(terminal_text::safe_json)),
        }
    }
}

/// The note about fields that are missing from a table.
fn omitted(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("the CSV omits {}, which the first page did not have; name all columns with --columns", names.join(", "))
}

fn csv_options(args: &OutputArgs, usual: CsvOptions) -> CsvOptions {
    CsvOptions {
        delimiter: args.csv.delimiter.unwrap_or(usual.delimiter),
        bom: args.csv.bom,
        line_ends: if args.csv.crlf { LineEnds::Crlf } else { LineEnds::Lf },
        guard: if args.csv.guard_formulas { CellGuard::Formulas } else { CellGuard::Off },
        columns: args.columns.clone(),
        ..usual
    }
}

fn by_extension(path: &Path) -> Result<OutputForm> {
    let inner = Compression::of_name(path).map(|(_, inner)| inner);
    let extension = inner.as_deref().unwrap_or(path).extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("ndjson" | "jsonl") | None => Ok(OutputForm::Ndjson),
        Some("json") => Ok(OutputForm::Json),
        Some("csv") => Ok(OutputForm::Csv),
        Some("tsv") => Ok(OutputForm::Tsv),
        Some("txt") => Ok(OutputForm::Table),
        Some(other) => Err(Error::new(ErrorKind::Usage, format!("the format of .{other} files is unknown"))
            .advise("use .ndjson, .json, .csv, .tsv, .parquet, .arrow, .xlsx or .txt, or set --format")),
    }
}
