//! A connections file on disk: reads it, selects a connection, and gives places for messages.

use std::path::{Path, PathBuf};

use url::Url;

use super::file::{ConnectionFile, ConnectionsFile, ProxyFile, Reference, TlsFile, ValueFile};
use super::secrets::Secrets;
use crate::authoring::Document;
use crate::authoring::yaml::BYTES_MAX;
use crate::connection::{ConnectionSpec, is_loopback};
use crate::definition::Connector;
use crate::error::{Advice, Error, ErrorKind, Place, Result};
use crate::json_pointer::escape;
use crate::private_file;
use crate::text_file::read_text;

/// The connections file as read.
pub struct Connections {
    /// Its path.
    pub path: PathBuf,
    /// Its content.
    pub file: ConnectionsFile,
}

impl Connections {
    /// Reads a connections file.
    ///
    /// # Errors
    /// `connection` when it cannot be read; `definition` with every fault.
    pub fn read(path: PathBuf) -> Result<Connections> {
        let shown = path.display().to_string();
        let text = read_text(&path, BYTES_MAX as u64).map_err(|why| {
            Error::new(ErrorKind::Connection, format!("the connections file {shown} cannot be read: {why}"))
                .at(Place { file: Some(shown.clone()), ..Place::default() })
                .advise("check that the file exists and that you may read it")
        })?;
        let file = ConnectionsFile::parse(&shown, &text)?;
        Ok(Connections { path, file })
    }

    /// The connection with this name, or the only one for the connector; `what` names the call for messages.
    ///
    /// # Errors
    /// `connection` when there is none, or when several match.
    pub fn choose(
        &self,
        name: Option<&str>,
        fits: &dyn Fn(&str) -> bool,
        what: &str,
    ) -> Result<(&str, &ConnectionFile)> {
        if let Some(name) = name {
            return self.file.entry(name).map_err(|e| e.at(self.place()));
        }
        let all = &self.file.connections;
        let fitting: Vec<_> = all.iter().filter(|(_, c)| fits(&c.connector)).collect();
        match fitting.as_slice() {
            [(name, connection)] => Ok((name.as_str(), connection)),
            [] if all.is_empty() => Err(Error::new(
                ErrorKind::Connection,
                format!("no connection in {} is for {what}", self.path.display()),
            )
            .advise(Advice::WriteConnection(None))),
            [] => Err(Error::new(
                ErrorKind::Connection,
                format!("no connection in {} is for {what}", self.path.display()),
            )
            .advise(
                Advice::from("add one")
                    .and(Advice::NameConnection(names(&mut all.iter().map(|(n, c)| (n.as_str(), c))))),
            )),
            several => {
                let names = names(&mut several.iter().map(|(n, c)| (n.as_str(), *c)));
                Err(Error::new(ErrorKind::Connection, format!("several connections match {what}"))
                    .advise(Advice::NameConnection(names)))
            }
        }
    }

    /// The environment variables that its connections use.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let value = |value: &'_ ValueFile| match value {
            ValueFile::Reference(Reference::Env(name)) => Some(name.clone()),
            ValueFile::Reference(_) | ValueFile::Text(_) | ValueFile::Number(_) | ValueFile::Flag(_) => None,
        };
        let variable = |reference: &Reference| match reference {
            Reference::Env(name) => Some(name.clone()),
            Reference::File(_) | Reference::Keyring(_) => None,
        };
        let of = |(_, c): (&String, &ConnectionFile)| {
            let network =
                c.tls.iter().flat_map(TlsFile::references).chain(c.proxy.iter().flat_map(ProxyFile::references));
            c.values.values().filter_map(value).chain(network.filter_map(variable)).collect::<Vec<_>>()
        };
        self.file.connections.iter().flat_map(of).collect()
    }

    /// The place of a field in the file, with line and column if the file can still be read.
    #[must_use]
    pub fn place_of(&self, pointer: &str) -> Place {
        let shown = self.path.display().to_string();
        let text = read_text(&self.path, BYTES_MAX as u64).ok();
        let doc = text.and_then(|t| Document::parse(&shown, &t, 0).ok());
        doc.map_or_else(|| Place { field: Some(pointer.to_owned()), ..self.place() }, |d| d.place(pointer))
    }

    /// The place of the file as a whole.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { file: Some(self.path.display().to_string()), ..Place::default() }
    }

    /// A connection with its secrets fetched.
    ///
    /// # Errors
    /// Those of [`Secrets::fetch`], at their place in the file.
    pub fn spec(&self, secrets: &Secrets, name: &str) -> Result<ConnectionSpec> {
        let connection = self.file.find(name)?;
        let folder = self.path.parent().unwrap_or(Path::new(""));
        secrets.fetch(folder, name, connection, |property| {
            let property = property.split('/').map(escape).collect::<Vec<_>>().join("/");
            Some(self.place_of(&format!("/connections/{}/{property}", escape(name))))
        })
    }

    /// The file with a variable, as `$NAME`, in the place of each secret of a connection; and their names.
    #[cfg(feature = "cli")]
    pub(crate) fn with_variables(&self, connector: &Connector, name: &str) -> (Connections, Vec<String>) {
        let mut file = self.file.clone();
        let mut variables = Vec::new();
        let values = file.connections.get_mut(name).map(|connection| &mut connection.values);
        for (property, value) in values.into_iter().flatten() {
            if connector.property(property).is_none_or(|p| !p.secret) {
                continue;
            }
            let variable = match value {
                ValueFile::Reference(Reference::Env(variable)) => variable.clone(),
                ValueFile::Reference(_) | ValueFile::Text(_) | ValueFile::Number(_) | ValueFile::Flag(_) => {
                    crate::draft::variable(&connector.name, property)
                }
            };
            *value = ValueFile::Text(format!("${variable}"));
            variables.push(variable);
        }
        (Connections { path: self.path.clone(), file }, variables)
    }

    /// The names of properties whose secrets are plain text in the file; none for a connection to this machine, such as
    /// the sandbox.
    #[must_use]
    pub fn open_secrets(&self, connector: &Connector, connection: &ConnectionFile) -> Vec<String> {
        if connection.is_of_this_machine() { Vec::new() } else { connection.plain_secrets(connector) }
    }

    /// Whether other users of this machine can read the file.
    #[must_use]
    pub fn is_readable_by_others(&self) -> bool {
        private_file::is_open(&self.path, 0o077)
    }
}

/// Connections as `name (connector)`.
fn names<'a>(connections: &mut dyn Iterator<Item = (&'a str, &'a ConnectionFile)>) -> Vec<String> {
    connections.map(|(name, c)| format!("{name} ({})", c.connector)).collect()
}

impl ConnectionFile {
    /// Names of the secrets whose values are in the file itself.
    #[must_use]
    pub fn plain_secrets(&self, connector: &Connector) -> Vec<String> {
        let plain = |name: &str| self.values.get(name).is_some_and(|v| !matches!(v, ValueFile::Reference(_)));
        let own = connector.properties.iter().filter(|p| p.secret && plain(&p.name)).map(|p| p.name.as_str());
        let key = self.tls.as_ref().is_some_and(TlsFile::has_plain_key).then_some("tls/key");
        let password = self.proxy.as_ref().is_some_and(ProxyFile::has_plain_password).then_some("proxy/password");
        own.chain(key).chain(password).map(|name| format!("`{name}`")).collect()
    }

    /// Whether its addresses are on this machine, as for the sandbox: such secrets need no warning.
    #[must_use]
    pub fn is_of_this_machine(&self) -> bool {
        let text = |value: &ValueFile| match value {
            ValueFile::Text(text) => Url::parse(text).ok().filter(Url::has_host),
            ValueFile::Number(_) | ValueFile::Flag(_) | ValueFile::Reference(_) => None,
        };
        if let Some(reroute) = &self.reroute {
            return Url::parse(reroute).is_ok_and(|url| is_loopback(&url));
        }
        let addresses: Vec<Url> = self.values.values().filter_map(text).collect();
        !addresses.is_empty() && addresses.iter().all(is_loopback)
    }
}
