//! `check`: prints the faults of definitions, connections and batch files, and hints where there is no fault. Sends
//! nothing and reads no secrets.

use std::collections::BTreeSet;
use std::io::IsTerminal;

use super::connections::connections_file;
use super::files::Checked;
use super::{files, migrate};
use crate::cli::app::App;
use crate::cli::args::CheckArgs;
use crate::cli::connections::file;
use crate::cli::errors::Diagnosis;
use crate::cli::messages;
use crate::cli::screen::{Paint, terminal_text, width};
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Fault, Result};

/// Runs the command. Returns the exit code.
pub(crate) fn run(app: &App, args: &CheckArgs) -> Result<u8> {
    let files = &args.files;
    if args.migrate {
        migrate::run(app, files)?;
    }
    let catalog = app.catalog()?;
    let Checked { faults, hints, what } =
        if files.is_empty() { all(app, &catalog) } else { files::check(app, catalog, files) };
    if faults.is_empty() {
        show_hints(app, &hints)?;
        let count = match hints.len() as u64 {
            0 => String::new(),
            n => format!(", {}", terminal_text::count(n, "hint")),
        };
        messages::print(&format!("{what}: no faults{count}"))?;
        return Ok(0);
    }
    if app.screen.is_json() {
        return Err(Error::from_faults(ErrorKind::Definition, "the check found faults", faults));
    }
    let by_file: BTreeSet<Option<&str>> = faults.iter().map(|fault| fault.place.file.as_deref()).collect();
    let files = terminal_text::count(by_file.len() as u64, "file");
    let count = terminal_text::count(faults.len() as u64, "fault");
    print(&faults, Diagnosis::fault)?;
    app.screen.note(&format!("{count} in {files}"));
    Ok(ErrorKind::Definition.exit_code())
}

/// A hint changes no exit code.
fn show_hints(app: &App, hints: &[Fault]) -> Result<()> {
    if hints.is_empty() || app.screen.is_json() {
        hints.iter().for_each(|hint| app.screen.note(&format!("{}: {}", hint.place, hint.message)));
        return Ok(());
    }
    print(hints, Diagnosis::hint)
}

/// Faults of everything that a command would load.
fn all(app: &App, catalog: &Catalog) -> Checked {
    // Those of the program are tested with it.
    let own: Vec<&str> = catalog.own_connector_names().collect();
    let connectors = if own.is_empty() { catalog.connector_names().collect() } else { own };
    let mut faults = catalog.faults(&connectors);
    let operations: usize = connectors.iter().filter_map(|c| catalog.operations(c).ok()).map(|o| o.len()).sum();
    let templates: usize = connectors.iter().filter_map(|c| catalog.templates(c).ok()).map(|t| t.len()).sum();
    let mut checked = [(connectors.len(), "connector"), (operations, "operation"), (templates, "template")]
        .map(|(n, what)| terminal_text::count(n as u64, what))
        .join(", ");
    if let Ok(path) = file::locate(app) {
        faults.extend(connections_file(app.screen, catalog, &path));
        checked.push_str(&format!(", {}", path.display()));
    }
    Checked { faults, hints: catalog.hints(&connectors), what: checked }
}

fn print(faults: &[Fault], shown: impl Fn(&mut Diagnosis, &Fault) -> String) -> Result<()> {
    let mut sorted: Vec<&Fault> = faults.iter().collect();
    sorted.sort_by_key(|f| (f.place.file.as_deref(), f.place.line, f.place.column));
    let mut diagnosis = Diagnosis::new(Paint::for_terminal(std::io::stdout().is_terminal()), width::stdout());
    let text: Vec<String> = sorted.iter().map(|fault| shown(&mut diagnosis, fault) + "\n").collect();
    messages::print_painted(&text.concat())
}
