//! Rows in columns, for lists, records and fields. Where there is not room for all, columns shrink by their importance; words wrap at spaces or end with
//! `…`, and what must be whole takes a line of its own. Pure.

use super::paint::Paint;
use super::terminal_text::{fit, one_line, safe, width, wrap};

/// Between two columns.
pub(crate) const GAP: usize = 2;
/// Further to the right, for what has no room in the last column.
const BELOW: usize = 4;

/// What becomes of a cell that is wider than its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    /// It stays whole, for copying; the cells behind it go to the next line.
    Whole,
    /// It takes several lines.
    Wrap,
    /// It ends with `…`.
    Cut,
}

/// A column before it has a width.
#[derive(Clone, Debug)]
pub(crate) struct TableColumn {
    title: String,
    overflow: Overflow,
    is_number: bool,
    /// Columns of a low rank shrink first.
    rank: usize,
    least: usize,
    /// Wider cells do not widen the column.
    most: usize,
    /// Columns for longer cells of rows that are not known yet.
    spare: usize,
    /// Whether it is left out before others become narrower than their least.
    may_go: bool,
}

impl TableColumn {
    fn new(title: &str, overflow: Overflow) -> TableColumn {
        let title = one_line(title).into_owned();
        TableColumn {
            title,
            overflow,
            is_number: false,
            rank: 0,
            least: usize::MAX,
            most: usize::MAX,
            spare: 0,
            may_go: false,
        }
    }

    /// A column of names, dates and paths, which are never cut.
    pub(crate) fn whole(title: &str) -> TableColumn {
        TableColumn::new(title, Overflow::Whole)
    }

    /// A column of numbers, set to the right: one that is cut would be another number.
    pub(crate) fn number(title: &str) -> TableColumn {
        TableColumn { is_number: true, ..TableColumn::new(title, Overflow::Whole) }
    }

    /// A column of texts for reading.
    pub(crate) fn text(title: &str) -> TableColumn {
        TableColumn::new(title, Overflow::Wrap)
    }

    /// A column of values, one line each.
    pub(crate) fn value(title: &str) -> TableColumn {
        TableColumn::new(title, Overflow::Cut)
    }

    pub(crate) fn rank(self, rank: usize) -> TableColumn {
        TableColumn { rank, ..self }
    }

    pub(crate) fn least(self, least: usize) -> TableColumn {
        TableColumn { least, ..self }
    }

    pub(crate) fn most(self, most: usize) -> TableColumn {
        TableColumn { most, ..self }
    }

    pub(crate) fn spare(self, spare: usize) -> TableColumn {
        TableColumn { spare, ..self }
    }

    pub(crate) fn may_go(self) -> TableColumn {
        TableColumn { may_go: true, ..self }
    }
}

/// A column with its place.
#[derive(Clone, Debug)]
struct PlacedColumn {
    column: TableColumn,
    /// Which cell of a row it shows.
    cell: usize,
    offset: usize,
    width: usize,
}

/// Columns with their widths: lays out one row after the other.
#[derive(Clone, Debug)]
pub(crate) struct TextTable {
    placed: Vec<PlacedColumn>,
    indent: usize,
    /// Columns of the terminal; `None` for no limit.
    room: Option<usize>,
    left_out: Vec<String>,
    overfull: bool,
}

impl TextTable {
    /// Gives widths to columns by the rows; `titled` tells that their titles are shown too.
    pub(crate) fn new(
        columns: &[TableColumn],
        rows: &[Vec<String>],
        indent: usize,
        room: Option<usize>,
        titled: bool,
    ) -> TextTable {
        let mut sized: Vec<Sized> =
            columns.iter().enumerate().map(|(cell, column)| Sized::of(column, cell, rows, titled)).collect();
        let mut left_out = Vec::new();
        let mut overfull = false;
        if let Some(room) = room {
            let room = room.saturating_sub(indent);
            while let Some(gone) = superfluous(&sized, room) {
                left_out.push(sized.remove(gone).column.title);
            }
            overfull = !shrink(&mut sized, room);
        }
        let mut offset = indent;
        let placed = sized.into_iter().map(|s| {
            let placed = PlacedColumn { column: s.column, cell: s.cell, offset, width: s.width };
            offset += placed.width + GAP;
            placed
        });
        TextTable { placed: placed.collect(), indent, room, left_out, overfull }
    }

    /// Titles of the columns that are not shown.
    pub(crate) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Whether the columns are wider than the terminal although all are at their least.
    pub(crate) fn is_overfull(&self) -> bool {
        self.overfull
    }

    /// The line of titles.
    pub(crate) fn head(&self, paint: Paint) -> String {
        let mut line = Lines::default();
        for placed in &self.placed {
            let title = fit(&placed.column.title, placed.width).into_owned();
            line.put(placed.offset, vec![self.aligned(placed, &title)]);
        }
        line.text(|text| paint.bold(text))
    }

    /// The lines of a row.
    pub(crate) fn row(&self, cells: &[String]) -> String {
        let mut out = String::new();
        let mut lines = Lines::default();
        let last = self.placed.len().saturating_sub(1);
        for (index, placed) in self.placed.iter().enumerate() {
            let cell = cells.get(placed.cell).map_or("", String::as_str);
            let text = wrapped(cell, placed.column.overflow, placed.width);
            let widest = text.iter().map(|line| width(line)).max().unwrap_or(0);
            let is_wide = self.room.is_some() && widest > placed.width;
            if is_wide && index == last && index > 0 && self.room.is_some_and(|room| placed.offset + widest > room) {
                // Below, where all of the line is its own.
                out.push_str(&lines.take());
                let offset = self.indent + BELOW;
                let room = self.room.map_or(usize::MAX, |room| room.saturating_sub(offset));
                lines.put(offset, cut(wrapped(cell, placed.column.overflow, room), placed.column.overflow, room));
                continue;
            }
            let text = cut(text, placed.column.overflow, placed.width);
            lines.put(placed.offset, text.iter().map(|line| self.aligned(placed, line)).collect());
            if is_wide && placed.column.overflow == Overflow::Whole && index < last {
                out.push_str(&lines.take());
            }
        }
        out.push_str(&lines.take());
        out
    }

    fn aligned(&self, placed: &PlacedColumn, text: &str) -> String {
        let blanks = if placed.column.is_number { placed.width.saturating_sub(width(text)) } else { 0 };
        format!("{}{text}", " ".repeat(blanks))
    }
}

/// The cell's lines by what its column does with a wide one.
fn wrapped(cell: &str, overflow: Overflow, room: usize) -> Vec<String> {
    match overflow {
        Overflow::Whole => vec![one_line(cell).into_owned()],
        Overflow::Cut => vec![fit(&one_line(cell), room).into_owned()],
        Overflow::Wrap => wrap(&safe(cell), room),
    }
}

/// Words that are wider than all of the room end with `…`.
fn cut(lines: Vec<String>, overflow: Overflow, room: usize) -> Vec<String> {
    match overflow {
        Overflow::Whole => lines,
        Overflow::Cut | Overflow::Wrap => lines.iter().map(|line| fit(line, room).into_owned()).collect(),
    }
}

/// A column with the width that it would like.
struct Sized {
    column: TableColumn,
    cell: usize,
    least: usize,
    width: usize,
}

impl Sized {
    fn of(column: &TableColumn, cell: usize, rows: &[Vec<String>], titled: bool) -> Sized {
        let cells = rows.iter().filter_map(|row| row.get(cell)).map(|text| match column.overflow {
            Overflow::Whole | Overflow::Cut => width(&one_line(text)),
            Overflow::Wrap => safe(text).lines().map(width).max().unwrap_or(0),
        });
        let title = if titled { width(&column.title) } else { 0 };
        // One cell that is very wide takes lines of its own before it widens the column for all.
        let wide = cells.map(|w| if w <= column.most || column.overflow != Overflow::Whole { w } else { 0 });
        let wide = wide.max().map_or(0, |widest| widest + column.spare);
        let width = wide.min(column.most).max(title).max(1);
        Sized { column: column.clone(), cell, least: column.least.max(title).min(width), width }
    }
}

fn needed(columns: &[Sized], width: impl Fn(&Sized) -> usize) -> usize {
    columns.iter().map(width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// The least important column that may go, where even the least widths are too much.
fn superfluous(columns: &[Sized], room: usize) -> Option<usize> {
    if needed(columns, |s| s.least) <= room {
        return None;
    }
    let may_go = columns.iter().enumerate().filter(|(_, s)| s.column.may_go);
    // Of equals, the last.
    may_go.min_by_key(|(index, s)| (s.column.rank, usize::MAX - index)).map(|(index, _)| index)
}

/// Makes the columns as narrow as it takes, those of a low rank first, and of these always the widest. Tells whether they fit then.
fn shrink(columns: &mut [Sized], room: usize) -> bool {
    let mut excess = needed(columns, |s| s.width).saturating_sub(room);
    while excess > 0 {
        let shrinkable = columns.iter_mut().filter(|s| s.width > s.least);
        let Some(next) = shrinkable.min_by_key(|s| (s.column.rank, usize::MAX - s.width)) else { return false };
        next.width -= 1;
        excess -= 1;
    }
    true
}

/// Cells side by side, each of several lines.
#[derive(Default)]
struct Lines(Vec<(usize, Vec<String>)>);

impl Lines {
    fn put(&mut self, offset: usize, lines: Vec<String>) {
        self.0.push((offset, lines));
    }

    fn text(&self, paint: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        for line in 0..self.0.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0) {
            let mut at = 0;
            for (offset, lines) in &self.0 {
                let Some(text) = lines.get(line).filter(|text| !text.trim().is_empty()) else { continue };
                // What does not fit still stands apart.
                let blanks = offset.saturating_sub(at).max(if at > 0 { GAP } else { 0 });
                out.push_str(&" ".repeat(blanks));
                let blank = text.len() - text.trim_start().len();
                out.push_str(&" ".repeat(blank));
                out.push_str(&paint(text.trim()));
                at += blanks + width(text.trim_end());
            }
            out.push('\n');
        }
        out
    }

    fn take(&mut self) -> String {
        let text = if self.0.is_empty() { String::new() } else { self.text(str::to_owned) };
        self.0.clear();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{TableColumn, TextTable};

    fn text(columns: &[TableColumn], rows: &[&[&str]], indent: usize, room: Option<usize>) -> String {
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|c| (*c).to_owned()).collect()).collect();
        let table = TextTable::new(columns, &rows, indent, room, false);
        rows.iter().map(|row| table.row(row)).collect()
    }

    #[test]
    fn texts_wrap_between_words_and_names_stay_whole() {
        let columns = [TableColumn::whole("name").rank(1).least(6), TableColumn::text("title").least(10)];
        assert_eq!(
            text(&columns, &[&["short", "two words"], &["a/very/long/name", "some words more"]], 0, Some(20)),
            "short     two words\na/very/long/name\n          some words\n          more\n"
        );
        assert_eq!(
            text(&columns, &[&["a", "word"], &["b", "a-word-without-any-space"]], 0, Some(16)),
            "a  word\nb\n    a-word-with…\n"
        );
    }

    #[test]
    fn columns_shrink_by_importance_and_go_last() {
        let columns = [
            TableColumn::whole("id").rank(3),
            TableColumn::text("title").rank(2).least(6),
            TableColumn::value("path").rank(1).least(5).may_go(),
        ];
        let row: &[&[&str]] = &[&["id", "first second", "/a/b/c/d"]];
        assert_eq!(text(&columns, row, 0, Some(26)), "id  first second  /a/b/c/d\n");
        assert_eq!(text(&columns, row, 0, Some(24)), "id  first second  /a/b/…\n");
        assert_eq!(text(&columns, row, 0, Some(20)), "id  first      /a/b…\n    second\n");
        assert_eq!(text(&columns, row, 0, Some(16)), "id  first second\n");
        assert_eq!(text(&columns, row, 0, None), "id  first second  /a/b/c/d\n");
    }

    #[test]
    fn numbers_stand_to_the_right_and_are_never_cut() {
        let columns = [TableColumn::number("n").least(2).most(3), TableColumn::value("v")];
        assert_eq!(text(&columns, &[&["1", "a"], &["12345", "b"]], 1, Some(9)), " 1  a\n 12345\n    b\n");
    }

    #[test]
    fn nothing_in_a_cell_acts_on_the_terminal() {
        let columns = [TableColumn::text("t")];
        assert_eq!(text(&columns, &[&["a\u{1b}[2Jb\u{202e}c\rd"]], 0, Some(40)), "a\\u{1b}[2Jb\\u{202e}c\\u{d}d\n");
    }
}
