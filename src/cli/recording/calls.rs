//! The recorded calls of a folder: finds them, repeats them, and compares what they give with what is expected.

use std::path::Path;

use super::case::{Case, Repeated};
use super::table::{CaseVerdict, TestTable, difference};
use crate::cli::app::App;
use crate::cli::new_files;
use crate::cli::screen::terminal_text;
use crate::definition::Catalog;
use crate::error::Result;

/// Repeats the calls.
pub(crate) async fn repeat(
    app: &App,
    folder: &Path,
    cases: &[Case],
    update: bool,
    table: &mut TestTable,
) -> Result<()> {
    for case in cases {
        let verdict = match case.repeat(catalog(app, folder)?).await {
            Ok(given) => compare(case, &given, update)?,
            Err(error) => CaseVerdict::Failed(format!("{}\n", error.message)),
        };
        table.add(case.name.clone(), verdict);
    }
    Ok(())
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
pub(crate) fn find(folder: &Path) -> Result<Vec<Case>> {
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
