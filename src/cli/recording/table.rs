//! `test`: repeats the recorded calls of a folder, and prints which gave what is expected.

use std::path::Path;

use super::case::{Case, Repeated};
use crate::cli::app::App;
use crate::cli::args::TestArgs;
use crate::cli::messages;
use crate::cli::new_files;
use crate::cli::screen::terminal_text;
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Result};

/// Lines of a difference that are printed.
const LINES_MAX: usize = 30;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &TestArgs) -> Result<u8> {
    if !args.folder.is_dir() {
        return Err(Error::new(ErrorKind::Usage, format!("there is no folder {}", args.folder.display()))
            .advise("name a connector's folder, a folder of definitions, or one recording"));
    }
    let cases = find(&args.folder)?;
    if cases.is_empty() {
        return Err(Error::new(ErrorKind::Usage, format!("{} has no recorded calls", args.folder.display())).advise(
            format!(
                "record one: opnode query OPERATION_ID -c NAME --record {}",
                args.folder.join("tests/NAME").display()
            ),
        ));
    }
    let mut failed = 0;
    let mut rows = String::new();
    let width = cases.iter().map(|case| terminal_text::width(&case.name)).max().unwrap_or(0);
    for case in &cases {
        let verdict = match case.repeat(catalog(app, &args.folder)?).await {
            Ok(given) => compare(case, &given, args.update)?,
            Err(error) => CaseVerdict::Failed(format!("{}\n", error.message)),
        };
        let (word, detail) = match &verdict {
            CaseVerdict::Passed(note) => ("ok    ", note.as_str()),
            CaseVerdict::Written => ("wrote ", ""),
            CaseVerdict::Failed(_) => ("FAILED", ""),
        };
        let pad = " ".repeat(width - terminal_text::width(&case.name));
        rows.push_str(format!("{word}  {}{pad}  {detail}", case.name).trim_end());
        rows.push('\n');
        if let CaseVerdict::Failed(why) = verdict {
            failed += 1;
            why.lines().for_each(|line| rows.push_str(&format!("    {line}\n")));
        }
    }
    messages::print(&rows)?;
    let tests = terminal_text::count(cases.len() as u64, "test");
    match failed {
        0 => app.screen.note(&format!("{tests}, none failed")),
        failed => app.screen.warn(&format!("{tests}, {failed} failed; --update accepts what they gave")),
    }
    Ok(if failed == 0 { 0 } else { ErrorKind::Definition.exit_code() })
}

/// The definitions, with those that the folder belongs to.
fn catalog(app: &App, folder: &Path) -> Result<Catalog> {
    let mut catalog = app.catalog()?;
    let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let root = real.ancestors().find(|above| above.join("operations").is_dir());
    let is_known = |root: &Path| catalog.files().any(|file| file.starts_with(root));
    if let Some(root) = root.filter(|root| !is_known(root)) {
        catalog.add_folder(root)?;
    }
    Ok(catalog)
}

/// The folders with a `call.yaml`, at any depth, in order.
fn find(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    collect(folder, "", &mut cases)?;
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn collect(folder: &Path, name: &str, cases: &mut Vec<Case>) -> Result<()> {
    if folder.join("call.yaml").is_file() {
        let name = if name.is_empty() { folder.display().to_string() } else { name.to_owned() };
        cases.push(Case { name, folder: folder.to_owned() });
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(|cause| new_files::failed(folder, "read", &cause))?;
    for entry in entries.filter_map(std::result::Result::ok).filter(|e| e.file_type().is_ok_and(|t| t.is_dir())) {
        let inner = entry.file_name().to_string_lossy().into_owned();
        let inner = if name.is_empty() { inner } else { format!("{name}/{inner}") };
        collect(&entry.path(), &inner, cases)?;
    }
    Ok(())
}

enum CaseVerdict {
    Passed(String),
    Written,
    Failed(String),
}

fn compare(case: &Case, given: &Repeated, update: bool) -> Result<CaseVerdict> {
    let path = case.expected();
    let missed: String = given.missed.iter().map(|line| format!("no recorded reply to {line}\n")).collect();
    if update && given.missed.is_empty() {
        if std::fs::read_to_string(&path).is_ok_and(|old| old == given.text) {
            return Ok(CaseVerdict::Passed(String::new()));
        }
        return new_files::replace_private(&path, &given.text).map(|()| CaseVerdict::Written);
    }
    let expected = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Ok(CaseVerdict::Failed(format!("{missed}there is no expected.json; --update writes it\n")));
        }
        Err(cause) => return Err(new_files::failed(&path, "read", &cause)),
    };
    if expected == given.text && given.missed.is_empty() {
        let unused = terminal_text::count(given.unused as u64, "recorded exchange");
        return Ok(CaseVerdict::Passed(if given.unused == 0 { String::new() } else { format!("({unused} unused)") }));
    }
    Ok(CaseVerdict::Failed(missed + &difference(&expected, &given.text)))
}

/// The lines that differ, between those that are equal at the start and at the end.
fn difference(expected: &str, given: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), given.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - same_start;
    let same_end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let middle = |lines: &[&str]| -> Vec<String> {
        lines.get(same_start..lines.len() - same_end).unwrap_or_default().iter().map(|l| (*l).to_owned()).collect()
    };
    let mut out = if same_start == 0 { String::new() } else { format!("@ line {}\n", same_start + 1) };
    for (sign, lines) in [('-', middle(&old)), ('+', middle(&new))] {
        lines.iter().take(LINES_MAX).for_each(|line| out.push_str(&format!("{sign} {line}\n")));
        if lines.len() > LINES_MAX {
            out.push_str(&format!("{sign} … {} more\n", lines.len() - LINES_MAX));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "@ line 2\n- b\n+ x\n+ y\n");
        assert_eq!(difference("a\n", "a\nb\n"), "@ line 2\n+ b\n");
    }
}
