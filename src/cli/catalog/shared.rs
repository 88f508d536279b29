//! What listings, searches and descriptions share.

use serde_json::Value;

use crate::cli::app::App;
use crate::cli::screen::terminal_text;
use crate::error::{Error, ErrorKind, Result};

/// Minimum widths of columns; longer names go on a separate line.
pub(super) const NAME_MIN: usize = 32;
pub(super) const TITLE_MIN: usize = 24;
pub(super) const REQUEST_MIN: usize = 28;

pub(super) const UNCHECKED: &str = "the definitions of so many operations are not checked; `opnode check` checks them";
pub(super) const DESCRIBE_NEXT: &str = "`opnode describe OPERATION_ID` shows one";
pub(super) const TEMPLATE_NEXT: &str = "`opnode template NAME` prints one; every OperationId is also a template name";

/// Maximum width; wider lines are hard to read.
pub(super) const MAX_WIDTH: usize = 130;

/// Warns that an entry is omitted because its definition has faults.
pub(super) fn warn_omitted(app: &App, error: &Error) {
    let faults = error.to_faults();
    let Some(first) = faults.first() else { return };
    let more = match faults.len() {
        0 | 1 => String::new(),
        n => format!(", and {} more; `opnode check` shows them", n - 1),
    };
    let place = Some(first.place.to_string())
        .filter(|place| !place.is_empty())
        .map(|place| format!("{place}: "))
        .unwrap_or_default();
    app.screen.warn(&format!("omitted: {place}{}{more}", terminal_text::one_line(&first.message)));
}

/// The name, prefixed with the connector if there are several, so that it can be pasted.
pub(super) fn qualified(connector: &str, name: &str, several: bool) -> String {
    if several { format!("{connector}/{name}") } else { name.to_owned() }
}

pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

pub(super) fn to_json(value: &Value) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|e| Error::new(ErrorKind::Internal, format!("the description: {e}")))
}
