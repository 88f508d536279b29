//! Opens a connection from the flags: the named one, the only one that fits, or the sandbox.

use std::path::PathBuf;
use std::sync::Arc;

use super::file::{load, secrets, spec};
use crate::cli::app::App;
use crate::cli::args::SystemArgs;
use crate::connection::ConnectionSpec;
use crate::connections::Connections;
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::sandbox::{Faults, Sandbox, SandboxOptions};
use crate::{Engine, Session};

/// The target of a call, not opened yet: secrets are not read, nothing is started.
pub(crate) enum ConnectionRoute {
    /// A connection of the connections file.
    Connection { file: Connections, name: String, connector: String },
    /// The sandbox, which simulates all connectors.
    Sandbox { faults: Faults },
}

/// An open connection. Dropping it stops the sandbox.
pub(crate) struct OpenConnection {
    pub(crate) session: Session,
    pub(crate) name: String,
    /// For curl: the variables that stand for its secrets.
    pub(crate) variables: Option<Vec<String>>,
    _sandbox: Option<Sandbox>,
}

impl OpenConnection {
    /// A session that another command has opened.
    pub(crate) fn of(session: Session, name: String) -> OpenConnection {
        OpenConnection { session, name, variables: None, _sandbox: None }
    }
}

impl ConnectionRoute {
    /// Chooses the connection. `fits` tests whether a connector has the operation; `what` is the name of the call in messages.
    pub(crate) fn choose(
        app: &App,
        system: &SystemArgs,
        fits: &dyn Fn(&str) -> bool,
        what: &str,
    ) -> Result<ConnectionRoute> {
        if system.sandbox {
            return Ok(ConnectionRoute::Sandbox { faults: faults(system.faults.as_deref())? });
        }
        let file = load(app)?;
        let (name, connection) = file.choose(system.connection.as_deref(), fits, what)?;
        let (name, connector) = (name.to_owned(), connection.connector.clone());
        if system.connection.is_none() {
            app.screen.note(&format!("using the connection {name} of {}", file.path.display()));
        }
        Ok(ConnectionRoute::Connection { file, name, connector })
    }

    /// The connector; `None` for the sandbox, where the operation decides.
    pub(crate) fn connector(&self) -> Option<&str> {
        match self {
            ConnectionRoute::Connection { connector, .. } => Some(connector),
            ConnectionRoute::Sandbox { .. } => None,
        }
    }

    /// The connections file.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            ConnectionRoute::Connection { file, .. } => Some(file.path.clone()),
            ConnectionRoute::Sandbox { .. } => None,
        }
    }

    /// The environment variables that the connections file refers to.
    pub(crate) fn variables(&self) -> Vec<String> {
        match self {
            ConnectionRoute::Connection { file, .. } => file.variables(),
            ConnectionRoute::Sandbox { .. } => Vec::new(),
        }
    }

    /// Opens it for a connector.
    pub(crate) async fn open(self, app: &App, engine: &Engine, connector: &str) -> Result<OpenConnection> {
        match self {
            ConnectionRoute::Connection { file, name, .. } => {
                let spec = spec(&file, engine, app.screen, &name)?;
                let session = engine.connect(&spec).map_err(|e| in_connection(e, &file, &name))?;
                Ok(OpenConnection::of(session, name))
            }
            ConnectionRoute::Sandbox { faults } => {
                let sandbox = start_sandbox(engine.catalog(), 0, faults).await?;
                let spec: ConnectionSpec = sandbox.connection(connector)?;
                Ok(OpenConnection {
                    session: engine.connect(&spec)?,
                    name: "sandbox".to_owned(),
                    variables: None,
                    _sandbox: Some(sandbox),
                })
            }
        }
    }
}

impl ConnectionRoute {
    /// Opens it with a variable in the place of each secret. A connection that does not accept that stays masked.
    pub(crate) async fn open_for_curl(self, app: &App, engine: &Engine, connector: &str) -> Result<OpenConnection> {
        if let ConnectionRoute::Connection { file, name, .. } = &self {
            let (stand_in, variables) = file.with_variables(&*engine.catalog().connector(connector)?, name);
            let session = stand_in.spec(&secrets(), name).and_then(|spec| engine.connect(&spec));
            if let Ok(session) = session {
                return Ok(OpenConnection { variables: Some(variables), ..OpenConnection::of(session, name.clone()) });
            }
        }
        self.open(app, engine, connector).await
    }
}

/// The faults for the sandbox to simulate.
pub(crate) fn faults(spec: Option<&str>) -> Result<Faults> {
    let Some(spec) = spec else { return Ok(Faults::default()) };
    spec.parse().map_err(|e: Error| e.with(|d| d.message = format!("--faults {spec}: {}", d.message)))
}

pub(crate) async fn start_sandbox(catalog: &Arc<Catalog>, port: u16, faults: Faults) -> Result<Sandbox> {
    Sandbox::start(Arc::clone(catalog), SandboxOptions { port, faults }).await
}

/// Adds the place in the connections file to an error of a connection.
fn in_connection(error: Error, file: &Connections, name: &str) -> Error {
    if error.kind() != ErrorKind::Connection {
        return error;
    }
    let prefix = format!("/connections/{}", crate::json_pointer::escape(name));
    error.with(|d| {
        for place in d.place.iter_mut().chain(d.faults.iter_mut().map(|f| &mut f.place)).filter(|p| p.file.is_none()) {
            *place = file.place_of(&format!("{prefix}{}", place.field.as_deref().unwrap_or_default()));
        }
        d.place.get_or_insert_with(|| file.place_of(&prefix));
    })
}
