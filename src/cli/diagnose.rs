//! An error as people read it: what failed, where, what the system said, what to do. Text only; nothing is printed here.

use std::fmt::Write as _;

use super::advice;
use super::excerpt::excerpt;
use super::screen::Paint;
use super::terminal_text;
use crate::error::{Error, Fault, Place, Provider};

/// Faults that are shown one by one.
const FAULTS_SHOWN: usize = 50;

/// The whole error.
pub(crate) fn render(error: &Error, paint: Paint) -> String {
    let mut out = format!(
        "{} {}\n",
        paint.bad(&format!("error[{}]:", error.kind())),
        paint.bold(&terminal_text::safe(&error.message))
    );
    // One fault is the error itself.
    let faults = if error.faults.len() > 1 { error.faults.as_slice() } else { &[] };
    if faults.is_empty()
        && let Some(place) = &error.place
    {
        put_place(&mut out, place, paint);
    }
    if let Some(request) = &error.request {
        put(&mut out, paint, "request", &with_status(request, error.http_status, error.attempts));
    }
    put_provider(&mut out, &error.provider, paint);
    if let Some(cause) = &error.cause {
        put(&mut out, paint, "cause", cause.as_str());
    }
    // What is to be done about all of them is said once, at the end.
    let shared =
        faults.first().and_then(|f| f.advice.as_ref()).filter(|a| faults.iter().all(|f| f.advice.as_ref() == Some(a)));
    for fault in faults.iter().take(FAULTS_SHOWN) {
        out.push_str(&fault_head(fault, paint));
        if let Some(todo) = fault.advice.as_ref().filter(|_| shared.is_none()) {
            put_help(&mut out, &todo.worded(&advice::words), paint);
        }
    }
    if faults.len() > FAULTS_SHOWN {
        put(&mut out, paint, "and", &format!("{} more faults", faults.len() - FAULTS_SHOWN));
    }
    // The first fault's advice is also that of the whole.
    let own = error.advice.as_ref().filter(|a| faults.iter().all(|f| f.advice.as_ref() != Some(a)));
    if let Some(todo) = own.or(shared) {
        put_help(&mut out, &todo.worded(&advice::words), paint);
    }
    out
}

/// One of several faults.
pub(crate) fn fault_text(fault: &Fault, paint: Paint) -> String {
    let mut out = fault_head(fault, paint);
    if let Some(todo) = &fault.advice {
        put_help(&mut out, &todo.worded(&advice::words), paint);
    }
    out
}

fn fault_head(fault: &Fault, paint: Paint) -> String {
    let mut out = format!("{} {}\n", paint.bad("fault:"), terminal_text::safe(&fault.message));
    put_place(&mut out, &fault.place, paint);
    out
}

fn put(out: &mut String, paint: Paint, label: &str, text: &str) {
    // Writing to a String cannot fail.
    let _ok =
        writeln!(out, "  {} {}", paint.dim(&format!("{label}:")), terminal_text::safe(text).replace('\n', "\n    "));
}

fn put_help(out: &mut String, advice: &str, paint: Paint) {
    let _ok = writeln!(out, "  {} {}", paint.help("help:"), terminal_text::safe(advice).replace('\n', "\n    "));
}

fn put_place(out: &mut String, place: &Place, paint: Paint) {
    let text = place.to_string();
    if text.is_empty() {
        return;
    }
    let _ok = writeln!(out, "  {} {}", paint.dim("-->"), terminal_text::safe(&text));
    let (Some(excerpt), Some(line)) = (excerpt(place), place.line) else { return };
    let number = line.to_string();
    let blank = " ".repeat(number.len());
    let bar = paint.dim("|");
    let _ok = writeln!(out, "  {blank} {bar}");
    let _ok = writeln!(out, "  {} {bar} {}", paint.dim(&number), excerpt.text);
    let _ok = writeln!(out, "  {blank} {bar} {}{}", " ".repeat(excerpt.indent), paint.bad("^"));
}

fn with_status(request: &str, status: Option<u16>, attempts: u32) -> String {
    let status = status.map(|s| format!("HTTP {s}"));
    let tries = (attempts > 1).then(|| format!("{attempts} attempts"));
    let facts: Vec<String> = status.into_iter().chain(tries).collect();
    if facts.is_empty() { request.to_owned() } else { format!("{request} ({})", facts.join(", ")) }
}

fn put_provider(out: &mut String, provider: &Provider, paint: Paint) {
    let said: Vec<&str> = [provider.code.as_deref(), provider.message.as_deref()].into_iter().flatten().collect();
    if !said.is_empty() {
        put(out, paint, "provider", &said.join(": "));
    }
    for detail in &provider.details {
        let parts: Vec<&str> =
            [&detail.field, &detail.code, &detail.message].into_iter().filter_map(|p| p.as_deref()).collect();
        put(out, paint, "detail", &parts.join(": "));
    }
    if let Some(excerpt) = &provider.excerpt {
        put(out, paint, "reply", &terminal_text::one_line(excerpt));
    }
    if let Some(id) = &provider.request_id {
        put(out, paint, "request id", id);
    }
}
