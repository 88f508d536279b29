//! Formats an error as text: message, place, request, reply of the system, advice. Prints nothing.

use std::fmt::Write as _;

use super::advice;
use super::excerpt::FaultyFiles;
use crate::cli::screen::{Paint, terminal_text};
use crate::error::{Advice, Error, Fault, Place, Provider};

/// Faults that are shown; the others are counted.
const FAULTS_SHOWN: usize = 50;
/// Columns around an excerpt and its line number: spaces, the bar, and `…` on both sides.
const MARGIN: usize = 7;

/// Formats errors and faults for one stream, with its colours and width.
pub(crate) struct Diagnosis {
    paint: Paint,
    /// Columns of the terminal; `None` if it is not one.
    columns: Option<usize>,
    files: FaultyFiles,
    out: String,
}

impl Diagnosis {
    pub(crate) fn new(paint: Paint, columns: Option<usize>) -> Diagnosis {
        Diagnosis { paint, columns, files: FaultyFiles::default(), out: String::new() }
    }

    /// Formats an error.
    pub(crate) fn error(mut self, error: &Error) -> String {
        let head = self.paint.bad(&format!("error[{}]:", error.kind()));
        let message = self.paint.bold(&terminal_text::safe(&error.message));
        self.line(&format!("{head} {message}"));
        // A single fault is the error itself.
        let faults = if error.faults.len() > 1 { error.faults.as_slice() } else { &[] };
        if faults.is_empty()
            && let Some(place) = &error.place
        {
            self.place(place);
        }
        if let Some(request) = &error.request {
            self.put("request", &with_status(request, error.http_status, error.attempts));
        }
        self.provider(&error.provider);
        if let Some(cause) = &error.cause {
            self.put("cause", cause.as_str());
        }
        self.faults(error, faults);
        self.out
    }

    fn faults(&mut self, error: &Error, faults: &[Fault]) {
        // Advice that all faults share is shown once, at the end.
        let shared = faults
            .first()
            .and_then(|f| f.advice.as_ref())
            .filter(|a| faults.iter().all(|f| f.advice.as_ref() == Some(a)));
        for fault in faults.iter().take(FAULTS_SHOWN) {
            self.fault_head(fault);
            if let Some(advice) = fault.advice.as_ref().filter(|_| shared.is_none()) {
                self.help(advice);
            }
        }
        if faults.len() > FAULTS_SHOWN {
            self.put("and", &format!("{} more faults", faults.len() - FAULTS_SHOWN));
        }
        // An error takes the advice of its first fault; it is not shown twice.
        let own = error.advice.as_ref().filter(|a| faults.iter().all(|f| f.advice.as_ref() != Some(a)));
        if let Some(advice) = own.or(shared) {
            self.help(advice);
        }
    }

    /// Formats one of several faults.
    pub(crate) fn fault(&mut self, fault: &Fault) -> String {
        self.fault_head(fault);
        self.advised(fault)
    }

    /// Formats what may be a mistake.
    pub(crate) fn hint(&mut self, hint: &Fault) -> String {
        let head = self.paint.help("hint:");
        self.line(&format!("{head} {}", terminal_text::safe(&hint.message)));
        self.place(&hint.place);
        self.advised(hint)
    }

    fn advised(&mut self, fault: &Fault) -> String {
        if let Some(advice) = &fault.advice {
            self.help(advice);
        }
        std::mem::take(&mut self.out)
    }

    fn fault_head(&mut self, fault: &Fault) {
        let head = self.paint.bad("fault:");
        self.line(&format!("{head} {}", terminal_text::safe(&fault.message)));
        self.place(&fault.place);
    }

    /// Adds a line; on a terminal it wraps between words.
    fn line(&mut self, text: &str) {
        match self.columns {
            Some(columns) => self.out.push_str(&terminal_text::fold(text, columns)),
            None => self.out.extend([text, "\n"]),
        }
    }

    fn put(&mut self, label: &str, text: &str) {
        let label = self.paint.dim(&format!("{label}:"));
        self.line(&format!("  {label} {}", terminal_text::safe(text).replace('\n', "\n    ")));
    }

    fn help(&mut self, advice: &Advice) {
        let advice = advice.worded(&advice::words);
        let label = self.paint.help("help:");
        self.line(&format!("  {label} {}", terminal_text::safe(&advice).replace('\n', "\n    ")));
    }

    fn place(&mut self, place: &Place) {
        let text = place.to_string();
        if text.is_empty() {
            return;
        }
        let arrow = self.paint.dim("-->");
        self.line(&format!("  {arrow} {}", terminal_text::safe(&text)));
        let Some(number) = place.line.map(|line| line.to_string()) else { return };
        let room = self.columns.map_or(usize::MAX, |columns| columns.saturating_sub(number.len() + MARGIN));
        let Some(excerpt) = self.files.excerpt(place, room) else { return };
        let blank = " ".repeat(number.len());
        let bar = self.paint.dim("|");
        let caret = format!("{}{}", " ".repeat(excerpt.indent), self.paint.bad("^"));
        // Writing to a String cannot fail.
        let _ok = writeln!(self.out, "  {blank} {bar}");
        let _ok = writeln!(self.out, "  {} {bar} {}", self.paint.dim(&number), excerpt.text);
        let _ok = writeln!(self.out, "  {blank} {bar} {caret}");
    }

    fn provider(&mut self, provider: &Provider) {
        let mut parts: Vec<&str> =
            [provider.code.as_deref(), provider.message.as_deref()].into_iter().flatten().collect();
        // Some systems have only one text, which is both.
        parts.dedup();
        if !parts.is_empty() {
            self.put("provider", &parts.join(": "));
        }
        for detail in &provider.details {
            let parts: Vec<&str> =
                [&detail.field, &detail.code, &detail.message].into_iter().filter_map(|p| p.as_deref()).collect();
            self.put("detail", &parts.join(": "));
        }
        if let Some(excerpt) = &provider.excerpt {
            self.put("reply", &terminal_text::one_line(excerpt));
        }
        if let Some(id) = &provider.request_id {
            self.put("request id", id);
        }
    }
}

fn with_status(request: &str, status: Option<u16>, attempts: u32) -> String {
    let status = status.map(|s| format!("HTTP {s}"));
    let tries = (attempts > 1).then(|| format!("{attempts} attempts"));
    let facts: Vec<String> = status.into_iter().chain(tries).collect();
    if facts.is_empty() { request.to_owned() } else { format!("{request} ({})", facts.join(", ")) }
}
