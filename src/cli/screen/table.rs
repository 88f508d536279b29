//! Lays out tables for lists, records and fields. If the terminal is too narrow, columns shrink by rank; text wraps at spaces or ends with `…`, and
//! values that must stay whole go on a separate line. Pure.

use super::paint::Paint;
use super::terminal_text::{fit, one_line, safe, width, wrap};

/// Spaces between two columns.
pub(crate) const GAP: usize = 2;
/// Indent of a value that does not fit the last column.
const BELOW: usize = 4;

/// What to do with a cell that is wider than its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    /// Keep it whole, so that it can be copied; later cells go on the next line.
    Whole,
    /// Wrap it to several lines.
    Wrap,
    /// Cut it, ending with `…`.
    Cut,
}

/// A column whose width is not decided yet.
#[derive(Clone, Debug)]
pub(crate) struct TableColumn {
    title: String,
    overflow: Overflow,
    is_number: bool,
    /// Columns with a low rank shrink first.
    rank: usize,
    /// Minimum width.
    min: usize,
    /// Maximum width.
    max: usize,
    /// Extra width for longer cells of later rows.
    spare: usize,
    /// Whether it is omitted before other columns get narrower than their minimum.
    optional: bool,
}

impl TableColumn {
    fn new(title: &str, overflow: Overflow) -> TableColumn {
        let title = one_line(title).into_owned();
        TableColumn {
            title,
            overflow,
            is_number: false,
            rank: 0,
            min: usize::MAX,
            max: usize::MAX,
            spare: 0,
            optional: false,
        }
    }

    /// A column of names, dates or paths, which are never cut.
    pub(crate) fn whole(title: &str) -> TableColumn {
        TableColumn::new(title, Overflow::Whole)
    }

    /// A right-aligned column of numbers, which are never cut.
    pub(crate) fn number(title: &str) -> TableColumn {
        TableColumn { is_number: true, ..TableColumn::new(title, Overflow::Whole) }
    }

    /// A column of text that wraps.
    pub(crate) fn text(title: &str) -> TableColumn {
        TableColumn::new(title, Overflow::Wrap)
    }

    /// A column of values, cut to one line.
    pub(crate) fn value(title: &str) -> TableColumn {
        TableColumn::new(title, Overflow::Cut)
    }

    pub(crate) fn rank(self, rank: usize) -> TableColumn {
        TableColumn { rank, ..self }
    }

    pub(crate) fn min(self, min: usize) -> TableColumn {
        TableColumn { min, ..self }
    }

    pub(crate) fn max(self, max: usize) -> TableColumn {
        TableColumn { max, ..self }
    }

    pub(crate) fn spare(self, spare: usize) -> TableColumn {
        TableColumn { spare, ..self }
    }

    pub(crate) fn optional(self) -> TableColumn {
        TableColumn { optional: true, ..self }
    }
}

/// A column with its position and width.
#[derive(Clone, Debug)]
struct PlacedColumn {
    column: TableColumn,
    /// Which cell of a row it shows.
    cell: usize,
    offset: usize,
    width: usize,
}

/// A table with fixed widths; formats row by row.
#[derive(Clone, Debug)]
pub(crate) struct TextTable {
    placed: Vec<PlacedColumn>,
    indent: usize,
    /// Columns of the terminal; `None` for no limit.
    room: Option<usize>,
    omitted: Vec<String>,
    is_too_wide: bool,
}

impl TextTable {
    /// Decides the widths from the rows; with `titled`, titles count too.
    pub(crate) fn new(
        columns: &[TableColumn],
        rows: &[Vec<String>],
        indent: usize,
        room: Option<usize>,
        titled: bool,
    ) -> TextTable {
        let mut sized: Vec<Sized> =
            columns.iter().enumerate().map(|(cell, column)| Sized::of(column, cell, rows, titled)).collect();
        let mut omitted = Vec::new();
        let mut is_too_wide = false;
        if let Some(room) = room {
            let room = room.saturating_sub(indent);
            while let Some(gone) = to_omit(&sized, room) {
                omitted.push(sized.remove(gone).column.title);
            }
            is_too_wide = !shrink(&mut sized, room);
        }
        let mut offset = indent;
        let placed = sized.into_iter().map(|s| {
            let placed = PlacedColumn { column: s.column, cell: s.cell, offset, width: s.width };
            offset += placed.width + GAP;
            placed
        });
        TextTable { placed: placed.collect(), indent, room, omitted, is_too_wide }
    }

    /// Titles of the omitted columns.
    pub(crate) fn omitted(&self) -> &[String] {
        &self.omitted
    }

    /// Whether the table is wider than the terminal although all columns have their minimum width.
    pub(crate) fn is_too_wide(&self) -> bool {
        self.is_too_wide
    }

    /// The title line.
    pub(crate) fn head(&self, paint: Paint) -> String {
        let mut line = WrappedLines::default();
        for placed in &self.placed {
            let title = fit(&placed.column.title, placed.width).into_owned();
            line.put(placed.offset, vec![self.aligned(placed, &title)]);
        }
        line.text(|text| paint.bold(text))
    }

    /// The lines of a row.
    pub(crate) fn row(&self, cells: &[String]) -> String {
        let mut out = String::new();
        let mut lines = WrappedLines::default();
        let last = self.placed.len().saturating_sub(1);
        for (index, placed) in self.placed.iter().enumerate() {
            let cell = cells.get(placed.cell).map_or("", String::as_str);
            let text = wrapped(cell, placed.column.overflow, placed.width);
            let widest = text.iter().map(|line| width(line)).max().unwrap_or(0);
            let is_wide = self.room.is_some() && widest > placed.width;
            if is_wide && index == last && index > 0 && self.room.is_some_and(|room| placed.offset + widest > room) {
                // On a separate line below.
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

/// The lines of a cell.
fn wrapped(cell: &str, overflow: Overflow, room: usize) -> Vec<String> {
    match overflow {
        Overflow::Whole => vec![one_line(cell).into_owned()],
        Overflow::Cut => vec![fit(&one_line(cell), room).into_owned()],
        Overflow::Wrap => wrap(&safe(cell), room),
    }
}

/// Cuts words that are wider than the column.
fn cut(lines: Vec<String>, overflow: Overflow, room: usize) -> Vec<String> {
    match overflow {
        Overflow::Whole => lines,
        Overflow::Cut | Overflow::Wrap => lines.iter().map(|line| fit(line, room).into_owned()).collect(),
    }
}

/// A column with its preferred and minimum width.
struct Sized {
    column: TableColumn,
    cell: usize,
    min: usize,
    width: usize,
}

impl Sized {
    fn of(column: &TableColumn, cell: usize, rows: &[Vec<String>], titled: bool) -> Sized {
        let cells = rows.iter().filter_map(|row| row.get(cell)).map(|text| match column.overflow {
            Overflow::Whole | Overflow::Cut => width(&one_line(text)),
            Overflow::Wrap => safe(text).lines().map(width).max().unwrap_or(0),
        });
        let title = if titled { width(&column.title) } else { 0 };
        // A cell beyond the maximum goes on its own line and does not widen the column.
        let wide = cells.map(|w| if w <= column.max || column.overflow != Overflow::Whole { w } else { 0 });
        let wide = wide.max().map_or(0, |widest| widest + column.spare);
        let width = wide.min(column.max).max(title).max(1);
        Sized { column: column.clone(), cell, min: column.min.max(title).min(width), width }
    }
}

fn needed(columns: &[Sized], width: impl Fn(&Sized) -> usize) -> usize {
    columns.iter().map(width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// The optional column to omit, if even the minimum widths do not fit.
fn to_omit(columns: &[Sized], room: usize) -> Option<usize> {
    if needed(columns, |s| s.min) <= room {
        return None;
    }
    let optional = columns.iter().enumerate().filter(|(_, s)| s.column.optional);
    // Among equal ranks, the last.
    optional.min_by_key(|(index, s)| (s.column.rank, usize::MAX - index)).map(|(index, _)| index)
}

/// Narrows the columns, those with a low rank first, and among these the widest. Returns whether they fit.
fn shrink(columns: &mut [Sized], room: usize) -> bool {
    let mut excess = needed(columns, |s| s.width).saturating_sub(room);
    while excess > 0 {
        let shrinkable = columns.iter_mut().filter(|s| s.width > s.min);
        let Some(next) = shrinkable.min_by_key(|s| (s.column.rank, usize::MAX - s.width)) else { return false };
        next.width -= 1;
        excess -= 1;
    }
    true
}

/// Cells side by side, each with several lines.
#[derive(Default)]
struct WrappedLines(Vec<(usize, Vec<String>)>);

impl WrappedLines {
    fn put(&mut self, offset: usize, lines: Vec<String>) {
        self.0.push((offset, lines));
    }

    fn text(&self, paint: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        for line in 0..self.0.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0) {
            let mut at = 0;
            for (offset, lines) in &self.0 {
                let Some(text) = lines.get(line).filter(|text| !text.trim().is_empty()) else { continue };
                // Cells that overflow still get a gap.
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
    fn text_wraps_between_words_and_names_stay_whole() {
        let columns = [TableColumn::whole("name").rank(1).min(6), TableColumn::text("title").min(10)];
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
    fn columns_shrink_by_rank_and_optional_ones_are_omitted() {
        let columns = [
            TableColumn::whole("id").rank(3),
            TableColumn::text("title").rank(2).min(6),
            TableColumn::value("path").rank(1).min(5).optional(),
        ];
        let row: &[&[&str]] = &[&["id", "first second", "/a/b/c/d"]];
        assert_eq!(text(&columns, row, 0, Some(26)), "id  first second  /a/b/c/d\n");
        assert_eq!(text(&columns, row, 0, Some(24)), "id  first second  /a/b/…\n");
        assert_eq!(text(&columns, row, 0, Some(20)), "id  first      /a/b…\n    second\n");
        assert_eq!(text(&columns, row, 0, Some(16)), "id  first second\n");
        assert_eq!(text(&columns, row, 0, None), "id  first second  /a/b/c/d\n");
    }

    #[test]
    fn numbers_are_right_aligned_and_never_cut() {
        let columns = [TableColumn::number("n").min(2).max(3), TableColumn::value("v")];
        assert_eq!(text(&columns, &[&["1", "a"], &["12345", "b"]], 1, Some(9)), " 1  a\n 12345\n    b\n");
    }

    #[test]
    fn control_characters_in_cells_are_escaped() {
        let columns = [TableColumn::text("t")];
        assert_eq!(text(&columns, &[&["a\u{1b}[2Jb\u{202e}c\rd"]], 0, Some(40)), "a\\u{1b}[2Jb\\u{202e}c\\u{d}d\n");
    }
}
