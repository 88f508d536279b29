//! Prints a listing as columns, JSON or NDJSON.

use serde_json::Value;

use super::app::App;
use super::args::{ListForm, ListingArgs};
use super::messages;
use super::screen::{Paint, TableColumn, TextTable, width};
use crate::error::{Error, ErrorKind, Result};

/// Rows, each as cells and as JSON.
pub(crate) struct Listing {
    pub(crate) columns: Vec<TableColumn>,
    pub(crate) rows: Vec<(Vec<String>, Value)>,
    /// The message for an empty list.
    pub(crate) none: String,
    /// A note on what to do next.
    pub(crate) next: String,
}

impl Listing {
    /// Prints it. The exit code is 1 if the list is empty.
    pub(crate) fn print(self, app: &App, args: &ListingArgs) -> Result<u8> {
        let text = match args.format {
            ListForm::Text => self.text(),
            ListForm::Ndjson => self.rows.iter().map(|(_, value)| format!("{value}\n")).collect(),
            ListForm::Json => {
                let all: Vec<&Value> = self.rows.iter().map(|(_, value)| value).collect();
                serde_json::to_string_pretty(&all)
                    .map_err(|e| Error::new(ErrorKind::Internal, format!("the listing: {e}")))?
            }
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

    fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let rows: Vec<Vec<String>> = self.rows.iter().map(|(row, _)| row.clone()).collect();
        // On a pipe there is no title line, so that rows can be counted and cut.
        let room = width::stdout();
        let table = TextTable::new(&self.columns, &rows, 0, room, room.is_some());
        let head = room.map(|_| table.head(Paint::default())).unwrap_or_default();
        std::iter::once(head).chain(rows.iter().map(|row| table.row(row))).collect()
    }
}
