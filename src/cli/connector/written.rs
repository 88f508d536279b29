//! Writes a drafted connector into a folder of definitions, and a connection to it into the connections file.

use std::path::{Path, PathBuf};

use crate::cli::app::{App, definitions, own_definitions};
use crate::cli::connections::file;
use crate::cli::new_files;
use crate::connections::ConnectionsFile;
use crate::definition::Catalog;
use crate::draft::{ConnectorDraft, Section, add_entry};
use crate::durable;
use crate::error::{Error, ErrorKind, Place, Result};

/// What was written, for the next commands.
pub(super) struct WrittenConnector {
    pub(super) connector: PathBuf,
    /// The folder of definitions, if commands do not find it by themselves.
    pub(super) folder: Option<PathBuf>,
    pub(super) variables: Vec<String>,
    /// The connections file, or the text to add to one and why it was not added.
    pub(super) connections: Result<PathBuf, (String, String)>,
}

/// Refuses a name that is no name of a connector.
pub(crate) fn check_form(name: &str) -> Result<()> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_name {
        return Err(Error::new(ErrorKind::Usage, format!("`{name}` is not a name for a connector"))
            .advise("use lower-case letters, digits and -, such as acme-desk"));
    }
    Ok(())
}

/// Refuses a name that is taken, or that is no name.
pub(super) fn check_name(app: &App, name: &str) -> Result<()> {
    check_form(name)?;
    if app.catalog()?.connector_names().any(|known| known == name) {
        return Err(Error::new(ErrorKind::Usage, format!("there is a connector `{name}` already"))
            .advise("choose another name; `opnode call --save-as ID` adds operations to one that is there"));
    }
    Ok(())
}

/// Writes both. Nothing is written if the connector would be invalid.
pub(super) fn write(app: &App, draft: &ConnectorDraft, into: Option<&Path>) -> Result<WrittenConnector> {
    let used = definitions(&app.global.definitions);
    let folder = into.map_or_else(|| own_definitions(&app.global.definitions), Path::to_owned);
    let path = folder.join("operations").join(&draft.name).join("connector.yaml");
    if path.exists() {
        return Err(Error::new(ErrorKind::Usage, format!("{} already exists", path.display()))
            .at(Place { file: Some(path.display().to_string()), ..Place::default() })
            .advise("nothing was written; choose another name or folder"));
    }
    let text = draft.connector();
    let mut catalog = Catalog::empty();
    catalog.add(&draft.name, path.display().to_string(), text.clone());
    let faults = catalog.faults(&[&draft.name]);
    if !faults.is_empty() {
        return Err(Error::from_faults(ErrorKind::Usage, "these values give no valid connector", faults)
            .advise("nothing was written; correct the values"));
    }
    new_files::replace(&path, &text)?;
    let (entry, variables) = draft.connection(&draft.name);
    let is_found = used.contains(&folder) || (used.is_empty() && folder == own_definitions(&[]));
    let connections = add_connection(app, &draft.name, &entry).map_err(|error| (entry, error.message.clone()));
    Ok(WrittenConnector { connector: path, folder: (!is_found).then_some(folder), variables, connections })
}

/// Adds a connection to the connections file, or begins one.
fn add_connection(app: &App, name: &str, entry: &str) -> Result<PathBuf> {
    let path = file::locate(app).unwrap_or_else(|_| PathBuf::from("connections.yaml"));
    let _held = new_files::hold(durable::folder(&path))?;
    let text = new_files::text_before(&path)?;
    let shown = path.display().to_string();
    let is_taken = !text.is_empty() && ConnectionsFile::parse(&shown, &text)?.connections.contains_key(name);
    if is_taken {
        return Err(Error::new(ErrorKind::Usage, format!("{shown} has a connection {name} already")));
    }
    let new = add_entry(&text, Section::Connections, entry)?;
    ConnectionsFile::parse(&shown, &new)?;
    new_files::replace_private(&path, &new)?;
    Ok(path)
}

impl WrittenConnector {
    /// What was written, and what to set.
    pub(super) fn report(&self, name: &str) -> String {
        let mut out = format!("wrote {}\n", self.connector.display());
        match &self.connections {
            Ok(path) => out.push_str(&format!("added the connection {name} to {}\n", path.display())),
            Err((entry, why)) => {
                out.push_str(&format!(
                    "no connection was added, because {why}; add this under `connections:`\n{entry}"
                ));
            }
        }
        if !self.variables.is_empty() {
            let sets: Vec<String> = self.variables.iter().map(|v| format!("  export {v}=…\n")).collect();
            out.push_str(&format!("\nset its credentials, which are written nowhere:\n{}", sets.concat()));
        }
        out
    }

    /// The flag for the next commands.
    pub(super) fn flag(&self) -> String {
        self.folder.as_ref().map_or_else(String::new, |folder| format!(" --definitions {}", folder.display()))
    }
}
