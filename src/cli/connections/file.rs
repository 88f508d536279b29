//! Finds and reads the connections file, and warns about secrets in plain text.

use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy;

use crate::Engine;
use crate::cli::app::App;
use crate::cli::messages::Screen;
use crate::connection::ConnectionSpec;
use crate::connections::{Connections, Secrets};
use crate::error::{Advice, Error, ErrorKind, Result};

/// The sources of secrets: environment and home folder.
pub(crate) fn secrets() -> Secrets {
    Secrets { variables: Arc::new(|name| std::env::var_os(name)), home: etcetera::home_dir().ok() }
}

/// Reads the connections file.
pub(crate) fn load(app: &App) -> Result<Connections> {
    Connections::read(locate(app)?)
}

/// A connection with its secrets. Warns about secrets in plain text.
pub(crate) fn spec(connections: &Connections, engine: &Engine, screen: Screen, name: &str) -> Result<ConnectionSpec> {
    let connection = connections.file.find(name)?;
    let open = engine.catalog().connector(&connection.connector).map(|c| connections.open_secrets(&c, connection));
    if let Some(open) = open.ok().filter(|open| !open.is_empty()) {
        let file = connections.path.display();
        screen.warn(&format!(
            "{file}: the connection {name} has {} in plain text; use {{ env: NAME }}, {{ file: PATH }} or {{ keyring: NAME }} instead",
            open.join(", ")
        ));
        if connections.is_readable_by_others() {
            screen.warn(&format!("other users can read {file}; run `chmod 600 {file}`"));
        }
    }
    connections.spec(&secrets(), name)
}

/// The connections file: of the flag or the environment, else the first existing default.
pub(crate) fn locate(app: &App) -> Result<PathBuf> {
    if let Some(named) = app.named_connections() {
        return Ok(named);
    }
    let places = default_places();
    places.iter().find(|p| p.exists()).cloned().ok_or_else(|| {
        let searched: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
        Error::new(ErrorKind::Connection, format!("there is no connections file; searched {}", searched.join(" and ")))
            .advise("`opnode connection example CONNECTOR` prints one to fill in; --sandbox needs none")
    })
}

/// Checks that there is a connections file, for commands without `--sandbox`.
///
/// # Errors
/// `connection` when there is no file.
pub(crate) fn require_file(app: &App) -> Result<()> {
    locate(app).map(|_| ()).map_err(|error| error.advise(Advice::WriteConnection(None)))
}

fn default_places() -> Vec<PathBuf> {
    let own = etcetera::choose_base_strategy().ok().map(|s| s.config_dir().join("opnode").join("connections.yaml"));
    std::iter::once(PathBuf::from("connections.yaml")).chain(own).collect()
}

/// The first existing default connections file.
pub(crate) fn default_file() -> Option<PathBuf> {
    default_places().into_iter().find(|p| p.exists())
}

/// The name of a connection for a connector, for examples. `None` if there is no readable file or no such connection.
pub(crate) fn example_name(app: &App, connector: &str) -> Option<String> {
    let connections = load(app).ok()?;
    connections.file.connections.into_iter().find(|(_, c)| c.connector == connector).map(|(name, _)| name)
}
