//! `check`: every fault of definitions and connections, each with its place. Sends nothing, fetches no secret.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use super::connections::connections_file;
use super::files;
use crate::cli::app::App;
use crate::cli::connections::file;
use crate::cli::errors::diagnose;
use crate::cli::messages::{self, Screen};
use crate::cli::screen::{Paint, terminal_text};
use crate::definition::Catalog;
use crate::error::{ErrorKind, Fault, Result};

/// Runs it; gives the exit code.
pub(crate) fn run(app: &App, files: &[PathBuf]) -> Result<u8> {
    let catalog = app.catalog()?;
    let (faults, seen) = if files.is_empty() { all(app, &catalog) } else { files::faults(app, catalog, files) };
    print(app.screen, &faults)?;
    if faults.is_empty() {
        messages::print(&format!("{seen}: no faults"))?;
        return Ok(0);
    }
    let mut by_file: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    faults.iter().for_each(|f| *by_file.entry(f.place.file.as_deref()).or_default() += 1);
    let (faults, files) =
        (terminal_text::count(faults.len() as u64, "fault"), terminal_text::count(by_file.len() as u64, "file"));
    app.screen.note(&format!("{faults} in {files}"));
    Ok(ErrorKind::Definition.exit_code())
}

/// All that a command would load.
fn all(app: &App, catalog: &Catalog) -> (Vec<Fault>, String) {
    let mut faults = catalog.faults(&[]);
    let connectors: Vec<&str> = catalog.connector_names().collect();
    let operations: usize = connectors.iter().filter_map(|c| catalog.operations(c).ok()).map(|o| o.len()).sum();
    let templates: usize = connectors.iter().filter_map(|c| catalog.templates(c).ok()).map(|t| t.len()).sum();
    let mut seen = [(connectors.len(), "connector"), (operations, "operation"), (templates, "template")]
        .map(|(n, what)| terminal_text::count(n as u64, what))
        .join(", ");
    if let Ok(path) = file::locate(app) {
        faults.extend(connections_file(app.screen, catalog, &path));
        seen.push_str(&format!(", {}", path.display()));
    }
    (faults, seen)
}

fn print(screen: Screen, faults: &[Fault]) -> Result<()> {
    let mut sorted: Vec<&Fault> = faults.iter().collect();
    sorted.sort_by_key(|f| (f.place.file.as_deref(), f.place.line, f.place.column));
    let paint = Paint::for_terminal(std::io::stdout().is_terminal());
    let text: Vec<String> = sorted
        .iter()
        .map(|fault| {
            if screen.is_json() {
                format!("{}\n", terminal_text::safe_json(&serde_json::to_string(fault).unwrap_or_default()))
            } else {
                diagnose::fault_text(fault, paint) + "\n"
            }
        })
        .collect();
    if text.is_empty() { Ok(()) } else { messages::print(&text.concat()) }
}
