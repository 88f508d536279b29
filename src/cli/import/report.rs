//! What an import says to its user.

use std::path::Path;

use super::edits::Edit;
use super::trial::TrialReport;
use crate::cli::screen::terminal_text::{count as count_of, one_line};
use crate::error::Fault;
use crate::import::{Changes, Doc, Imported, Tried};

/// How many names of a list are shown.
const SHOWN: usize = 6;
/// How many lines of a section are shown.
const LINES: usize = 40;

/// The report of an import.
pub(super) fn text(imported: &Imported, folder: &Path, connector: &str) -> String {
    let mut out = head(imported);
    out.push_str(&format!("wrote {} files to {}\n", imported.files.len() + 2, folder.display()));
    out.push_str(&details(imported));
    out.push_str(&format!(
        "\nnext:\n  opnode operations --connector {connector}\n  opnode connection example {connector}\n\ncorrections belong into {}\n",
        folder.join("overrides.yaml").display()
    ));
    out
}

fn head(imported: &Imported) -> String {
    let count = |method: &str| {
        let is = |draft: &&crate::import::OperationDraft| draft.value("method").and_then(Doc::text) == Some(method);
        imported.operations.iter().filter(is).count()
    };
    let mut out = format!(
        "{} ({}): {} operations: {} query, {} mutate, {} delete; {} records\n",
        one_line(&imported.title),
        imported.format,
        match imported.format.starts_with("OpenAPI") {
            true => format!("{} of {}", imported.operations.len(), imported.described),
            false => imported.operations.len().to_string(),
        },
        count("query"),
        count("mutate"),
        count("delete"),
        imported.records,
    );
    let lists: Vec<_> = imported.operations.iter().filter(|draft| draft.paging.is_some()).collect();
    let unknown = lists.iter().filter(|draft| draft.value("paging") == Some(&Doc::from("unknown"))).count();
    if !lists.is_empty() {
        let asked = if unknown > 0 { format!("; how {unknown} of them are paged is not known") } else { String::new() };
        out.push_str(&format!("{}{asked}\n", count_of(lists.len() as u64, "list")));
    }
    for (count, what) in
        [(imported.own, "are in files of your own, which stay"), (imported.others, "were not asked for (--only)")]
    {
        if count > 0 {
            out.push_str(&format!("{count} operations {what}\n"));
        }
    }
    if imported.webhooks > 0 {
        out.push_str(&format!("{} webhooks are calls that the system makes: not imported\n", imported.webhooks));
    }
    out
}

/// Questions, what was left out, and notes.
fn details(imported: &Imported) -> String {
    let mut out = String::new();
    if !imported.questions.is_empty() {
        out.push_str("\nquestions:\n");
    }
    for question in imported.questions.iter().take(LINES) {
        let named = match question.operations.len() {
            0 => String::new(),
            n => format!("; {n} operation{}: {}", if n == 1 { "" } else { "s" }, names(&question.operations)),
        };
        out.push_str(&format!(
            "  {}: {}{named}\n    answer: {}\n",
            question.key,
            one_line(&question.text),
            question.answer
        ));
    }
    more(&mut out, imported.questions.len());
    let likely: usize = imported.files.values().map(|text| text.matches("# likely: ").count()).sum();
    if likely > 0 {
        let parts = if likely == 1 { "part is" } else { "parts are" };
        out.push_str(&format!("\n{likely} {parts} likely, not certain: comments `# likely:` in the files say why\n"));
    }
    if !imported.left_out.is_empty() {
        out.push_str("\nleft out:\n");
    }
    // All of them: nothing is lost without a word.
    for left in &imported.left_out {
        out.push_str(&format!("  {}: {}\n", one_line(&left.what), one_line(&left.why)));
    }
    if !imported.notes.is_empty() {
        out.push_str("\nnotes:\n");
    }
    for note in imported.notes.iter().take(LINES) {
        out.push_str(&format!("  {}\n", one_line(note)));
    }
    more(&mut out, imported.notes.len());
    out
}

fn more(out: &mut String, count: usize) {
    if count > LINES {
        out.push_str(&format!("  … and {} more\n", count - LINES));
    }
}

fn names(all: &[String]) -> String {
    let shown: Vec<&str> = all.iter().take(SHOWN).map(String::as_str).collect();
    let rest = if all.len() > SHOWN { " …" } else { "" };
    format!("{}{rest}", shown.join(", "))
}

/// The report of an update.
pub(super) fn changes(
    (imported, is_same): (&Imported, bool),
    changes: &Changes,
    faults: &[Fault],
    edits: &[Edit],
) -> String {
    let mut out = head(imported);
    if changes.is_empty() && is_same {
        out.push_str("\nthe definitions are the same\n");
    } else if changes.is_empty() {
        out.push_str("\nonly texts, comments and the layout change\n");
    } else {
        out.push_str(&format!(
            "\n{} added, {} removed, {} ({} of all may break callers)\n",
            changes.added.len(),
            changes.removed.len(),
            count_of(changes.changed.len() as u64, "change"),
            changes.breaking()
        ));
    }
    for (what, all) in [("added", &changes.added), ("removed", &changes.removed)] {
        for name in all.iter().take(LINES) {
            out.push_str(&format!("  {what}: {}\n", one_line(name)));
        }
        more(&mut out, all.len());
    }
    for change in changes.changed.iter().take(5 * LINES) {
        let mark = if change.is_breaking { "breaking" } else { "changed" };
        out.push_str(&format!("  {mark}: {}: {}\n", one_line(&change.name), one_line(&change.text)));
    }
    if changes.changed.len() > 5 * LINES {
        out.push_str(&format!("  … and {} more\n", changes.changed.len() - 5 * LINES));
    }
    if !faults.is_empty() {
        out.push_str("\nwhat then no longer fits:\n");
    }
    for fault in faults.iter().take(LINES) {
        out.push_str(&format!("  {}: {}\n", one_line(&fault.place.to_string()), one_line(&fault.message)));
    }
    more(&mut out, faults.len());
    if !edits.is_empty() {
        out.push_str("\nimported files were edited:\n");
    }
    for edit in edits {
        let parts: Vec<String> = edit
            .connector
            .iter()
            .map(|_| "connector".to_owned())
            .chain(edit.entries.iter().map(|(_, name, _)| name.clone()))
            .collect();
        if !parts.is_empty() {
            out.push_str(&format!("  {}: {}\n", edit.file, names(&parts)));
        }
        for name in &edit.own {
            out.push_str(&format!("  {}: `{name}` is yours: move it to a file of your own first\n", edit.file));
        }
        edit.lost.iter().for_each(|lost| out.push_str(&format!("  {}: {lost}\n", edit.file)));
    }
    out + &details(imported)
}

/// What was tried, without what was known before.
pub(super) fn trial(report: &TrialReport, old: &[Tried]) -> String {
    let mut out = String::new();
    let fresh: Vec<&Tried> = report.found.iter().filter(|tried| !old.contains(tried)).collect();
    if fresh.is_empty() && report.open.is_empty() && report.left.is_empty() {
        return "nothing is asked that a read can settle\n\n".to_owned();
    }
    if !fresh.is_empty() {
        out.push_str("settled:\n");
    }
    for tried in fresh {
        out.push_str(&format!("  {}: {}\n", one_line(&tried.line), one_line(&tried.seen)));
        if let Some(others) = report.others.get(&tried.line).filter(|others| !others.is_empty()) {
            out.push_str(&format!("    also for {}, which were not read\n", others.join(", ")));
        }
    }
    if !report.open.is_empty() || !report.left.is_empty() {
        out.push_str("not settled:\n");
    }
    for (line, why) in &report.open {
        out.push_str(&format!("  {}: {}\n", one_line(line), one_line(why)));
    }
    for ids in &report.left {
        out.push_str(&format!("  {}: no GET without required options\n", one_line(ids)));
    }
    out + "\n"
}
