//! A plain table of a few rows for people, without lines.

use std::ops::Range;

use comfy_table::{CellAlignment, Table, presets};

/// The rows under their header; the columns in `numbers` are set to the right.
pub(crate) fn grid(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, numbers: Range<usize>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec()).add_rows(rows);
    for number in numbers {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string().lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned() + "\n").collect()
}
