//! The sandbox's connection of a connector: the values of its sandbox.yaml, or made-up ones, with addresses that point to
//! the sandbox. Pure.

use std::net::SocketAddr;

use crate::authoring::Text;
use crate::connection::{Connection, ConnectionSpec, Limits, needs_account};
use crate::definition::{Connector, OperationRoute, Property, PropertyTypeFile, SandboxFile};
use crate::error::{Error, ErrorKind, Result};

/// The connection to a sandbox at this address.
pub(super) fn spec(
    connector: &Connector,
    routes: &[OperationRoute],
    file: &SandboxFile,
    address: SocketAddr,
) -> ConnectionSpec {
    let mut values: std::collections::BTreeMap<String, String> = file.connection.clone().into_iter().collect();
    let mut pointed = Vec::new();
    for property in
        connector.properties.iter().filter(|p| p.format.is_some() && !values.contains_key(&p.name)).collect::<Vec<_>>()
    {
        values.insert(property.name.clone(), format!("http://{address}"));
        pointed.push(property.name.as_str());
    }
    let is_missing = |p: &&Property| p.default.is_none() && !p.optional && !values.contains_key(&p.name);
    let missing: Vec<&Property> = connector.properties.iter().filter(is_missing).collect();
    values.extend(missing.into_iter().map(|property| (property.name.clone(), made_up(connector, property))));
    let reroute = is_fixed(connector, routes, &pointed).then(|| format!("http://{address}"));
    let limits = Limits { page_size: file.limits.page_size, ..Limits::default() };
    let account = needs_account(connector, |name| values.contains_key(name)).then(|| "sandbox".to_owned());
    ConnectionSpec { connector: connector.name.clone(), account, values, limits, reroute, ..ConnectionSpec::default() }
}

/// A value that a property may have. It names the connector: the sandbox tells connectors apart by their credentials.
fn made_up(connector: &Connector, property: &Property) -> String {
    if let Some(choice) = property.choices.first() {
        return choice.clone();
    }
    match (property.kind, property.examples.first().filter(|_| property.pattern.is_some())) {
        (_, Some(example)) => example.clone(),
        (PropertyTypeFile::Integer, None) => "1".to_owned(),
        (PropertyTypeFile::Boolean, None) => "true".to_owned(),
        (PropertyTypeFile::String, None) => format!("sandbox-{}-{}", connector.name, property.name.to_lowercase()),
    }
}

/// Whether some address of a connector does not depend on its properties. Then all requests are redirected to the
/// sandbox.
fn is_fixed(connector: &Connector, routes: &[OperationRoute], pointed: &[&str]) -> bool {
    let goes_elsewhere = |text: &Text| !text.names().any(|name| pointed.contains(&name));
    let mut addresses: Vec<&Text> = vec![&connector.base_url];
    addresses.extend(routes.iter().filter_map(|route| route.operation.as_ref()?.base_url.as_ref()));
    addresses.extend(connector.auth.addresses());
    !connector.origins.is_empty() || addresses.into_iter().any(goes_elsewhere)
}

/// Checks that an open connection's requests go to the sandbox.
pub(super) fn check(connection: &Connection, address: SocketAddr) -> Result<()> {
    let base = connection.base();
    if base.scheme() == "http"
        && base.host_str() == Some(&address.ip().to_string())
        && base.port_or_known_default() == Some(address.port())
    {
        return Ok(());
    }
    let name = &connection.connector().name;
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("the sandbox cannot simulate {name}: its base address cannot be redirected to the sandbox"),
    )
    .advise("use a property with `format: origin` or `format: uri` for the whole address"))
}
