//! The engines of the service with the definitions as they are now, and their sessions: those of named connections, and
//! the sandbox, which starts when it is first used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::Deserialize;
use tokio::sync::OnceCell;
use walkdir::WalkDir;

use crate::cli::app::{App, definitions};
use crate::cli::connections::file;
use crate::connections::Connections;
use crate::definition::Catalog;
use crate::error::{Advice, Error, ErrorKind, Result};
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::{Engine, Session};

/// The name of a connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct NamedConnection {
    pub(super) connection: String,
}

/// A session, and when the connections file was changed before it was opened.
type KeptSession = (Option<SystemTime>, Arc<Session>);

/// The files of own definitions, as they were when they were read.
type DefinitionFiles = Vec<(PathBuf, u64, Option<SystemTime>)>;

pub(super) struct ServiceSessions {
    app: Arc<App>,
    /// For connections.
    pub(super) engine: Arc<Engine>,
    /// For the sandbox: it stores no tokens.
    pub(super) mock_engine: Arc<Engine>,
    files: DefinitionFiles,
    sandbox: OnceCell<Arc<Sandbox>>,
    /// By connection, or by connector for the sandbox.
    kept: Mutex<BTreeMap<(bool, String), KeptSession>>,
}

impl ServiceSessions {
    /// # Errors
    /// Those of definitions that cannot be read.
    pub(super) fn new(app: &Arc<App>) -> Result<ServiceSessions> {
        let files = definition_files(app);
        Ok(ServiceSessions {
            app: Arc::clone(app),
            engine: Arc::new(app.engine(false)?),
            mock_engine: Arc::new(app.engine(true)?),
            files,
            sandbox: OnceCell::new(),
            kept: Mutex::default(),
        })
    }

    pub(super) fn catalog(&self) -> &Arc<Catalog> {
        self.engine.catalog()
    }

    /// Whether the files of own definitions are as they were.
    pub(super) fn is_current(&self) -> bool {
        definition_files(&self.app) == self.files
    }

    /// The connections file; `None` if there is none.
    ///
    /// # Errors
    /// Those of a file that is there and is not valid.
    pub(super) fn connections(&self) -> Result<Option<Connections>> {
        match file::locate(&self.app) {
            Ok(path) if path.exists() => Connections::read(path).map(Some),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The session of a connection, or of the sandbox for a connector.
    ///
    /// # Errors
    /// Those of the connections file and of [`connect`](crate::Engine::connect); `usage` for a connection of another
    /// connector.
    pub(super) async fn session(&self, connection: Option<&str>, connector: &str) -> Result<Arc<Session>> {
        let path = connection.and_then(|_| file::locate(&self.app).ok());
        let changed = path.and_then(|path| path.metadata().ok()?.modified().ok());
        let key = (connection.is_some(), connection.unwrap_or(connector).to_owned());
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let session = match (known, connection) {
            (Some((when, session)), _) if when == changed => session,
            (_, Some(name)) => Arc::new(self.open(name)?),
            (_, None) => {
                let sandbox = self.sandbox().await?;
                Arc::new(self.mock_engine.connect(&sandbox.connection(connector)?)?)
            }
        };
        let own = &session.connection().connector.name;
        if own != connector {
            let message = format!("the connection {} is for {own}, and the operation is of {connector}", key.1);
            return Err(Error::new(ErrorKind::Usage, message).advise("choose a connection of this connector"));
        }
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (changed, Arc::clone(&session)));
        Ok(session)
    }

    /// The session of a connection of whatever connector.
    ///
    /// # Errors
    /// As for [`session`](Self::session).
    pub(super) async fn of_connection(&self, name: &str) -> Result<Arc<Session>> {
        let connections = self.connections()?.ok_or_else(no_file)?;
        let connector = connections.file.find(name)?.connector.clone();
        self.session(Some(name), &connector).await
    }

    fn open(&self, name: &str) -> Result<Session> {
        let file = self.connections()?.ok_or_else(no_file)?;
        self.engine.connect(&file.spec(&file::secrets(), name)?)
    }

    /// The sandbox.
    ///
    /// # Errors
    /// Those of its start.
    pub(super) async fn sandbox(&self) -> Result<Arc<Sandbox>> {
        let catalog = Arc::clone(self.mock_engine.catalog());
        let start = || async { Sandbox::start(catalog, SandboxOptions::default()).await.map(Arc::new) };
        self.sandbox.get_or_try_init(start).await.cloned()
    }
}

fn no_file() -> Error {
    Error::new(ErrorKind::Connection, "there is no connections file").advise(Advice::WriteConnection(None))
}

fn definition_files(app: &App) -> DefinitionFiles {
    let of_folder = |folder: &Path| {
        let kinds = ["operations", "templates"].map(|kind| folder.join(kind));
        kinds
            .into_iter()
            .flat_map(|kind| WalkDir::new(kind).max_depth(2).sort_by_file_name())
            .filter_map(|entry| entry.ok())
    };
    let folders = definitions(&app.global.definitions);
    let files = folders.iter().flat_map(|folder| of_folder(folder));
    let described = files.filter_map(|entry| {
        let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((entry.into_path(), about.len(), about.modified().ok()))
    });
    described.collect()
}
