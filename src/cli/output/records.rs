//! Items as a table: rows with the columns that fit, or a card for each record. The first page decides columns and widths.

use crate::Items;
use crate::cli::screen::{GAP, Paint, TableColumn, TextTable, terminal_text};
use crate::output::{Column, ColumnKind, Row, VALUE, cell, kind, label};

/// Items that decide the columns.
const SAMPLED: usize = 50;
/// Maximum width of a column.
const MAX_WIDTH: usize = 40;
/// Minimum width of a text column.
const MIN_WIDTH: usize = 6;
/// Extra digits for larger numbers on later pages.
const SPARE: usize = 2;

/// The layout of the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableStyle {
    /// A row for each record.
    Rows,
    /// A line for each field.
    Card,
}

/// A table of items, written page by page.
pub(crate) struct RecordTable {
    style: TableStyle,
    width: usize,
    paint: Paint,
    columns: Vec<Column>,
    chosen: bool,
    started: bool,
    table: Option<TextTable>,
    /// Number of fields of the first items.
    fields: usize,
}

impl RecordTable {
    pub(crate) fn new(columns: &[String], style: TableStyle, width: usize, is_terminal: bool) -> RecordTable {
        RecordTable {
            style: if columns.is_empty() { style } else { TableStyle::Rows },
            width,
            paint: Paint::for_terminal(is_terminal),
            columns: columns.iter().map(|text| Column::typed(text)).collect(),
            chosen: !columns.is_empty(),
            started: false,
            table: None,
            fields: 0,
        }
    }

    /// Writes the rows of a page, with a title line before the first.
    pub(crate) fn page(&mut self, items: &Items, out: &mut Vec<u8>) {
        let rows: Vec<Row<'_>> = items.iter().map(Row::of).collect();
        let is_first = !std::mem::replace(&mut self.started, true);
        if is_first && self.style == TableStyle::Rows {
            self.choose_columns(rows.get(..SAMPLED).unwrap_or(&rows));
            let head = self.table.as_ref().map(|table| table.head(self.paint)).unwrap_or_default();
            out.extend_from_slice(head.as_bytes());
        }
        for (index, row) in rows.iter().enumerate() {
            match &self.table {
                Some(table) => out.extend_from_slice(table.row(&cells(&self.columns, row)).as_bytes()),
                None => {
                    if !is_first || index > 0 {
                        out.push(b'\n');
                    }
                    self.card(row, out);
                }
            }
        }
    }

    /// Chooses columns and widths from the first rows. If the columns of `--columns` do not fit, each record is a card.
    fn choose_columns(&mut self, rows: &[Row<'_>]) {
        let mut names: Vec<&str> = Vec::new();
        for name in rows.iter().flat_map(Row::names) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        self.fields = names.len();
        if !self.chosen {
            self.columns = self.fitting(&names, rows);
        }
        let shown: Vec<TableColumn> = self.columns.iter().map(|column| shown(column, rows)).collect();
        let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(&self.columns, row)).collect();
        let table = TextTable::new(&shown, &cells, 0, Some(self.width), true);
        if table.is_too_wide() {
            self.style = TableStyle::Card;
        } else {
            self.table = Some(table);
        }
    }

    /// As many columns as fit: scalars before objects with a name.
    fn fitting(&self, names: &[&str], rows: &[Row<'_>]) -> Vec<Column> {
        let mut candidates: Vec<(u8, Column)> = names.iter().filter_map(|name| candidate(name, rows)).collect();
        candidates.sort_by_key(|(rank, _)| *rank);
        if candidates.is_empty() {
            return vec![Column::field(names.first().map_or(VALUE, |name| *name))];
        }
        let mut left = self.width;
        let mut columns = Vec::new();
        for (_, column) in candidates {
            let width = natural(&column, rows);
            if width <= left || columns.is_empty() {
                left = left.saturating_sub(width + GAP);
                columns.push(column);
            }
        }
        columns
    }

    /// A record with a line for each field.
    fn card(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        let own: Vec<Column>;
        let columns = if self.chosen {
            &self.columns
        } else {
            own = row.names().map(Column::field).collect();
            &own
        };
        let widest = columns.iter().map(|c| terminal_text::width(&c.title)).max().unwrap_or(0).min(MAX_WIDTH);
        for column in columns {
            let text = column.find(row).map(text_of).unwrap_or_default();
            let name = terminal_text::fit(&terminal_text::one_line(&column.title), widest).into_owned();
            let pad = " ".repeat(widest + GAP - terminal_text::width(&name));
            let line = format!(
                "{}{pad}{}",
                self.paint.bold(&name),
                terminal_text::fit(&text, self.width.saturating_sub(widest + GAP))
            );
            out.extend_from_slice(line.trim_end().as_bytes());
            out.push(b'\n');
        }
    }

    /// The number of items and of omitted fields.
    pub(crate) fn footer(&self, items: u64) -> Option<String> {
        let count = terminal_text::count(items, "item");
        let shown = self.columns.len();
        match self.style {
            TableStyle::Card if items > 0 && self.chosen => {
                return Some(format!(
                    "{count}; one field per line, because the terminal is too narrow for the columns"
                ));
            }
            TableStyle::Card if items > 0 => return None,
            TableStyle::Card | TableStyle::Rows => {}
        }
        if items == 0 || self.chosen || shown >= self.fields {
            return Some(count);
        }
        Some(format!("{count}; {shown} of {} fields shown, --format ndjson or csv prints all", self.fields))
    }
}

fn cells(columns: &[Column], row: &Row<'_>) -> Vec<String> {
    columns.iter().map(|column| column.find(row).map(text_of).unwrap_or_default()).collect()
}

/// The table column for its values: numbers are right-aligned, with extra width for larger ones; others may shrink.
fn shown(column: &Column, rows: &[Row<'_>]) -> TableColumn {
    match is_numeric(column, rows) {
        true => TableColumn::number(&column.title).spare(SPARE).max(MAX_WIDTH),
        false => TableColumn::value(&column.title).min(MIN_WIDTH).max(MAX_WIDTH),
    }
}

fn values<'r>(column: &'r Column, rows: &'r [Row<'r>]) -> impl Iterator<Item = &'r str> {
    rows.iter().filter_map(|row| column.find(row)).filter(|raw| kind(raw) != ColumnKind::Null)
}

fn is_numeric(column: &Column, rows: &[Row<'_>]) -> bool {
    values(column, rows).next().is_some() && values(column, rows).all(|raw| kind(raw) == ColumnKind::Number)
}

/// The preferred width of a column.
fn natural(column: &Column, rows: &[Row<'_>]) -> usize {
    let widest = values(column, rows).map(|raw| terminal_text::width(&text_of(raw))).max().unwrap_or(0);
    let widest = if is_numeric(column, rows) { widest + SPARE } else { widest };
    widest.max(terminal_text::width(&column.title)).clamp(1, MAX_WIDTH)
}

/// A value as text on one line; objects are shown by their name.
fn text_of(raw: &str) -> String {
    let named = if kind(raw) == ColumnKind::Object { label(raw) } else { None };
    terminal_text::one_line(&named.unwrap_or_else(|| cell(raw))).into_owned()
}

/// A field as a column, ranked: scalars before objects with a name. Empty fields, lists and other objects are not columns.
fn candidate(name: &str, rows: &[Row<'_>]) -> Option<(u8, Column)> {
    let column = Column::field(name);
    let values: Vec<&str> =
        rows.iter().filter_map(|row| column.find(row)).filter(|raw| !matches!(*raw, "null" | "\"\"")).collect();
    let scalar = |raw: &&str| matches!(kind(raw), ColumnKind::Text | ColumnKind::Number | ColumnKind::Flag);
    let rank = match () {
        () if values.is_empty() => return None,
        () if values.iter().all(scalar) => 0,
        () if values.iter().all(|raw| scalar(raw) || label(raw).is_some()) => 1,
        () => return None,
    };
    drop(values);
    Some((rank, column))
}

#[cfg(test)]
mod tests {
    use super::{RecordTable, TableStyle};
    use crate::Items;

    fn text(table: &mut RecordTable, json: &str) -> String {
        let mut out = Vec::new();
        table.page(&Items::from_array(json).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_show_what_fits() {
        let mut table = RecordTable::new(&[], TableStyle::Rows, 30, false);
        let first = text(
            &mut table,
            r#"[{"board":{"id":1,"name":"Help"},"id":1,"name":"x\u001b[31m","gone":null,"list":[1]},{"id":20,"name":"é漢"}]"#,
        );
        assert_eq!(first, "  id  name         board\n   1  x\\u{1b}[31m  Help\n  20  é漢\n");
        assert_eq!(text(&mut table, r#"[{"id":300,"name":"later"}]"#), " 300  later\n");
        assert_eq!(table.footer(3).unwrap(), "3 items; 3 of 5 fields shown, --format ndjson or csv prints all");
    }

    #[test]
    fn a_card_shows_every_field() {
        let mut table = RecordTable::new(&[], TableStyle::Card, 40, false);
        assert_eq!(
            text(&mut table, r#"[{"id":1,"note":"a\nb","ref":{"identifier":"R"},"list":[1,2]}]"#),
            "id    1\nnote  a b\nref   R\nlist  [1,2]\n"
        );
    }
}
