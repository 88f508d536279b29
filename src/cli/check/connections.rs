//! Checks a connections file, and warns about secrets in plain text and unset variables.

use std::path::Path;

use crate::cli::messages::Screen;
use crate::connections::{ConnectionsFile, Reference, ValueFile};
use crate::definition::Catalog;
use crate::error::{Fault, Place};
use crate::text_file::read_text;

/// The faults of a connections file. Prints warnings about its secrets.
pub(crate) fn connections_file(screen: Screen, catalog: &Catalog, path: &Path) -> Vec<Fault> {
    let shown = path.display().to_string();
    let text = match read_text(path, crate::authoring::yaml::BYTES_MAX as u64) {
        Ok(text) => text,
        Err(why) => return vec![unreadable(&shown, &why.to_string())],
    };
    let faults = ConnectionsFile::faults(&shown, &text, catalog);
    if let (true, Ok(file)) = (faults.is_empty(), ConnectionsFile::parse(&shown, &text)) {
        warn(screen, catalog, &shown, &file);
    }
    faults
}

fn warn(screen: Screen, catalog: &Catalog, shown: &str, file: &ConnectionsFile) {
    for (name, connection) in &file.connections {
        let Ok(connector) = catalog.connector(&connection.connector) else { continue };
        let plain = connection.plain_secrets(&connector);
        if !plain.is_empty() && !connection.is_of_this_machine() {
            screen.warn(&format!("{shown}: the connection {name} has {} in plain text", plain.join(", ")));
        }
        for (property, value) in &connection.values {
            if let ValueFile::Reference(Reference::Env(variable)) = value
                && std::env::var_os(variable).is_none_or(|v| v.is_empty())
            {
                screen.warn(&format!(
                    "{shown}: the connection {name} reads `{property}` from {variable}, which is not set"
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
