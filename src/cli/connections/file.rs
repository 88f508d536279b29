//! The connections file: where it is, what is in it, and warnings about secrets that lie open.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use url::Url;

use super::resolve::resolve;
use crate::authoring::Document;
use crate::cli::app::App;
use crate::cli::messages::Screen;
use crate::cli::text_file::read_text;
use crate::connection::{ConnectionSpec, is_loopback};
use crate::connections::{ConnectionFile, ConnectionsFile, Reference, ValueFile};
use crate::definition::Connector;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::escape;
use crate::private_file;

/// The connections file as read.
pub(crate) struct Connections {
    pub(crate) path: PathBuf,
    pub(crate) file: ConnectionsFile,
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

fn usual_places() -> Vec<PathBuf> {
    let own = etcetera::choose_base_strategy().ok().map(|s| s.config_dir().join("opnode").join("connections.yaml"));
    std::iter::once(PathBuf::from("connections.yaml")).chain(own).collect()
}

impl Connections {
    /// Reads the file.
    pub(crate) fn load(app: &App) -> Result<Connections> {
        Connections::read(locate(app)?)
    }

    pub(crate) fn read(path: PathBuf) -> Result<Connections> {
        let shown = path.display().to_string();
        let text = read_text(&path, crate::authoring::yaml::BYTES_MAX as u64).map_err(|why| {
            Error::new(ErrorKind::Connection, format!("the connections file {shown} cannot be read: {why}"))
                .at(Place { file: Some(shown.clone()), ..Place::default() })
        })?;
        let file = ConnectionsFile::parse(&shown, &text)?;
        Ok(Connections { path, file })
    }

    /// The connection of a name, or the only one whose connector fits.
    pub(crate) fn choose(
        &self,
        name: Option<&str>,
        fits: &dyn Fn(&str) -> bool,
        what: &str,
    ) -> Result<(&str, &ConnectionFile)> {
        if let Some(name) = name {
            let found = self.file.find(name).map_err(|e| e.at(self.place()))?;
            return self.file.connections.0.iter().find(|(n, _)| n == name).map_or_else(
                || Err(Error::new(ErrorKind::Internal, format!("the connection {name} was found and lost"))),
                |(n, _)| Ok((n.as_str(), found)),
            );
        }
        let all = &self.file.connections.0;
        let fitting: Vec<_> = all.iter().filter(|(_, c)| fits(&c.connector)).collect();
        match fitting.as_slice() {
            [(name, connection)] => Ok((name.as_str(), connection)),
            [] => Err(Error::new(
                ErrorKind::Connection,
                format!("no connection in {} is one for {what}", self.path.display()),
            )
            .advise(format!(
                "add one, or name one with --connection{}",
                list(all.iter().map(|(n, c)| (n.as_str(), c)))
            ))),
            several => Err(Error::new(ErrorKind::Connection, format!("several connections fit {what}"))
                .advise(format!("name one with --connection{}", list(several.iter().map(|(n, c)| (n.as_str(), c)))))),
        }
    }

    /// The variables of the environment that its connections take values from.
    pub(crate) fn variables(&self) -> Vec<String> {
        let variable = |value: &ValueFile| match value {
            ValueFile::Reference(Reference::Env(name)) => Some(name.clone()),
            ValueFile::Reference(_) | ValueFile::Text(_) | ValueFile::Number(_) | ValueFile::Flag(_) => None,
        };
        self.file.connections.0.iter().flat_map(|(_, c)| c.values.values().filter_map(variable)).collect()
    }

    /// The place of a field in the file, with line and column when the file can still be read.
    pub(crate) fn place_of(&self, pointer: &str) -> Place {
        let shown = self.path.display().to_string();
        let text = read_text(&self.path, crate::authoring::yaml::BYTES_MAX as u64).ok();
        let doc = text.and_then(|t| Document::parse(&shown, &t, 0).ok());
        doc.map_or_else(|| Place { field: Some(pointer.to_owned()), ..self.place() }, |d| d.place(pointer))
    }

    pub(crate) fn place(&self) -> Place {
        Place { file: Some(self.path.display().to_string()), ..Place::default() }
    }

    /// A connection with its secrets fetched, and warnings about those that lie open.
    pub(crate) fn spec(
        &self,
        engine: &Engine,
        screen: Screen,
        name: &str,
        connection: &ConnectionFile,
    ) -> Result<ConnectionSpec> {
        self.warn_of_plain(engine, screen, name, connection);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        fetch(folder, name, connection, |property| {
            Some(self.place_of(&format!("/connections/{}/{}", escape(name), escape(property))))
        })
    }

    fn warn_of_plain(&self, engine: &Engine, screen: Screen, name: &str, connection: &ConnectionFile) {
        let Ok(connector) = engine.catalog().connector(&connection.connector) else { return };
        let plain = plain_secrets(connection, &connector);
        if plain.is_empty() || is_of_this_machine(connection) {
            return;
        }
        let file = self.path.display();
        screen.warn(&format!(
            "{file}: the connection {name} holds {} in plain text; write {{ env: NAME }}, {{ file: PATH }} or {{ keyring: NAME }} instead",
            plain.join(", ")
        ));
        if private_file::is_open(&self.path, 0o077) {
            screen.warn(&format!("{file} can be read by other users of this machine: chmod 600 {file}"));
        }
    }
}

/// A connection with its secrets fetched. `place` tells where a property stands.
pub(crate) fn fetch(
    folder: &Path,
    name: &str,
    connection: &ConnectionFile,
    place: impl Fn(&str) -> Option<Place>,
) -> Result<ConnectionSpec> {
    let spec = connection.resolve(|property, reference| {
        resolve(folder, property, reference).map_err(|e| {
            let message = format!("the connection {name}: {}", e.message);
            let error = e.with(|d| d.message = message);
            match place(property) {
                Some(place) => error.at(place),
                None => error.at(Place::field(format!("/{}", escape(property)))),
            }
        })
    })?;
    Ok(ConnectionSpec { name: Some(name.to_owned()), ..spec })
}

/// The first connections file that exists, of the usual places.
pub(crate) fn usual() -> Option<PathBuf> {
    usual_places().into_iter().find(|p| p.exists())
}

/// The name of a connection of a connector, for examples; none when there is no readable file, or none of that connector in it.
pub(crate) fn example_name(app: &App, connector: &str) -> Option<String> {
    let connections = Connections::load(app).ok()?;
    connections.file.connections.0.into_iter().find(|(_, c)| c.connector == connector).map(|(name, _)| name)
}

/// `: a (connector), b (connector)`, or nothing when there are none.
fn list<'a>(connections: impl Iterator<Item = (&'a str, &'a ConnectionFile)>) -> String {
    let all: Vec<String> = connections.map(|(name, c)| format!("{name} ({})", c.connector)).collect();
    if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
}

/// Names of the secrets whose values stand in the file itself.
pub(crate) fn plain_secrets(connection: &ConnectionFile, connector: &Connector) -> Vec<String> {
    let plain = |name: &str| connection.values.get(name).is_some_and(|v| !matches!(v, ValueFile::Reference(_)));
    connector.properties.iter().filter(|p| p.secret && plain(&p.name)).map(|p| format!("`{}`", p.name)).collect()
}

/// Whether the addresses in it are of this machine, as the sandbox's are: nothing worth a warning is kept there.
pub(crate) fn is_of_this_machine(connection: &ConnectionFile) -> bool {
    let text = |value: &ValueFile| match value {
        ValueFile::Text(text) => Url::parse(text).ok().filter(Url::has_host),
        ValueFile::Number(_) | ValueFile::Flag(_) | ValueFile::Reference(_) => None,
    };
    if let Some(reroute) = &connection.reroute {
        return Url::parse(reroute).is_ok_and(|url| is_loopback(&url));
    }
    let addresses: Vec<Url> = connection.values.values().filter_map(text).collect();
    !addresses.is_empty() && addresses.iter().all(is_loopback)
}
