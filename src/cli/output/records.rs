//! Items for a person: rows with the columns that fit, or a card of one record. Columns and widths are settled by the first page.

use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Row as TableRow, Table as Grid, Width,
    presets,
};

use crate::cli::screen::Paint;
use crate::cli::screen::terminal_text;
use crate::item::{Item, Items};
use crate::output::{Column, Kind, Row, VALUE, cell, kind, label};

/// Items that the choice of columns looks at.
const SAMPLED: usize = 50;
/// Widest column when there is not room for all.
const WIDEST: usize = 40;
/// Between two columns.
const GAP: usize = 2;

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
    columns: Vec<Shown>,
    chosen: bool,
    started: bool,
    /// Fields that the first items have.
    fields: usize,
}

struct Shown {
    column: Column,
    width: usize,
    numbers: bool,
}

impl RecordTable {
    pub(crate) fn new(columns: &[String], look: Look, width: usize, is_terminal: bool) -> RecordTable {
        let shown = |text: &String| Shown { column: Column::typed(text), width: 0, numbers: false };
        RecordTable {
            look: if columns.is_empty() { look } else { Look::Rows },
            width,
            paint: Paint::for_terminal(is_terminal),
            columns: columns.iter().map(shown).collect(),
            chosen: !columns.is_empty(),
            started: false,
            fields: 0,
        }
    }

    /// Writes a page's rows, the header before the first.
    pub(crate) fn page(&mut self, items: &Items, out: &mut Vec<u8>) {
        if self.look == Look::Card {
            for item in items.iter() {
                self.card(item, out);
            }
            self.started = true;
            return;
        }
        let rows: Vec<Row<'_>> = items.iter().map(Row::of).collect();
        let first = !self.started;
        if first {
            self.started = true;
            self.settle(rows.get(..SAMPLED).unwrap_or(&rows));
        }
        let mut grid = self.grid();
        if first {
            let title = |s: &Shown| {
                let text = Cell::new(terminal_text::fit(&terminal_text::one_line(&s.column.title), s.width));
                if s.numbers { text.set_alignment(CellAlignment::Right) } else { text }.add_attribute(Attribute::Bold)
            };
            grid.set_header(self.columns.iter().map(title));
        }
        for row in &rows {
            grid.add_row(TableRow::from(self.columns.iter().map(|s| s.cell(row))));
        }
        self.constrain(&mut grid);
        for line in grid.lines() {
            out.extend_from_slice(line.trim_end().as_bytes());
            out.push(b'\n');
        }
    }

    fn grid(&self) -> Grid {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if self.paint.is_on() {
            grid.enforce_styling()
        } else {
            grid.force_no_tty()
        };
        grid
    }

    fn constrain(&self, grid: &mut Grid) {
        let width =
            |s: &Shown| ColumnConstraint::Absolute(Width::Fixed(u16::try_from(s.width + GAP).unwrap_or(u16::MAX)));
        grid.set_constraints(self.columns.iter().map(width));
        grid.column_iter_mut().for_each(|c| {
            c.set_padding((0, GAP as u16));
        });
    }

    /// Chooses columns and widths from the first rows.
    fn settle(&mut self, rows: &[Row<'_>]) {
        let mut names: Vec<&str> = Vec::new();
        for name in rows.iter().flat_map(Row::names) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        self.fields = names.len();
        if self.chosen {
            self.columns.iter_mut().for_each(|s| s.measure(rows));
            return;
        }
        let mut candidates: Vec<(u8, Shown)> = names.iter().filter_map(|name| candidate(name, rows)).collect();
        candidates.sort_by_key(|(rank, _)| *rank);
        if candidates.is_empty() {
            let any = names.first().map_or(VALUE, |name| *name);
            candidates.push((0, Shown { column: Column::field(any), width: WIDEST, numbers: false }));
        }
        let mut left = self.width;
        for (_, mut shown) in candidates {
            if self.columns.is_empty() {
                shown.width = shown.width.min(left);
            }
            if shown.width <= left {
                left = left.saturating_sub(shown.width + GAP);
                self.columns.push(shown);
            }
        }
    }

    /// One record, a line for each field.
    fn card(&self, item: Item<'_>, out: &mut Vec<u8>) {
        let row = Row::of(item);
        let names: Vec<&str> = row.names().collect();
        let widest = names.iter().map(|n| terminal_text::width(n)).max().unwrap_or(0).min(WIDEST);
        if self.started {
            out.push(b'\n');
        }
        for name in names {
            let raw = Column::field(name).find(&row).unwrap_or_default();
            let text = text_of(raw);
            let name = terminal_text::fit(&terminal_text::one_line(name), widest).into_owned();
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
        if self.look == Look::Card && items > 0 {
            return None;
        }
        if items == 0 || self.chosen || shown >= self.fields {
            return Some(count);
        }
        Some(format!("{count}; {shown} of {} fields shown, --format ndjson or csv gives all", self.fields))
    }
}

impl Shown {
    fn measure(&mut self, rows: &[Row<'_>]) {
        let found = || rows.iter().filter_map(|row| self.column.find(row)).filter(|raw| kind(raw) != Kind::Null);
        let numbers = found().next().is_some() && found().all(|raw| kind(raw) == Kind::Number);
        let widest = found().map(|raw| terminal_text::width(&text_of(raw))).max().unwrap_or(0);
        self.numbers = numbers;
        // Numbers of later pages may be longer, and a number that is cut is another number.
        let widest = if numbers { widest + 2 } else { widest };
        self.width = widest.max(terminal_text::width(&self.column.title)).clamp(1, WIDEST);
    }

    fn cell(&self, row: &Row<'_>) -> Cell {
        let text = self.column.find(row).map(text_of).unwrap_or_default();
        let text = terminal_text::fit(&text, self.width).into_owned();
        let cell = Cell::new(if text.is_empty() { " ".to_owned() } else { text });
        if self.numbers { cell.set_alignment(CellAlignment::Right) } else { cell }
    }
}

/// A raw value for a person: objects by their name, everything on one line.
fn text_of(raw: &str) -> String {
    let named = if kind(raw) == Kind::Object { label(raw) } else { None };
    terminal_text::one_line(&named.unwrap_or_else(|| cell(raw))).into_owned()
}

/// A field as a column: scalars before objects that have a name; what is empty everywhere, a list or another object stays out.
fn candidate(name: &str, rows: &[Row<'_>]) -> Option<(u8, Shown)> {
    let mut shown = Shown { column: Column::field(name), width: 0, numbers: false };
    let values: Vec<&str> =
        rows.iter().filter_map(|row| shown.column.find(row)).filter(|raw| !matches!(*raw, "null" | "\"\"")).collect();
    let scalar = |raw: &&str| matches!(kind(raw), Kind::Text | Kind::Number | Kind::Flag);
    let rank = match () {
        () if values.is_empty() => return None,
        () if values.iter().all(scalar) => 0,
        () if values.iter().all(|raw| scalar(raw) || label(raw).is_some()) => 1,
        () => return None,
    };
    shown.measure(rows);
    Some((rank, shown))
}

#[cfg(test)]
mod tests {
    use super::{Look, RecordTable};
    use crate::item::Items;

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
