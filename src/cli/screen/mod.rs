//! What fits on a terminal and is safe there: texts, tables, colours, widths. Prints nothing.

mod grid;
pub(crate) mod json;
mod paint;
pub(crate) mod terminal_text;
pub(crate) mod width;

pub(crate) use grid::grid;
pub(crate) use paint::Paint;
