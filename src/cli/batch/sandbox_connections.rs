//! Connections for a batch in the sandbox without a connections file: those that the batch names, and one for each other connector.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::authoring::{Document, Format};
use crate::connections::{ConnectionFile, ConnectionsFile};
use crate::definition::Catalog;

/// The keys of a step that name its operation.
const CALLS: [&str; 4] = ["query", "mutate", "delete", "template"];

/// The connections. Faults of the batch are ignored here; loading it reports them.
pub(crate) fn sandbox_connections(catalog: &Catalog, batch: &Path) -> ConnectionsFile {
    sandbox_connections_of(catalog, &std::fs::read_to_string(batch).unwrap_or_default())
}

/// The same for the text of a batch.
pub(crate) fn sandbox_connections_of(catalog: &Catalog, text: &str) -> ConnectionsFile {
    let batch = Document::parse("", text, 0).map(|document| document.to_value()).unwrap_or_default();
    let named = named(catalog, &batch);
    let is_named = |connector: &str| named.values().any(|own| own == connector);
    let others = catalog.connector_names().filter(|name| !is_named(name) && !named.contains_key(*name));
    let all = named.iter().map(|(name, connector)| (name.clone(), connection(connector)));
    let all = all.chain(others.map(|name| (name.to_owned(), connection(name))));
    ConnectionsFile { version: Format::Connections.version(), connections: all.collect() }
}

/// The names of connections in a batch, each with the connector of its operations.
fn named(catalog: &Catalog, batch: &Value) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    let list = |key| batch.get(key).and_then(Value::as_array).into_iter().flatten();
    let steps = || ["steps", "on_failure", "finally"].into_iter().flat_map(list);
    for step in steps() {
        if let (Some(name), Some(connector)) = (text(step, "connection"), connector_of(catalog, step)) {
            named.insert(name.to_owned(), connector);
        }
    }
    let any = || steps().filter(|step| step.get("connection").is_none()).find_map(|step| connector_of(catalog, step));
    let matrix = batch.get("matrix");
    let connector = matrix.and_then(|matrix| text(matrix, "connector")).map(str::to_owned);
    let several = matrix.and_then(|matrix| matrix.get("connection"));
    let names = several.and_then(Value::as_array).into_iter().flatten().chain(several).chain(batch.get("connection"));
    for name in names.filter_map(Value::as_str).filter(|name| *name != "*") {
        if let Some(connector) = connector.clone().or_else(any) {
            named.entry(name.to_owned()).or_insert(connector);
        }
    }
    named
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn connector_of(catalog: &Catalog, step: &Value) -> Option<String> {
    if let Some(find) = step.get("upsert").and_then(|upsert| upsert.get("find")) {
        return connector_of(catalog, find);
    }
    let (key, name) = CALLS.iter().find_map(|key| Some((*key, text(step, key)?)))?;
    let found = match key {
        "template" => catalog.template(None, name).ok()?.operation,
        _ => catalog.operation(None, name).ok()?,
    };
    Some(found.connector.name.clone())
}

fn connection(connector: &str) -> ConnectionFile {
    ConnectionFile {
        relink: false,
        tls: None,
        proxy: None,
        connector: connector.to_owned(),
        account: None,
        limits: crate::Limits::default(),
        allow_http: false,
        allow_private: false,
        reroute: None,
        values: BTreeMap::new(),
    }
}
