//! A line on stderr that moves while something is under way. It is drawn where it cannot mix with rows, and ends with the first Ctrl-C.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::messages::Screen;
use super::screen::{terminal_text, width};
use super::signals;

/// How often the line moves.
pub(crate) const TICK: Duration = Duration::from_millis(120);
/// Columns of the sign that moves, and of the blank behind it.
const SIGN: usize = 2;

/// Whether the line of a call may be drawn: not where rows go into a pipe, whose reader may write to the same terminal.
pub(crate) fn may_spin(screen: Screen) -> bool {
    screen.may_move() && !is_pipe()
}

#[cfg(unix)]
fn is_pipe() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let kind = std::io::stdout().as_fd().try_clone_to_owned().and_then(|out| std::fs::File::from(out).metadata());
    kind.is_ok_and(|about| about.file_type().is_fifo() || about.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_pipe() -> bool {
    !std::io::IsTerminal::is_terminal(&std::io::stdout())
}

/// Such lines, one below the other.
pub(crate) struct Spinners(MultiProgress);

impl Spinners {
    pub(crate) fn new() -> Spinners {
        Spinners(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }

    /// One more line.
    pub(crate) fn add(&self) -> Spinner {
        let bar = self.0.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        Spinner(bar)
    }

    /// Prints without the lines in between.
    pub(crate) fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        self.0.suspend(print)
    }
}

/// One line.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// Shows a text; words that do not fit are left out. After a Ctrl-C the line is gone.
    pub(crate) fn show(&self, text: &str) {
        if signals::is_stopping() {
            self.end();
            return;
        }
        let room = width::stderr().unwrap_or(usize::MAX).saturating_sub(SIGN);
        self.0.set_message(terminal_text::fit_words(&terminal_text::one_line(text), room));
        self.0.tick();
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        if !self.0.is_finished() {
            self.0.finish_and_clear();
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.end();
    }
}
