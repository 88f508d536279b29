//! Errors as they are stored: JSON objects with kind, message and what the system has said. Pure.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli::screen::terminal_text::one_line;
use crate::error::Place;
use crate::json_text::fields_of;

/// A stored error; what it does not have is empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredError {
    kind: String,
    message: String,
    place: StoredPlace,
    faults: Vec<StoredFault>,
    request: Option<String>,
    http_status: Option<u16>,
    attempts: u32,
    provider: StoredProvider,
    cause: Option<String>,
    advice: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredPlace {
    file: Option<String>,
    line: Option<u64>,
    column: Option<u64>,
    field: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredFault {
    message: String,
    place: StoredPlace,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredProvider {
    code: Option<String>,
    message: Option<String>,
    field: Option<String>,
    request_id: Option<String>,
    details: Vec<StoredProvider>,
    excerpt: Option<String>,
}

/// The message, on one line.
pub(crate) fn why_of(error: &RawValue) -> String {
    one_line(field(error, "message").unwrap_or_default().lines().next().unwrap_or_default()).into_owned()
}

/// The kind.
pub(crate) fn kind_of(error: &RawValue) -> Option<String> {
    field(error, "kind")
}

/// All that is known about it, each with its name: kind and message, place, request, reply, cause and advice.
pub(crate) fn all_of(error: &RawValue) -> Vec<(&'static str, String)> {
    let Ok(known) = serde_json::from_str::<StoredError>(error.get()) else {
        return vec![("why", why_of(error))];
    };
    let mut lines = vec![("why", format!("[{}] {}", known.kind, known.message))];
    lines.push(("place", shown_place(known.place)));
    let faults = known.faults.into_iter().filter(|fault| fault.message != known.message);
    lines.extend(faults.map(|fault| ("fault", format!("{} {}", fault.message, shown_place(fault.place)))));
    lines.push(("request", known.request.unwrap_or_default()));
    lines.push(("status", known.http_status.map(|status| format!("HTTP {status}")).unwrap_or_default()));
    lines.push(("attempts", if known.attempts > 1 { known.attempts.to_string() } else { String::new() }));
    lines.push(("provider", said(&known.provider)));
    lines.extend(known.provider.details.iter().map(|detail| ("detail", said(detail))));
    lines.push(("reply", known.provider.excerpt.map(|text| one_line(&text).into_owned()).unwrap_or_default()));
    lines.push(("request id", known.provider.request_id.unwrap_or_default()));
    lines.push(("cause", known.cause.unwrap_or_default()));
    lines.push(("advice", known.advice.unwrap_or_default()));
    lines.retain(|(_, text)| !text.trim().is_empty());
    lines
}

/// The same as a text.
pub(crate) fn text_of(error: &RawValue) -> String {
    all_of(error).into_iter().map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>().join("\n")
}

fn shown_place(place: StoredPlace) -> String {
    let StoredPlace { file, line, column, field } = place;
    Place { file, line, column, field }.to_string()
}

/// Field, code and message, each once.
fn said(provider: &StoredProvider) -> String {
    let mut parts: Vec<&str> =
        [&provider.field, &provider.code, &provider.message].into_iter().filter_map(|part| part.as_deref()).collect();
    parts.dedup();
    parts.join(": ")
}

fn field(error: &RawValue, name: &str) -> Option<String> {
    let (_, raw) = fields_of(error.get())?.into_iter().find(|(own, _)| own == name)?;
    serde_json::from_str(raw.get()).ok()
}
