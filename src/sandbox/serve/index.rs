//! The page at `/`: the simulated connectors, and how to connect. Pure.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::Value;

use crate::sandbox::mock_connector::MockConnector;

/// The page as plain text.
pub(super) fn text(
    address: SocketAddr,
    connectors: &[MockConnector],
    absent: &[(String, String)],
    faults: &impl std::fmt::Display,
) -> String {
    let mut out = format!("opnode sandbox at http://{address}\n\n");
    let mut line = |text: String| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(out, "{text}");
    };
    if connectors.is_empty() {
        line("There are no connectors.".into());
    }
    for mock in connectors {
        let (operations, collections) = (mock.routes.len(), mock.collections.len());
        let connector = &mock.connector;
        line(format!(
            "simulates {} ({}): {operations} operations, {collections} collections of records",
            connector.name, connector.title
        ));
    }
    for (_, why) in absent {
        line(why.clone());
    }
    line(format!("faults: {faults}"));
    line(
        "\nconnect with these (connections.yaml); all values in them are fictitious:\n\nversion: 1\nconnections:"
            .into(),
    );
    connectors.iter().for_each(|mock| connection(mock, &mut line));
    line("\nGET  /__sandbox/summary  number of requests, and of refresh tokens that were used twice\nGET  /__sandbox/log      requests and replies, as JSON\nPOST /__sandbox/post     accepts everything, in place of webhooks\nPOST /__sandbox/reset    resets the records".into());
    out
}

fn connection(mock: &MockConnector, line: &mut impl FnMut(String)) {
    if let Some(reroute) = &mock.spec.reroute {
        // A connections file cannot redirect fixed addresses; an entry in one would call the real system.
        return line(format!(
            "  # {}: with --sandbox only; its hosts are served at {reroute}/HOST",
            mock.connector.name
        ));
    }
    line(format!("  {}-sandbox:", mock.connector.name));
    line(format!("    connector: {}", mock.connector.name));
    for property in &mock.connector.properties {
        if let Some(value) = mock.spec.values.get(&property.name) {
            // JSON text is valid YAML.
            line(format!("    {}: {}", property.name, Value::from(value.as_str())));
        }
    }
    if let Some(size) = mock.spec.limits.page_size {
        line(format!("    limits: {{ page_size: {size} }}"));
    }
}
