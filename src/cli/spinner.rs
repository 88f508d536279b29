//! Progress spinners on stderr. They are drawn only where they cannot mix with rows, and end with the first Ctrl-C.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::messages::Screen;
use super::screen::{terminal_text, width};
use super::signals;

/// Interval between two frames.
pub(crate) const TICK: Duration = Duration::from_millis(120);
/// Columns of the spinner and the space after it.
const SIGN: usize = 2;

/// Whether the spinner of a call may be drawn: not if stdout is a pipe, because its reader may write to the same terminal.
pub(crate) fn may_animate_call(screen: Screen) -> bool {
    screen.may_animate() && !is_pipe()
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

/// Several spinners, one per line.
pub(crate) struct Spinners(MultiProgress);

impl Spinners {
    pub(crate) fn new() -> Spinners {
        Spinners(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }

    /// Adds a spinner.
    pub(crate) fn add(&self) -> Spinner {
        let bar = self.0.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        Spinner(bar)
    }

    /// Prints while the spinners are hidden.
    pub(crate) fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        self.0.suspend(print)
    }
}

/// One spinner.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// Shows a text, cut between words to the width of the terminal. After Ctrl-C the spinner is removed.
    pub(crate) fn show(&self, text: &str) {
        if signals::is_interrupted() {
            self.end();
            return;
        }
        let room = width::stderr().unwrap_or(usize::MAX).saturating_sub(SIGN);
        self.0.set_message(terminal_text::fit_words(&terminal_text::one_line(text), room));
        self.0.tick();
    }

    /// Removes the spinner.
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
