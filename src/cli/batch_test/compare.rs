//! The differences between what is expected of a run and what it did, as lines for the user. Pure.

use std::fmt::Display;

use super::compare_requests::request_lines;
use crate::batch::{ExpectedEnd, ExpectedFile, ExpectedItem, ExpectedStep};
use crate::cli::recording::difference;
use crate::cli::screen::json::pretty;
use crate::definition::{Json, Ordered};

/// Compares both. If `is_full`, what is not named in `expected` must not be there; else it is not compared.
pub(super) fn differences(expected: &ExpectedFile, found: &ExpectedFile, is_full: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(end) = expected.end.filter(|end| Some(*end) != found.end) {
        let (expected, found) = (end_word(end), found.end.map_or("no end", end_word));
        lines.push(format!("end: expected {expected}, found {found}"));
    }
    if let Some(code) = expected.exit_code.filter(|code| Some(*code) != found.exit_code) {
        lines.push(format!("exit code: expected {code}, found {}", found.exit_code.unwrap_or_default()));
    }
    let (old, new) = (&expected.errors, &found.errors);
    // An end that was not expected is explained by its errors.
    let is_explained = is_full || (old.is_none() && !lines.is_empty());
    each(old, new, is_explained, |step, old, new| lines.extend(texts(&format!("error of {step}"), old, new)));
    let (old, new) = (&expected.steps, &found.steps);
    each(old, new, is_full, |step, old, new| lines.extend(step_lines(step, old, new, is_full)));
    let (old, new) = (&expected.requests, &found.requests);
    each(old, new, is_full, |step, old, new| {
        lines.extend(request_lines(step, old.map_or(&[], Vec::as_slice), new.map_or(&[], Vec::as_slice)));
    });
    let (old, new) = (&expected.saved, &found.saved);
    each(old, new, is_full, |path, old, new| lines.extend(texts(&format!("file {path}"), old, new)));
    if is_full || expected.stdout.is_some() {
        lines.extend(texts("standard output", expected.stdout.as_ref(), found.stdout.as_ref()));
    }
    let (old, new) = (&expected.left, &found.left);
    each(old, new, is_full, |step, old, new| {
        let shown = |items: &[ExpectedItem]| items.iter().map(item_line).collect::<String>();
        let named = |found: &[ExpectedItem]| match old {
            Some(old) if !is_full => shown(&only_named(old, found)),
            _ => shown(found),
        };
        let (old, new) = (old.map(|old| shown(old)), new.map(|new| named(new)));
        lines.extend(texts(&format!("items left of {step}"), old.as_ref(), new.as_ref()));
    });
    let (old, new) = (&expected.watermarks, &found.watermarks);
    each(old, new, is_full, |step, old, new| {
        let shown = |mark: &Json| pretty(&mark.0);
        lines.extend(texts(&format!("watermark of {step}"), old.map(shown).as_ref(), new.map(shown).as_ref()));
    });
    lines
}

/// Every name of both maps; names that only `found` has are left out unless `is_full`.
fn each<T>(
    expected: &Option<Ordered<T>>,
    found: &Option<Ordered<T>>,
    is_full: bool,
    mut look: impl FnMut(&str, Option<&T>, Option<&T>),
) {
    let get = |map: &Option<Ordered<T>>, name: &str| map.as_ref().is_some_and(|map| map.contains_key(name));
    for (name, old) in expected.iter().flatten() {
        look(name, Some(old), found.as_ref().and_then(|map| map.get(name)));
    }
    for (name, new) in found.iter().flatten().filter(|(name, _)| is_full && !get(expected, name)) {
        look(name, None, Some(new));
    }
}

fn end_word(end: ExpectedEnd) -> &'static str {
    match end {
        ExpectedEnd::Ok => "ok",
        ExpectedEnd::Failed => "failed",
    }
}

/// The lines of two texts that differ.
fn texts(what: &str, expected: Option<&String>, found: Option<&String>) -> Vec<String> {
    let (old, new) = (expected.map_or("", String::as_str), found.map_or("", String::as_str));
    let head = match (expected, found) {
        (Some(old), Some(new)) if old == new => return Vec::new(),
        (None, None) => return Vec::new(),
        (Some(_), None) => format!("{what}: expected, but there is none"),
        (None, Some(_)) => format!("{what}: not expected"),
        (Some(_), Some(_)) => format!("{what}:"),
    };
    let mut lines = vec![head];
    let shown = difference(old, new);
    if shown.lines().all(|line| line.starts_with('@')) {
        // The lines are equal: only their ends differ.
        lines.push(format!("  - {}", ending(old)));
        lines.push(format!("  + {}", ending(new)));
        return lines;
    }
    lines.extend(shown.lines().map(|line| format!("  {line}")));
    lines
}

fn ending(text: &str) -> String {
    format!(
        "{} line ends, the last line {}",
        if text.contains("\r\n") { "CRLF" } else { "LF" },
        if text.ends_with('\n') { "has one" } else { "has none" }
    )
}

fn step_lines(step: &str, expected: Option<&ExpectedStep>, found: Option<&ExpectedStep>, is_full: bool) -> Vec<String> {
    let (old, new) = match (expected, found) {
        (Some(old), Some(new)) => (old, new),
        (Some(_), None) => return vec![format!("step {step}: expected, but the batch has no such step")],
        (None, Some(_)) => return vec![format!("step {step}: not expected")],
        (None, None) => return Vec::new(),
    };
    let mut lines = Vec::new();
    let mut differ = |what: &str, old: &dyn Display, new: &dyn Display| {
        lines.push(format!("step {step}: {what} expected {old}, found {new}"));
    };
    if let Some(status) = old.status.as_ref().filter(|status| Some(*status) != new.status.as_ref()) {
        differ("status", status, &new.status.as_deref().unwrap_or("none"));
    }
    let counts = [
        ("items_in", old.items_in, new.items_in),
        ("items_out", old.items_out, new.items_out),
        ("failed", old.failed, new.failed),
        ("unknown", old.unknown, new.unknown),
    ];
    for (what, old, new) in counts {
        let is_compared = is_full || old.is_some();
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        if is_compared && old != new {
            differ(what, &old, &new);
        }
    }
    let (none, all) = (Ordered::new(), new.results.as_ref());
    let (old_results, new_results) = (old.results.as_ref().unwrap_or(&none), all.unwrap_or(&none));
    for (what, count) in old_results {
        let found = new_results.get(what).copied().unwrap_or_default();
        if found != *count {
            differ(what, count, &found);
        }
    }
    for (what, count) in new_results.iter().filter(|(what, _)| is_full && !old_results.contains_key(*what)) {
        differ(what, &0, count);
    }
    lines
}

/// The items that were found, each without the keys that the expected one does not have.
fn only_named(expected: &[ExpectedItem], found: &[ExpectedItem]) -> Vec<ExpectedItem> {
    let named = |(number, item): (usize, &ExpectedItem)| match expected.get(number) {
        Some(old) => ExpectedItem {
            status: item.status.clone().filter(|_| old.status.is_some()),
            item: item.item.clone().filter(|_| old.item.is_some()),
            error: item.error.clone().filter(|_| old.error.is_some()),
        },
        None => item.clone(),
    };
    found.iter().enumerate().map(named).collect()
}

fn item_line(item: &ExpectedItem) -> String {
    let content = item.item.as_ref().map(|item| pretty(&item.0));
    let head: Vec<String> = item.status.clone().into_iter().chain(content).collect();
    let error = item.error.as_ref().map(|error| format!("  {error}\n")).unwrap_or_default();
    format!("{}\n{error}", head.join(" "))
}

#[cfg(test)]
mod tests {
    use super::differences;
    use crate::batch::{ExpectedEnd, ExpectedFile, ExpectedStep};

    fn file(items_in: u64) -> ExpectedFile {
        let step =
            ExpectedStep { status: Some("done".to_owned()), items_in: Some(items_in), ..ExpectedStep::default() };
        ExpectedFile {
            end: Some(ExpectedEnd::Ok),
            steps: Some([("read".to_owned(), step)].into()),
            saved: Some([("a.csv".to_owned(), "id\n1\n".to_owned())].into()),
            ..ExpectedFile::default()
        }
    }

    #[test]
    fn only_what_is_named_is_compared_unless_all_is() {
        let partial = ExpectedFile { end: Some(ExpectedEnd::Ok), ..ExpectedFile::default() };
        assert!(differences(&partial, &file(1), false).is_empty());
        let all = differences(&partial, &file(1), true);
        assert_eq!(all, ["step read: not expected", "file a.csv: not expected", "  + id", "  + 1"]);
        assert_eq!(differences(&file(1), &file(2), true), ["step read: items_in expected 1, found 2"]);
    }

    #[test]
    fn ends_of_lines_differ_visibly() {
        let mut other = file(1);
        other.saved = Some([("a.csv".to_owned(), "id\r\n1\r\n".to_owned())].into());
        let lines = differences(&file(1), &other, true);
        assert!(lines.iter().any(|line| line.contains("CRLF")), "{lines:?}");
    }
}
