//! The ready connection of a connector: the values of its sandbox.yaml, with the addresses pointed at the sandbox. Pure.

use std::net::SocketAddr;

use crate::connection::{Connection, ConnectionSpec, Limits};
use crate::definition::{Auth, Connector, SandboxFile};
use crate::error::{Error, ErrorKind, Result};

/// The connection with which the sandbox at an address is called.
///
/// # Errors
/// `unsupported` when the connector's requests would go elsewhere.
pub(super) fn spec(connector: &Connector, file: &SandboxFile, address: SocketAddr) -> Result<ConnectionSpec> {
    let mut values: std::collections::BTreeMap<String, String> = file.connection.0.iter().cloned().collect();
    let mut pointed = Vec::new();
    for property in connector.properties.iter().filter(|p| p.format.is_some() && !values.contains_key(&p.name)).collect::<Vec<_>>() {
        values.insert(property.name.clone(), format!("http://{address}"));
        pointed.push(property.name.as_str());
    }
    if !connector.base_url.names().any(|name| pointed.contains(&name)) {
        return Err(unsupported(connector, "its base address is fixed"));
    }
    if !connector.origins.is_empty() {
        return Err(unsupported(connector, "its operations use several hosts"));
    }
    if matches!(connector.auth, Auth::Oauth2(_) | Auth::Refresh(_)) {
        return Err(unsupported(connector, "it signs in with tokens that are renewed"));
    }
    let limits = Limits { page_size: file.limits.page_size, ..Limits::default() };
    Ok(ConnectionSpec { connector: connector.name.clone(), values, limits, ..ConnectionSpec::default() })
}

/// Whether an open connection's requests come to the sandbox.
pub(super) fn check(connection: &Connection, address: SocketAddr) -> Result<()> {
    let base = connection.base();
    if base.scheme() == "http" && base.host_str() == Some(&address.ip().to_string()) && base.port_or_known_default() == Some(address.port())
    {
        return Ok(());
    }
    Err(unsupported(connection.connector(), "its base address cannot be pointed at the sandbox"))
}

fn unsupported(connector: &Connector, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the sandbox cannot play {} yet: {why}", connector.name))
        .advise("it plays connectors whose whole base address comes from properties with `format: origin` or `format: uri`, and whose credentials stand in the connection")
}
