//! What people read beside the data: notes, warnings, errors on stderr; texts on stdout. The only printing outside `output`.

use std::io::{IsTerminal, Write};

use serde_json::json;

use crate::cli::args::command::{ErrorForm, GlobalArgs};
use crate::cli::errors::diagnose;
use crate::cli::screen::{Paint, terminal_text};
use crate::error::{Error, ErrorKind, Result, io_text};

/// How to print on stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    quiet: bool,
    json: bool,
    paint: Paint,
}

impl Screen {
    pub(crate) fn new(global: &GlobalArgs) -> Screen {
        Screen {
            quiet: global.quiet,
            json: global.error_format == ErrorForm::Json,
            paint: Paint::for_terminal(std::io::stderr().is_terminal()),
        }
    }

    /// The screen before the arguments are known.
    pub(crate) fn plain(json: bool) -> Screen {
        Screen { quiet: false, json, paint: Paint::for_terminal(std::io::stderr().is_terminal()) }
    }

    /// Whether progress may be drawn.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// Whether stderr takes JSON lines.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    pub(crate) fn paint(self) -> Paint {
        self.paint
    }

    /// Something good to know; not with --quiet.
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

    /// Something that may turn out bad.
    pub(crate) fn warn(self, text: &str) {
        if self.json {
            self.object(&json!({ "warning": text }));
        } else {
            self.line(&format!("{} {}", self.paint.warn("warning:"), terminal_text::safe(text)));
        }
    }

    /// A failure, with all that is known about it.
    pub(crate) fn error(self, error: &Error) {
        if self.json {
            self.object(error);
        } else {
            self.line(&diagnose::render(error, self.paint));
        }
    }

    /// A closing line; not with --quiet.
    pub(crate) fn summary(self, text: &str, object: &impl serde::Serialize) {
        if self.quiet {
            return;
        }
        if self.json { self.object(object) } else { self.line(&terminal_text::safe(text)) }
    }

    /// A JSON object on a line.
    pub(crate) fn object(self, value: &impl serde::Serialize) {
        self.line(&terminal_text::safe_json(&serde_json::to_string(value).unwrap_or_default()));
    }

    /// A line on stderr. Nobody may be there to read it; that is no reason to fail.
    pub(crate) fn line(self, text: &str) {
        let _ignored = writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n'));
    }
}

/// Prints a text on stdout. A reader that has gone is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
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
