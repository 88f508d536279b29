//! One stream of items in one form to one target. Knows the forms; the bytes' way is the target's.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::place::{EarlierFile, Flow, OutputPlace};
use super::records::{Look, RecordTable};
use crate::Items;
use crate::cli::args::call::{OutputArgs, OutputForm};
use crate::cli::screen::terminal_text;
use crate::error::{Error, ErrorKind, Result};
use crate::output::Form as FileForm;

enum ItemsForm {
    File(FileForm),
    Table(RecordTable),
}

/// Bytes that are worth a write of their own.
pub(crate) const TOGETHER: usize = 64 << 10;

/// What becomes of characters that a terminal would act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escapes {
    /// They are data.
    Pass,
    /// They are written out.
    Text,
    /// They are written as JSON escapes, so that the JSON says the same.
    Json,
}

/// Items on their way out.
pub(crate) struct ItemsOutput {
    target: OutputPlace,
    form: ItemsForm,
    flow: Flow,
    buffer: Vec<u8>,
    items: u64,
    earlier: EarlierFile,
    escapes: Escapes,
}

impl ItemsOutput {
    /// Opens the output that the flags ask for; `is_terminal` tells of standard output. Items that can be had only once are kept, however the call ends.
    pub(crate) fn open(
        args: &OutputArgs,
        is_terminal: bool,
        look: Look,
        width: usize,
        earlier: EarlierFile,
    ) -> Result<ItemsOutput> {
        let to_file = args.output.as_deref().is_some_and(|p| p.as_os_str() != "-");
        let form = match args.format {
            Some(form) => form,
            None if to_file => by_extension(args.output.as_deref().unwrap_or(Path::new("")))?,
            None if is_terminal => OutputForm::Table,
            None if args.columns.is_empty() => OutputForm::Ndjson,
            None => OutputForm::Csv,
        };
        if args.columns.iter().any(|c| c.is_empty()) {
            return Err(Error::new(ErrorKind::Usage, "--columns has an empty name")
                .advise("write it as --columns id,company/name"));
        }
        if !args.columns.is_empty() && matches!(form, OutputForm::Ndjson | OutputForm::Json) {
            return Err(Error::new(
                ErrorKind::Usage,
                "--columns is for csv and table; ndjson and json keep the items as they are",
            ));
        }
        let escapes = match form {
            _ if to_file || !is_terminal => Escapes::Pass,
            OutputForm::Ndjson | OutputForm::Json => Escapes::Json,
            OutputForm::Csv => Escapes::Text,
            // Its cells are safe, and its head may have colours.
            OutputForm::Table => Escapes::Pass,
        };
        let form = match form {
            OutputForm::Ndjson => ItemsForm::File(FileForm::Ndjson),
            OutputForm::Json => ItemsForm::File(FileForm::json()),
            OutputForm::Csv => ItemsForm::File(FileForm::csv(&args.columns)),
            OutputForm::Table => {
                ItemsForm::Table(RecordTable::new(&args.columns, look, width, is_terminal && !to_file))
            }
        };
        let target = OutputPlace::open(args.output.as_deref(), earlier)?;
        if earlier == EarlierFile::Stays {
            target.keep_at_once();
        }
        Ok(ItemsOutput { target, form, flow: Flow::Open, buffer: Vec::new(), items: 0, earlier, escapes })
    }

    /// What a person should know about its beginning.
    pub(crate) fn note(&self) -> Option<&str> {
        self.target.note()
    }

    /// Writes the items of one page.
    pub(crate) fn page(&mut self, items: &Items) -> Result<Flow> {
        self.add(items)?;
        self.flush()
    }

    /// Takes items; many small ones are written together.
    pub(crate) fn add(&mut self, items: &Items) -> Result<()> {
        if self.flow == Flow::Closed || items.is_empty() {
            return Ok(());
        }
        self.items += items.len() as u64;
        match &mut self.form {
            ItemsForm::File(FileForm::Ndjson) => match items.lines() {
                Some(lines) if lines.len() >= TOGETHER && self.escapes == Escapes::Pass && self.flush().is_ok() => {
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
        if self.buffer.len() >= TOGETHER { self.flush().map(|_| ()) } else { Ok(()) }
    }

    /// Hands what was taken to the system. What could not be written is kept for the next time.
    pub(crate) fn flush(&mut self) -> Result<Flow> {
        if self.flow == Flow::Open && !self.buffer.is_empty() {
            let shown = self.escapes.apply(&self.buffer);
            self.flow = self.target.write(&shown)?;
        }
        self.buffer.clear();
        Ok(self.flow)
    }

    /// What stands behind the last item.
    fn close(&mut self) -> Result<()> {
        match &mut self.form {
            ItemsForm::File(form) => form.close(&mut self.buffer)?,
            ItemsForm::Table(_) => {}
        }
        self.flush().map(|_| ())
    }

    /// Whether people read it as it comes.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self.form, ItemsForm::Table(_))
    }

    /// The file that it goes to.
    pub(crate) fn place(&self) -> Option<String> {
        self.target.file().map(|path| path.display().to_string())
    }

    /// Ends the output: the file appears. Gives what a person should know about it.
    pub(crate) fn finish(mut self) -> Result<Vec<String>> {
        if let Err(error) = self.close() {
            return Err(if self.earlier == EarlierFile::Stays { self.target.broken(error) } else { error });
        }
        let notes = match &self.form {
            ItemsForm::File(form) => form.note().into_iter().collect(),
            ItemsForm::Table(table) => table.footer(self.items).into_iter().collect(),
        };
        self.target.finish()?;
        Ok(notes)
    }

    /// Ends the output of a call that failed. A file does not appear; what was delivered is kept under another name, which it gives back.
    pub(crate) fn abandon(mut self) -> Option<PathBuf> {
        let _what_could_be_written_stays = if self.items > 0 { self.close() } else { Ok(()) };
        self.target.keep_partial()
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

fn by_extension(path: &Path) -> Result<OutputForm> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("ndjson" | "jsonl") | None => Ok(OutputForm::Ndjson),
        Some("json") => Ok(OutputForm::Json),
        Some("csv") => Ok(OutputForm::Csv),
        Some("txt") => Ok(OutputForm::Table),
        Some(other) => Err(Error::new(ErrorKind::Usage, format!("the extension .{other} tells no form"))
            .advise("use .ndjson, .json, .csv or .txt, or say --format")),
    }
}
