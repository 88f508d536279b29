//! Connectors: listed, begun, edited, and imported from a description of an API.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::commands::CommandEnd;
use super::connections::form;
use crate::cli::app::definitions;
use crate::cli::check::check_text;
use crate::definition::Catalog;
use crate::describe;
use crate::error::{Error, ErrorKind, Result};

/// A connector to begin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct NewConnector {
    connector: String,
    base_url: String,
    auth: String,
    #[serde(default)]
    key_header: Option<String>,
    #[serde(default)]
    token_url: Option<String>,
    #[serde(default)]
    authorize_url: Option<String>,
    #[serde(default)]
    paging: Option<String>,
}

/// A description to import.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ImportRequest {
    kind: ImportKind,
    connector: String,
    /// The text of the description, or the path of its file.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    path: Option<PathBuf>,
    #[serde(default)]
    base_url: Option<String>,
    /// Answers to what the description does not say: as the flags `--page-start`, `--paging`, `--sign-in` and `--patch`.
    #[serde(default)]
    page_start: Option<String>,
    #[serde(default)]
    paging: Option<String>,
    #[serde(default)]
    sign_in: Option<String>,
    #[serde(default)]
    patch: Option<String>,
    /// Writes nothing.
    #[serde(default)]
    dry: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ImportKind {
    Openapi,
    Postman,
    Har,
    Curl,
}

/// A file of definitions as it is in the editor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct DefinitionText {
    path: PathBuf,
    text: String,
}

impl Service {
    /// The connectors, with the number of their operations.
    ///
    /// # Errors
    /// Those of definitions that cannot be read.
    pub(in crate::cli) fn connectors(&self) -> Result<Value> {
        let current = self.refresh()?;
        let catalog = current.catalog();
        let own: Vec<&str> = catalog.own_connector_names().collect();
        let shown = |name: &str| {
            let operations = catalog.operation_ids(name).map(Iterator::count).unwrap_or_default();
            let is_own = own.contains(&name);
            match catalog.connector(name) {
                Ok(connector) => json!({
                    "connector": name, "title": connector.title, "description": connector.description,
                    "operations": operations, "own": is_own,
                }),
                Err(error) => {
                    json!({ "connector": name, "title": name, "operations": operations, "own": is_own, "fault": error })
                }
            }
        };
        Ok(json!({ "connectors": catalog.connector_names().map(shown).collect::<Vec<_>>() }))
    }

    /// The form of a connector's connections.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub(in crate::cli) fn connector(&self, name: &str) -> Result<Value> {
        self.current().catalog().connector(name).map(|connector| form(&connector))
    }

    /// The files of a connector in the folders of own definitions.
    pub(in crate::cli) fn definition_files(&self, connector: &str) -> Value {
        let folders = definitions(&self.app.global.definitions);
        let mut files = Vec::new();
        for folder in
            folders.iter().flat_map(|folder| ["operations", "templates"].map(|kind| folder.join(kind).join(connector)))
        {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(std::result::Result::ok);
            files.extend(
                entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "yaml")),
            );
        }
        files.sort();
        json!({ "files": files.iter().map(|path| json!({ "path": path, "own": true })).collect::<Vec<_>>() })
    }

    /// The faults and hints of a file of definitions, within its connector.
    ///
    /// # Errors
    /// Those of other definitions that cannot be read.
    pub(in crate::cli) fn check_definition(&self, given: &DefinitionText) -> Result<Value> {
        let (faults, hints) = check_text(self.app.catalog()?, &given.path, &given.text);
        Ok(json!({ "faults": faults, "hints": hints }))
    }

    /// Writes a connector to start from, and a connection to it.
    ///
    /// # Errors
    /// `internal` when the command cannot be started; its failures are in its end.
    pub(in crate::cli) async fn new_connector(&self, given: &NewConnector) -> Result<CommandEnd> {
        let mut words: Vec<OsString> = ["connector", "new", &given.connector].map(OsString::from).to_vec();
        let mut add = |name: &str, value: &str| words.extend([name.into(), value.into()]);
        add("--base-url", &given.base_url);
        add("--auth", &given.auth);
        let others = [
            ("--key-header", &given.key_header),
            ("--token-url", &given.token_url),
            ("--authorize-url", &given.authorize_url),
            ("--paging", &given.paging),
        ];
        for (name, value) in others {
            value.iter().filter(|value| !value.is_empty()).for_each(|value| add(name, value));
        }
        let end = self.command(words, None).await?;
        self.refresh_quietly();
        Ok(end)
    }

    /// Imports a description, or shows what an import would write.
    ///
    /// # Errors
    /// `usage` without a description; the failures of the command are in its end.
    pub(in crate::cli) async fn import(&self, given: &ImportRequest) -> Result<Value> {
        let kind = match given.kind {
            ImportKind::Openapi => "openapi",
            ImportKind::Postman => "postman",
            ImportKind::Har => "har",
            ImportKind::Curl => "curl",
        };
        let file = match (&given.text, &given.path) {
            (Some(_), _) => "-".into(),
            (None, Some(path)) => path.clone().into_os_string(),
            (None, None) => return Err(Error::new(ErrorKind::Usage, "choose a file, or paste the description")),
        };
        let aside = if given.dry { Some(tempfile::tempdir().map_err(|e| failed(&e))?) } else { None };
        let mut words: Vec<OsString> =
            vec!["import".into(), kind.into(), file, "--connector".into(), given.connector.clone().into()];
        if let Some(folder) = &aside {
            words.extend(["--into".into(), folder.path().into()]);
        }
        let answers = [
            ("--base-url", &given.base_url),
            ("--page-start", &given.page_start),
            ("--paging", &given.paging),
            ("--sign-in", &given.sign_in),
            ("--patch", &given.patch),
        ];
        for (flag, answer) in answers {
            let given = answer.iter().map(|answer| answer.trim()).filter(|answer| !answer.is_empty());
            given.for_each(|answer| words.extend([flag.into(), answer.into()]));
        }
        let mut end = self.command(words, given.text.clone()).await?;
        let operations = match &aside {
            Some(folder) => {
                let path = folder.path().display().to_string();
                end.output = not_written(&end.output.replace(&path, "definitions"));
                imported(folder.path(), &given.connector)
            }
            None => {
                self.refresh_quietly();
                imported_from(self.current().catalog(), &given.connector)
            }
        };
        let mut value = serde_json::to_value(&end).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("operations".into(), if end.is_success() { operations } else { json!([]) });
        }
        Ok(value)
    }
}

/// The report of an import whose files were thrown away.
fn not_written(report: &str) -> String {
    let line = |line: &str| match line.strip_prefix("wrote ") {
        Some(rest) => format!("would write {rest}\n"),
        None => format!("{line}\n"),
    };
    report.lines().map(line).collect()
}

fn imported(folder: &std::path::Path, connector: &str) -> Value {
    let mut catalog = Catalog::empty();
    match catalog.add_folder(folder) {
        Ok(()) => imported_from(&catalog, connector),
        Err(_) => json!([]),
    }
}

fn imported_from(catalog: &Catalog, connector: &str) -> Value {
    let operations =
        catalog.operations(connector).map(|all| all.iter().map(|own| describe::operation(own)).collect::<Vec<_>>());
    json!(operations.unwrap_or_default())
}

fn failed(cause: &std::io::Error) -> Error {
    Error::new(ErrorKind::State, format!("no temporary folder can be made: {}", crate::error::io_text(cause)))
}
