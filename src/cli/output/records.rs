//! Items for a person: rows with the columns that fit, or a card of one record. Columns and widths are settled by the first page.

use crate::Items;
use crate::cli::screen::{GAP, Paint, TableColumn, TextTable, terminal_text};
use crate::output::{Column, Kind, Row, VALUE, cell, kind, label};

/// Items that the choice of columns looks at.
const SAMPLED: usize = 50;
/// Widest column when there is not room for all.
const WIDEST: usize = 40;
/// Narrowest column of texts.
const NARROWEST: usize = 6;
/// Further digits, which numbers of later pages may have.
const SPARE: usize = 2;

/// How the items of a call look best to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Many records: rows.
    Rows,
    /// One record: a line for each field.
    Card,
}

/// The state of a table output.
pub(crate) struct RecordTable {
    look: Look,
    width: usize,
    paint: Paint,
    columns: Vec<Column>,
    chosen: bool,
    started: bool,
    table: Option<TextTable>,
    /// Fields that the first items have.
    fields: usize,
}

impl RecordTable {
    pub(crate) fn new(columns: &[String], look: Look, width: usize, is_terminal: bool) -> RecordTable {
        RecordTable {
            look: if columns.is_empty() { look } else { Look::Rows },
            width,
            paint: Paint::for_terminal(is_terminal),
            columns: columns.iter().map(|text| Column::typed(text)).collect(),
            chosen: !columns.is_empty(),
            started: false,
            table: None,
            fields: 0,
        }
    }

    /// Writes a page's rows, the header before the first.
    pub(crate) fn page(&mut self, items: &Items, out: &mut Vec<u8>) {
        let rows: Vec<Row<'_>> = items.iter().map(Row::of).collect();
        let is_first = !std::mem::replace(&mut self.started, true);
        if is_first && self.look == Look::Rows {
            self.settle(rows.get(..SAMPLED).unwrap_or(&rows));
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

    /// Chooses columns and widths from the first rows. Without room for the columns that were asked for, each record is a card of these fields.
    fn settle(&mut self, rows: &[Row<'_>]) {
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
        if table.is_overfull() {
            self.look = Look::Card;
        } else {
            self.table = Some(table);
        }
    }

    /// As many columns as there is room for: scalars before objects that have a name.
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

    /// One record, a line for each field.
    fn card(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        let own: Vec<Column>;
        let columns = if self.chosen {
            &self.columns
        } else {
            own = row.names().map(Column::field).collect();
            &own
        };
        let widest = columns.iter().map(|c| terminal_text::width(&c.title)).max().unwrap_or(0).min(WIDEST);
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

    /// How many there were, and where the rest is.
    pub(crate) fn footer(&self, items: u64) -> Option<String> {
        let count = terminal_text::count(items, "item");
        let shown = self.columns.len();
        match self.look {
            Look::Card if items > 0 && self.chosen => {
                return Some(format!(
                    "{count}; a field on each line, because the terminal is too narrow for the columns"
                ));
            }
            Look::Card if items > 0 => return None,
            Look::Card | Look::Rows => {}
        }
        if items == 0 || self.chosen || shown >= self.fields {
            return Some(count);
        }
        Some(format!("{count}; {shown} of {} fields shown, --format ndjson or csv gives all", self.fields))
    }
}

fn cells(columns: &[Column], row: &Row<'_>) -> Vec<String> {
    columns.iter().map(|column| column.find(row).map(text_of).unwrap_or_default()).collect()
}

/// A column by its values: numbers to the right, and with room for the longer ones of later pages; the others may become narrower.
fn shown(column: &Column, rows: &[Row<'_>]) -> TableColumn {
    match is_numeric(column, rows) {
        true => TableColumn::number(&column.title).spare(SPARE).most(WIDEST),
        false => TableColumn::value(&column.title).least(NARROWEST).most(WIDEST),
    }
}

fn values<'r>(column: &'r Column, rows: &'r [Row<'r>]) -> impl Iterator<Item = &'r str> {
    rows.iter().filter_map(|row| column.find(row)).filter(|raw| kind(raw) != Kind::Null)
}

fn is_numeric(column: &Column, rows: &[Row<'_>]) -> bool {
    values(column, rows).next().is_some() && values(column, rows).all(|raw| kind(raw) == Kind::Number)
}

/// The width that a column would like.
fn natural(column: &Column, rows: &[Row<'_>]) -> usize {
    let widest = values(column, rows).map(|raw| terminal_text::width(&text_of(raw))).max().unwrap_or(0);
    let widest = if is_numeric(column, rows) { widest + SPARE } else { widest };
    widest.max(terminal_text::width(&column.title)).clamp(1, WIDEST)
}

/// A raw value for a person: objects by their name, everything on one line.
fn text_of(raw: &str) -> String {
    let named = if kind(raw) == Kind::Object { label(raw) } else { None };
    terminal_text::one_line(&named.unwrap_or_else(|| cell(raw))).into_owned()
}

/// A field as a column: scalars before objects that have a name; what is empty everywhere, a list or another object stays out.
fn candidate(name: &str, rows: &[Row<'_>]) -> Option<(u8, Column)> {
    let column = Column::field(name);
    let values: Vec<&str> =
        rows.iter().filter_map(|row| column.find(row)).filter(|raw| !matches!(*raw, "null" | "\"\"")).collect();
    let scalar = |raw: &&str| matches!(kind(raw), Kind::Text | Kind::Number | Kind::Flag);
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
    use super::{Look, RecordTable};
    use crate::Items;

    fn text(table: &mut RecordTable, json: &str) -> String {
        let mut out = Vec::new();
        table.page(&Items::from_array(json).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_show_what_fits() {
        let mut table = RecordTable::new(&[], Look::Rows, 30, false);
        let first = text(
            &mut table,
            r#"[{"board":{"id":1,"name":"Help"},"id":1,"name":"x\u001b[31m","gone":null,"list":[1]},{"id":20,"name":"é漢"}]"#,
        );
        assert_eq!(first, "  id  name         board\n   1  x\\u{1b}[31m  Help\n  20  é漢\n");
        assert_eq!(text(&mut table, r#"[{"id":300,"name":"later"}]"#), " 300  later\n");
        assert_eq!(table.footer(3).unwrap(), "3 items; 3 of 5 fields shown, --format ndjson or csv gives all");
    }

    #[test]
    fn a_card_shows_every_field() {
        let mut table = RecordTable::new(&[], Look::Card, 40, false);
        assert_eq!(
            text(&mut table, r#"[{"id":1,"note":"a\nb","ref":{"identifier":"R"},"list":[1,2]}]"#),
            "id    1\nnote  a b\nref   R\nlist  [1,2]\n"
        );
    }
}
