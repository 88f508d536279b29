//! What fits on a terminal and is safe there: texts, tables, colours, widths. Prints nothing.

pub(crate) mod json;
mod paint;
mod table;
pub(crate) mod terminal_text;
pub(crate) mod width;

pub(crate) use paint::Paint;
pub(crate) use table::{GAP, TableColumn, TextTable};
