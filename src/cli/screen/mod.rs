//! Texts and tables that fit a terminal and are safe to print there. Prints nothing.

pub(crate) mod json;
mod paint;
mod table;
pub(crate) mod terminal_text;
pub(crate) mod width;

pub(crate) use paint::Paint;
pub(crate) use table::{GAP, TableColumn, TextTable};
