//! The sessions of the service: those of named connections, and the sandbox, which starts when it is first used.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::ServiceConfig;
use crate::Session;
use crate::connections::Connections;
use crate::error::{Advice, Error, ErrorKind, Result};
use crate::sandbox::{Sandbox, SandboxOptions};

/// A session, and when the connections file was changed before it was opened.
type KeptSession = (Option<SystemTime>, Arc<Session>);

pub(super) struct ServiceSessions {
    config: ServiceConfig,
    sandbox: OnceCell<Sandbox>,
    /// By connection, or by connector for the sandbox.
    kept: Mutex<BTreeMap<(bool, String), KeptSession>>,
}

impl ServiceSessions {
    pub(super) fn new(config: ServiceConfig) -> ServiceSessions {
        ServiceSessions { config, sandbox: OnceCell::new(), kept: Mutex::default() }
    }

    /// The named connections: names and connectors, no values.
    pub(super) fn connections(&self) -> Result<Vec<Value>> {
        let Some(path) = &self.config.connections else { return Ok(Vec::new()) };
        let file = Connections::read(path.clone())?;
        let shown = |(name, connection): (&String, &crate::connections::ConnectionFile)| json!({ "connection": name, "connector": connection.connector });
        Ok(file.file.connections.iter().map(shown).collect())
    }

    /// The session of a connection, or of the sandbox for a connector.
    ///
    /// # Errors
    /// Those of the connections file and of [`connect`](crate::Engine::connect); `usage` for a connection of another
    /// connector.
    pub(super) async fn session(&self, connection: Option<&str>, connector: &str) -> Result<Arc<Session>> {
        let changed = self.config.connections.as_ref().filter(|_| connection.is_some());
        let changed = changed.and_then(|path| path.metadata().ok()?.modified().ok());
        let key = (connection.is_some(), connection.unwrap_or(connector).to_owned());
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let session = match (known, connection) {
            (Some((when, session)), _) if when == changed => session,
            (_, Some(name)) => Arc::new(self.open(name)?),
            (_, None) => Arc::new(self.open_sandbox(connector).await?),
        };
        let own = &session.connection().connector.name;
        if own != connector {
            let message = format!("the connection {} is for {own}, and the operation is of {connector}", key.1);
            return Err(Error::new(ErrorKind::Usage, message).advise("choose a connection of this connector"));
        }
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (changed, Arc::clone(&session)));
        Ok(session)
    }

    fn open(&self, name: &str) -> Result<Session> {
        let none =
            || Error::new(ErrorKind::Connection, "there is no connections file").advise(Advice::WriteConnection(None));
        let file = Connections::read(self.config.connections.clone().ok_or_else(none)?)?;
        self.config.engine.connect(&file.spec(&self.config.secrets, name)?)
    }

    async fn open_sandbox(&self, connector: &str) -> Result<Session> {
        let engine = &self.config.mock_engine;
        let start = || Sandbox::start(Arc::clone(engine.catalog()), SandboxOptions::default());
        let sandbox = self.sandbox.get_or_try_init(start).await?;
        engine.connect(&sandbox.connection(connector)?)
    }
}
