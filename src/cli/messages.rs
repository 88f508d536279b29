//! What people read beside the data: notes, warnings, errors on stderr; texts on stdout. The only printing outside `output`.

use std::io::{IsTerminal, Write};

use serde_json::json;

use super::args::{ErrorForm, GlobalArgs};
use super::errors::{Diagnosis, next_step};
use super::screen::{Paint, terminal_text, width};
use crate::error::{Error, ErrorKind, Result, io_text};

/// The exit code of a list or a search that found nothing, as that of `grep`.
const NOTHING: u8 = 1;

/// How to print on stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    quiet: bool,
    json: bool,
    /// Whether each request is told on a line.
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

    /// The screen before the arguments are known.
    pub(crate) fn plain(json: bool) -> Screen {
        Screen { quiet: false, json, verbose: false, paint: Paint::for_terminal(std::io::stderr().is_terminal()) }
    }

    /// Whether a person watches this command.
    pub(crate) fn is_watched(self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// Whether a line may move: not between those that tell each request.
    pub(crate) fn may_move(self) -> bool {
        self.is_watched() && !self.verbose
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

    /// Tells that a list is empty, also with --quiet; gives the exit code.
    pub(crate) fn nothing(self, text: &str) -> u8 {
        self.warn(text);
        NOTHING
    }

    /// A failure, with all that is known about it.
    pub(crate) fn error(self, error: &Error) {
        let error = match &error.advice {
            Some(_) => error.clone(),
            None => error.clone().advise(next_step(error)),
        };
        if self.json {
            self.object(&error);
        } else {
            put(&Diagnosis::new(self.paint, width::stderr()).error(&error));
        }
    }

    /// A closing line or table; not with --quiet.
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

    /// A JSON object on a line.
    pub(crate) fn object(self, value: &impl serde::Serialize) {
        put(&terminal_text::safe_json(&serde_json::to_string(value).unwrap_or_default()));
    }

    /// Lines on stderr; on a terminal they break between words.
    pub(crate) fn line(self, text: &str) {
        match width::stderr() {
            Some(columns) => put(&terminal_text::fold(text, columns)),
            None => put(text),
        }
    }
}

/// Writes to stderr. Nobody may be there to read it; that is no reason to fail.
fn put(text: &str) {
    let _ignored = writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n'));
}

/// Prints a text on stdout, on a terminal without anything that it would act on. A reader that has gone is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    if std::io::stdout().is_terminal() { print_painted(&terminal_text::safe(text)) } else { print_painted(text) }
}

/// The same for a text that is safe, and may have colours.
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
