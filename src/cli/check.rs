//! `check`: every fault of definitions and connections, each with its place. Sends nothing, fetches no secret.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::check_files;
use super::connections;
use super::context::Context;
use super::diagnose;
use super::screen::{self, Paint, Screen};
use super::terminal_text;
use crate::connections::{ConnectionsFile, Reference, ValueFile, is_of_this_machine, plain_secrets};
use crate::definition::Catalog;
use crate::error::{ErrorKind, Fault, Place, Result};
use crate::text_file::read_text;

/// Runs it; gives the exit code.
pub(crate) fn run(context: &Context, files: &[PathBuf]) -> Result<u8> {
    let catalog = context.catalog()?;
    let (faults, seen) =
        if files.is_empty() { all(context, &catalog) } else { check_files::faults(context, catalog, files) };
    print(context.screen, &faults)?;
    if faults.is_empty() {
        screen::print(&format!("{seen}: no faults"))?;
        return Ok(0);
    }
    let mut by_file: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    faults.iter().for_each(|f| *by_file.entry(f.place.file.as_deref()).or_default() += 1);
    let (faults, files) =
        (terminal_text::count(faults.len() as u64, "fault"), terminal_text::count(by_file.len() as u64, "file"));
    context.screen.note(&format!("{faults} in {files}"));
    Ok(ErrorKind::Definition.exit_code())
}

/// All that a command would load.
fn all(context: &Context, catalog: &Catalog) -> (Vec<Fault>, String) {
    let mut faults = catalog.faults(&[]);
    let connectors: Vec<&str> = catalog.connector_names().collect();
    let operations: usize = connectors.iter().filter_map(|c| catalog.operations(c).ok()).map(|o| o.len()).sum();
    let templates: usize = connectors.iter().filter_map(|c| catalog.templates(c).ok()).map(|t| t.len()).sum();
    let mut seen = [(connectors.len(), "connector"), (operations, "operation"), (templates, "template")]
        .map(|(n, what)| terminal_text::count(n as u64, what))
        .join(", ");
    if let Ok(path) = connections::locate(context) {
        faults.extend(connections_file(context.screen, catalog, &path));
        seen.push_str(&format!(", {}", path.display()));
    }
    (faults, seen)
}

/// A connections file's faults, with warnings about what a call would miss.
pub(crate) fn connections_file(screen: Screen, catalog: &Catalog, path: &Path) -> Vec<Fault> {
    let shown = path.display().to_string();
    let text = match read_text(path, crate::authoring::yaml::BYTES_MAX as u64) {
        Ok(text) => text,
        Err(why) => return vec![unreadable(&shown, &why)],
    };
    let faults = ConnectionsFile::faults(&shown, &text, catalog);
    if let (true, Ok(file)) = (faults.is_empty(), ConnectionsFile::parse(&shown, &text)) {
        warn(screen, catalog, &shown, &file);
    }
    faults
}

fn warn(screen: Screen, catalog: &Catalog, shown: &str, file: &ConnectionsFile) {
    for (name, connection) in &file.connections.0 {
        let Ok(connector) = catalog.connector(&connection.connector) else { continue };
        let plain = plain_secrets(connection, &connector);
        if !plain.is_empty() && !is_of_this_machine(connection) {
            screen.warn(&format!("{shown}: the connection {name} holds {} in plain text", plain.join(", ")));
        }
        for (property, value) in &connection.values {
            if let ValueFile::Reference(Reference::Env(variable)) = value
                && std::env::var_os(variable).is_none_or(|v| v.is_empty())
            {
                screen.warn(&format!(
                    "{shown}: the connection {name} keeps `{property}` in {variable}, which is not set here"
                ));
            }
        }
    }
}

pub(crate) fn unreadable(file: &str, why: &str) -> Fault {
    Fault {
        place: Place { file: Some(file.to_owned()), ..Place::default() },
        message: format!("the file cannot be read: {why}"),
        advice: None,
    }
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
    if text.is_empty() { Ok(()) } else { screen::print(&text.concat()) }
}
