//! The sandbox's connection of a connector: the values of its sandbox.yaml, with addresses that point to the sandbox.
//! Pure.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::authoring::Text;
use crate::connection::{Connection, ConnectionSpec, Limits, needs_account};
use crate::definition::{Connector, Operation, SandboxFile};
use crate::error::{Error, ErrorKind, Result};

/// The connection to a sandbox at this address.
pub(super) fn spec(
    connector: &Connector,
    operations: &[Arc<Operation>],
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
    let reroute = is_fixed(connector, operations, &pointed).then(|| format!("http://{address}"));
    let limits = Limits { page_size: file.limits.page_size, ..Limits::default() };
    let account = needs_account(connector, |name| values.contains_key(name)).then(|| "sandbox".to_owned());
    ConnectionSpec { connector: connector.name.clone(), account, values, limits, reroute, ..ConnectionSpec::default() }
}

/// Whether some address of a connector does not depend on its properties. Then all requests are redirected to the
/// sandbox.
fn is_fixed(connector: &Connector, operations: &[Arc<Operation>], pointed: &[&str]) -> bool {
    let goes_elsewhere = |text: &Text| !text.names().any(|name| pointed.contains(&name));
    let mut addresses: Vec<&Text> = vec![&connector.base_url];
    addresses.extend(operations.iter().filter_map(|o| o.base_url.as_ref()));
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
