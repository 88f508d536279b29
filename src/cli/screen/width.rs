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
    if out.is_terminal() { of(told(&out)) } else { None }
}

/// Columns of the terminal on stderr; `None` where there is none.
pub(crate) fn stderr() -> Option<usize> {
    let err = std::io::stderr();
    if err.is_terminal() { of(told(&err)) } else { None }
}

/// A terminal that does not tell its size has the one of COLUMNS, or the usual one.
fn of(told: Option<usize>) -> Option<usize> {
    Some(told.filter(|columns| *columns >= LEAST).or_else(said).unwrap_or(USUAL))
}

/// What a terminal tells; some tell their columns and no rows.
#[cfg(unix)]
fn told(terminal: &impl std::os::fd::AsFd) -> Option<usize> {
    rustix::termios::tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn told(terminal: &impl std::os::windows::io::AsHandle) -> Option<usize> {
    terminal_size::terminal_size_of(terminal).map(|(width, _)| usize::from(width.0))
}

fn said() -> Option<usize> {
    std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|columns| *columns >= LEAST)
}
