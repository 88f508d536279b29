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
pub(super) fn words(error: &Error, is_named: &dyn Fn(&str) -> bool) -> Words {
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
        Error::AliasError { error, .. } => words(error, is_named),
        Error::MergeKeyNotAllowed { .. } => plain("merge keys (`<<`) are not supported".to_owned()),
        Error::MultipleDocuments { .. } => plain("it contains several YAML documents; only one is allowed".to_owned()),
        Error::AliasReplayLimitExceeded { .. } => limit(
            format!("its aliases expand to more values than the limit yaml_aliases ({ALIASED_MAX})"),
            "use fewer aliases of aliases; this limit is fixed",
        ),
        Error::DuplicateMappingKey { key, .. } => match key.as_ref().filter(|key| is_named(key)) {
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

/// Whether a plain name and a colon are at a place. If so, it is a key; otherwise it may be a value in the place of a
/// key.
pub(super) fn stands_as_key(text: &str, at: Option<(u64, u64)>, key: &str) -> bool {
    let is_plain = key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let number = |n: u64| usize::try_from(n).ok()?.checked_sub(1);
    let line = at.and_then(|(line, column)| Some((text.lines().nth(number(line)?)?, number(column)?)));
    let rest = line.and_then(|(line, column)| line.get(line.char_indices().nth(column)?.0..));
    let behind = rest.and_then(|rest| rest.trim_start_matches(['"', '\'']).strip_prefix(key));
    let colon = behind.and_then(|behind| behind.trim_start_matches(['"', '\'', ' ']).strip_prefix(':'));
    is_plain && colon.is_some_and(|value| value.is_empty() || value.starts_with([' ', '\t']))
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
