//! How wide a terminal is.

/// Columns where nothing tells the width.
const USUAL: usize = 100;
/// Fewer are taken for a mistake.
const LEAST: usize = 20;

/// Columns of the terminal on stdout; 100 where there is none.
pub(crate) fn columns() -> usize {
    let said = || std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let terminal = comfy_table::Table::new().width().map(usize::from);
    terminal.or_else(said).filter(|c| *c >= LEAST).unwrap_or(USUAL)
}
