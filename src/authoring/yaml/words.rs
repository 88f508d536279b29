//! Readable messages for errors of the YAML reader. Pure.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter};

use super::{ALIASED_MAX, DEPTH_MAX, NODES_MAX};
use crate::error::Advice;

/// The message, and advice if there is any.
pub(super) struct Words {
    pub(super) message: String,
    pub(super) advice: Option<Advice>,
}

/// The message for an error. Keys are named unless they may contain a secret: text in the place of a key need not be
/// one.
pub(super) fn words(error: &Error, names_keys: bool) -> Words {
    let limit = |message: String, todo: &'static str| Words { message, advice: Some(todo.into()) };
    let plain = |message: String| Words { message, advice: None };
    let deep = || {
        let message = format!("it is nested deeper than the limit yaml_depth ({DEPTH_MAX})");
        limit(message, "write it with less nesting; this limit is fixed")
    };
    match error.without_snippet() {
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => deep(),
            BudgetBreach::Documents { .. } => {
                plain("it contains several YAML documents; only one is allowed".to_owned())
            }
            BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => limit(
                format!("it contains more values than the limit yaml_nodes ({NODES_MAX})"),
                "split the file; this limit is fixed",
            ),
            BudgetBreach::ScalarBytes { .. } => limit(
                "its texts are larger in total than the limit of the YAML reader (64 MiB)".to_owned(),
                "split the file, or use fewer anchors and aliases; this limit is fixed",
            ),
            _ => limit(
                "it has more anchors and aliases than the limit of the YAML reader".to_owned(),
                "split the file, or use fewer anchors and aliases; this limit is fixed",
            ),
        },
        Error::AliasError { error, .. } => words(error, names_keys),
        Error::MergeKeyNotAllowed { .. } => plain("merge keys (`<<`) are not supported".to_owned()),
        Error::MultipleDocuments { .. } => plain("it contains several YAML documents; only one is allowed".to_owned()),
        Error::AliasReplayLimitExceeded { .. } => limit(
            format!("its aliases expand to more values than the limit yaml_aliases ({ALIASED_MAX})"),
            "use fewer aliases of aliases; this limit is fixed",
        ),
        Error::DuplicateMappingKey { key, .. } => match key.as_ref().filter(|_| names_keys) {
            Some(key) => plain(format!("duplicate key `{}`", key.escape_debug())),
            None => plain("duplicate key".to_owned()),
        },
        // The scanner has its own limit, which is known only from its message.
        other => match DefaultMessageFormatter.format_message(other) {
            text if text.starts_with("recursion limit") => deep(),
            text => plain(text.lines().next().unwrap_or_default().to_owned()),
        },
    }
}

/// Advice for common mistakes that the reader's message does not explain.
pub(super) fn slip(text: &str, line: Option<u64>) -> Option<Advice> {
    let line = text.lines().nth(usize::try_from(line?.checked_sub(1)?).ok()?)?;
    let advice = if line.contains("{{") || line.contains("${{") {
        "put an expression inside { } or [ ] in quotes"
    } else if line.starts_with('\t') || line.trim_start_matches(' ').starts_with('\t') {
        "indent with spaces; YAML does not allow tabs"
    } else if line.matches(": ").count() > 1 && !line.contains('{') {
        "put a text that contains ': ' in quotes"
    } else {
        return None;
    };
    Some(advice.into())
}
