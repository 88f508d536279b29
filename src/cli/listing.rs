//! Prints a listing as columns, JSON or NDJSON.

use serde::Serializer as _;
use serde_json::Value;

use super::app::App;
use super::args::{ListForm, ListingArgs};
use super::messages;
use super::screen::{Paint, TableColumn, TextTable, width};
use crate::error::{Error, ErrorKind, Result};

/// A row, which is only put into the form that is printed.
pub(crate) trait ListingRow {
    fn cells(&self) -> Vec<String>;
    fn json(&self) -> Value;
}

impl ListingRow for (Vec<String>, Value) {
    fn cells(&self) -> Vec<String> {
        self.0.clone()
    }

    fn json(&self) -> Value {
        self.1.clone()
    }
}

/// Rows and how they are shown.
pub(crate) struct Listing<R> {
    pub(crate) columns: Vec<TableColumn>,
    pub(crate) rows: Vec<R>,
    /// The message for an empty list.
    pub(crate) none: String,
    /// A note on what to do next.
    pub(crate) next: String,
}

impl<R: ListingRow> Listing<R> {
    /// Prints it. The exit code is 1 if the list is empty.
    pub(crate) fn print(self, app: &App, args: &ListingArgs) -> Result<u8> {
        let text = match args.format {
            ListForm::Text => self.text(),
            ListForm::Ndjson => self.rows.iter().map(|row| format!("{}\n", row.json())).collect(),
            ListForm::Json => self.json()?,
        };
        if !text.is_empty() {
            messages::print(&text)?;
        }
        if self.rows.is_empty() {
            return Ok(app.screen.nothing(&self.none));
        }
        if args.format == ListForm::Text {
            app.screen.note(&self.next);
        }
        Ok(0)
    }

    fn json(&self) -> Result<String> {
        let mut out = Vec::new();
        let mut pretty = serde_json::Serializer::pretty(&mut out);
        let wrong = |error: String| Error::new(ErrorKind::Internal, format!("the listing: {error}"));
        pretty.collect_seq(self.rows.iter().map(ListingRow::json)).map_err(|e| wrong(e.to_string()))?;
        String::from_utf8(out).map_err(|e| wrong(e.to_string()))
    }

    fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let rows: Vec<Vec<String>> = self.rows.iter().map(ListingRow::cells).collect();
        // On a pipe there is no title line, so that rows can be counted and cut.
        let room = width::stdout();
        let table = TextTable::new(&self.columns, &rows, 0, room, room.is_some());
        let head = room.map(|_| table.head(Paint::default())).unwrap_or_default();
        std::iter::once(head).chain(rows.iter().map(|row| table.row(row))).collect()
    }
}
