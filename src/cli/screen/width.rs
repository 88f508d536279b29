//! How wide a terminal is.

use std::io::IsTerminal;

/// Columns where nothing tells the width.
const USUAL: usize = 100;
/// Fewer are taken for a mistake.
const LEAST: usize = 20;

/// Columns of the terminal on stdout, else those that the variable COLUMNS names, else 100.
pub(crate) fn columns() -> usize {
    stdout().or_else(said).unwrap_or(USUAL)
}

/// Columns of the terminal on stdout; `None` where there is none, so that a list may be as wide as it is.
pub(crate) fn stdout() -> Option<usize> {
    let out = std::io::stdout();
    if out.is_terminal() { of(terminal_size::terminal_size_of(&out)) } else { None }
}

/// Columns of the terminal on stderr; `None` where there is none.
pub(crate) fn stderr() -> Option<usize> {
    let err = std::io::stderr();
    if err.is_terminal() { of(terminal_size::terminal_size_of(&err)) } else { None }
}

/// A terminal that does not tell its size has the one of COLUMNS, or the usual one.
fn of(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Option<usize> {
    let told = size.map(|(width, _)| usize::from(width.0)).filter(|columns| *columns >= LEAST);
    Some(told.or_else(said).unwrap_or(USUAL))
}

fn said() -> Option<usize> {
    std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|columns| *columns >= LEAST)
}
