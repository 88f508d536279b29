//! Errors as they are stored: JSON objects with kind and message. Pure.

use serde_json::value::RawValue;

use crate::cli::screen::terminal_text::one_line;
use crate::json_text::fields_of;

/// The message, on one line.
pub(super) fn why_of(error: &RawValue) -> String {
    one_line(field(error, "message").unwrap_or_default().lines().next().unwrap_or_default()).into_owned()
}

/// The kind.
pub(super) fn kind_of(error: &RawValue) -> Option<String> {
    field(error, "kind")
}

fn field(error: &RawValue, name: &str) -> Option<String> {
    let (_, raw) = fields_of(error.get())?.into_iter().find(|(own, _)| own == name)?;
    serde_json::from_str(raw.get()).ok()
}
