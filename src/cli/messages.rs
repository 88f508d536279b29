//! Notes, warnings and errors on stderr; texts on stdout. All printing except `output` goes through here.

use std::io::{IsTerminal, Write};

use serde_json::json;

use super::args::{ErrorForm, GlobalArgs};
use super::errors::{Diagnosis, next_step, worded};
use super::screen::{Paint, terminal_text, width};
use crate::error::{Error, ErrorKind, Result, io_text};

/// The exit code of an empty list or search, as in `grep`.
const NOTHING: u8 = 1;

/// How messages are printed on stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    quiet: bool,
    json: bool,
    /// Whether requests are logged (`-v`).
    verbose: bool,
    paint: Paint,
}

impl Screen {
    pub(crate) fn new(global: &GlobalArgs) -> Screen {
        Screen {
            quiet: global.quiet,
            verbose: global.verbose > 0,
            ..Screen::plain(global.error_format == ErrorForm::Json)
        }
    }

    /// The screen before the arguments are parsed.
    pub(crate) fn plain(json: bool) -> Screen {
        Screen { quiet: false, json, verbose: false, paint: Paint::for_terminal(std::io::stderr().is_terminal()) }
    }

    /// Whether stderr is a terminal, and messages are text.
    pub(crate) fn is_interactive(self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// Whether a spinner may be drawn: not between logged requests.
    pub(crate) fn may_animate(self) -> bool {
        self.is_interactive() && !self.verbose
    }

    /// Whether requests are logged.
    #[cfg(not(feature = "otel"))]
    pub(crate) fn is_verbose(self) -> bool {
        self.verbose
    }

    /// Whether messages are JSON lines.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    pub(crate) fn paint(self) -> Paint {
        self.paint
    }

    /// Prints a note; not with --quiet.
    pub(crate) fn note(self, text: &str) {
        if self.quiet {
            return;
        }
        if self.json {
            self.object(&json!({ "note": text }));
        } else {
            self.line(&format!("{} {}", self.paint.dim("note:"), terminal_text::safe(text)));
        }
    }

    /// Prints a warning.
    pub(crate) fn warn(self, text: &str) {
        if self.json {
            self.object(&json!({ "warning": text }));
        } else {
            self.line(&format!("{} {}", self.paint.warn("warning:"), terminal_text::safe(text)));
        }
    }

    /// Warns that a list is empty, also with --quiet. Returns the exit code.
    pub(crate) fn nothing(self, text: &str) -> u8 {
        self.warn(text);
        NOTHING
    }

    /// Prints an error.
    pub(crate) fn error(self, error: &Error) {
        let error = match &error.advice {
            Some(_) => error.clone(),
            None => error.clone().advise(next_step(error)),
        };
        if self.json {
            self.object(&worded(&error));
        } else {
            put(&Diagnosis::new(self.paint, width::stderr()).error(&error));
        }
    }

    /// Prints the closing line or table; not with --quiet.
    pub(crate) fn summary(self, text: &str, object: &impl serde::Serialize) {
        if self.quiet {
            return;
        }
        if self.json {
            self.object(object);
        } else if text.contains('\n') {
            put(&terminal_text::safe(text));
        } else {
            self.line(&terminal_text::safe(text));
        }
    }

    /// Prints a JSON object on one line.
    pub(crate) fn object(self, value: &impl serde::Serialize) {
        put(&terminal_text::safe_json(&serde_json::to_string(value).unwrap_or_default()));
    }

    /// Prints lines on stderr; on a terminal, long lines wrap between words.
    pub(crate) fn line(self, text: &str) {
        match width::stderr() {
            Some(columns) => put(&terminal_text::fold(text, columns)),
            None => put(text),
        }
    }
}

/// Writes to stderr. A closed stderr is not an error.
fn put(text: &str) {
    let _ignored = writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n'));
}

/// Prints a text on stdout; on a terminal, control characters are escaped. A closed pipe is not an error.
pub(crate) fn print(text: &str) -> Result<()> {
    if std::io::stdout().is_terminal() { print_painted(&terminal_text::safe(text)) } else { print_painted(text) }
}

/// The same for a text that is already escaped, and may have colours.
pub(crate) fn print_painted(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written =
        out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    match written.and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => Err(stdout_failed(&cause)),
        _ => Ok(()),
    }
}

pub(crate) fn stdout_failed(cause: &std::io::Error) -> Error {
    Error::new(ErrorKind::State, format!("standard output cannot be written: {}", io_text(cause)))
}
