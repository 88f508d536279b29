//! The width of the terminal.

use std::io::IsTerminal;

/// Width if it is unknown.
const DEFAULT: usize = 100;
/// Smaller values are ignored.
const MIN: usize = 20;

/// Columns of the terminal on stdout, else the value of COLUMNS, else 100.
pub(crate) fn columns() -> usize {
    stdout().or_else(from_env).unwrap_or(DEFAULT)
}

/// Columns of the terminal on stdout; `None` if it is not one.
pub(crate) fn stdout() -> Option<usize> {
    let out = std::io::stdout();
    if out.is_terminal() { or_default(reported(&out)) } else { None }
}

/// Columns of the terminal on stderr; `None` if it is not one.
pub(crate) fn stderr() -> Option<usize> {
    let err = std::io::stderr();
    if err.is_terminal() { or_default(reported(&err)) } else { None }
}

/// A terminal without a known size has that of COLUMNS, else the default.
fn or_default(reported: Option<usize>) -> Option<usize> {
    Some(reported.filter(|columns| *columns >= MIN).or_else(from_env).unwrap_or(DEFAULT))
}

/// The size that a terminal reports. Some report only columns, no rows.
#[cfg(unix)]
fn reported(terminal: &impl std::os::fd::AsFd) -> Option<usize> {
    rustix::termios::tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn reported(terminal: &impl std::os::windows::io::AsHandle) -> Option<usize> {
    terminal_size::terminal_size_of(terminal).map(|(width, _)| usize::from(width.0))
}

fn from_env() -> Option<usize> {
    std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|columns| *columns >= MIN)
}
