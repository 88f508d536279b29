//! The connections file: where it is, what is in it, and warnings about secrets that lie open.

use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy;

use crate::Engine;
use crate::cli::app::App;
use crate::cli::messages::Screen;
use crate::connection::ConnectionSpec;
use crate::connections::{Connections, Secrets};
use crate::error::{Advice, Error, ErrorKind, Result};

/// The secrets of this process: its environment, the user's home.
pub(crate) fn secrets() -> Secrets {
    Secrets { variables: Arc::new(|name| std::env::var_os(name)), home: etcetera::home_dir().ok() }
}

/// Reads the connections file.
pub(crate) fn load(app: &App) -> Result<Connections> {
    Connections::read(locate(app)?)
}

/// A connection with its secrets fetched; warns of those that lie open.
pub(crate) fn spec(connections: &Connections, engine: &Engine, screen: Screen, name: &str) -> Result<ConnectionSpec> {
    let connection = connections.file.find(name)?;
    let open = engine.catalog().connector(&connection.connector).map(|c| connections.open_secrets(&c, connection));
    if let Some(open) = open.ok().filter(|open| !open.is_empty()) {
        let file = connections.path.display();
        screen.warn(&format!(
            "{file}: the connection {name} holds {} in plain text; write {{ env: NAME }}, {{ file: PATH }} or {{ keyring: NAME }} instead",
            open.join(", ")
        ));
        if connections.is_readable_by_others() {
            screen.warn(&format!("{file} can be read by other users of this machine: chmod 600 {file}"));
        }
    }
    connections.spec(&secrets(), name)
}

/// The file that is to be read: the one that was named, or the first that exists.
pub(crate) fn locate(app: &App) -> Result<PathBuf> {
    if let Some(named) = app.named_connections() {
        return Ok(named);
    }
    let places = usual_places();
    places.iter().find(|p| p.exists()).cloned().ok_or_else(|| {
        let looked: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
        Error::new(ErrorKind::Connection, format!("there is no connections file; looked for {}", looked.join(" and ")))
            .advise("`opnode connection example` prints one to fill in; --sandbox tries things without any account")
    })
}

/// The same for a command that no sandbox serves: its advice is another where there is no file.
///
/// # Errors
/// `connection` when there is no file.
pub(crate) fn without_sandbox(app: &App) -> Result<()> {
    locate(app).map(|_| ()).map_err(|error| error.advise(Advice::WriteConnection(None)))
}

fn usual_places() -> Vec<PathBuf> {
    let own = etcetera::choose_base_strategy().ok().map(|s| s.config_dir().join("opnode").join("connections.yaml"));
    std::iter::once(PathBuf::from("connections.yaml")).chain(own).collect()
}

/// The first connections file that exists, of the usual places.
pub(crate) fn usual() -> Option<PathBuf> {
    usual_places().into_iter().find(|p| p.exists())
}

/// The name of a connection of a connector, for examples; none when there is no readable file, or none of that connector in it.
pub(crate) fn example_name(app: &App, connector: &str) -> Option<String> {
    let connections = load(app).ok()?;
    connections.file.connections.into_iter().find(|(_, c)| c.connector == connector).map(|(name, _)| name)
}
