//! The address of an `http` step as a connection of its own: a definition is made from it, so that its requests are
//! checked, retried, masked and judged like all others. Every part of the address but its host is secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use url::Url;

use super::conditions::Conditions;
use super::file::BatchFile;
use super::run_plan::CalledOperation;
use crate::authoring::Format;
use crate::connection::ConnectionSpec;
use crate::connections::{ConnectionFile, ValueFile};
use crate::definition::Catalog;
use crate::engine::{Engine, Session};
use crate::error::{Error, ErrorKind, Place, Result};

/// The connector of the connections that `http` steps make; their only value is `url`, the address.
pub const HTTP: &str = "http";

/// The connection of an `http` step, by the step's id.
pub(super) fn connection_name(step: &str) -> String {
    format!("{HTTP} of {step}")
}

/// The connection with its address as written, for the host to resolve.
pub(super) fn connection(address: &ValueFile) -> ConnectionFile {
    ConnectionFile {
        connector: HTTP.to_owned(),
        account: None,
        limits: crate::connection::Limits::default(),
        allow_http: false,
        allow_private: true,
        reroute: None,
        relink: false,
        tls: None,
        proxy: None,
        values: BTreeMap::from([("url".to_owned(), address.clone())]),
    }
}

/// The place in the batch file of the address of a connection, by the connection's name.
pub(super) fn place(file: &BatchFile, name: &str) -> Option<String> {
    let lists = [("steps", &file.steps), ("on_failure", &file.on_failure), ("finally", &file.finally)];
    lists.into_iter().find_map(|(key, steps)| {
        let index = steps.iter().position(|step| step.http.is_some() && connection_name(&step.id) == name)?;
        Some(format!("/{key}/{index}/http/post"))
    })
}

/// The operation of such a step.
pub(super) fn operation() -> CalledOperation {
    CalledOperation {
        connector: String::new(),
        id: HTTP.to_owned(),
        request_line: "POST".to_owned(),
        is_paged: false,
        may_be_repeated: false,
        items_per_request: Some(1),
        secret_options: Vec::new(),
        conditions: Conditions::default(),
    }
}

/// Opens the connection to an address.
///
/// # Errors
/// `connection` when it is no address.
pub(super) fn open(engine: &Engine, resolved: &ConnectionSpec) -> Result<Session> {
    let text = resolved.values.get("url").map(String::as_str).unwrap_or_default();
    let wrong = |why: String| {
        Error::new(ErrorKind::Connection, format!("the address of an http step {why}"))
            .at(Place::field("/url"))
            .advise("write it, or the value that it refers to, as https://HOST/PATH")
    };
    if text.trim().chars().any(char::is_control) {
        return Err(wrong("contains a line break or another control character".to_owned()));
    }
    let url = Url::parse(text.trim()).map_err(|e| wrong(format!("is not a URL: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("must begin with https://".to_owned()));
    }
    let parts = AddressParts::of(&url);
    let mut catalog = Catalog::empty();
    catalog.add(HTTP, "connector.yaml", parts.connector(&url));
    catalog.add(HTTP, "operations.yaml", parts.operations());
    let spec = ConnectionSpec { values: parts.values, ..resolved.clone() };
    engine.with_catalog(Arc::new(catalog)).connect(&spec)
}

/// An address as properties of a connection.
struct AddressParts {
    values: BTreeMap<String, String>,
    path: String,
    query: Map<String, Value>,
}

impl AddressParts {
    fn of(url: &Url) -> AddressParts {
        let mut parts = AddressParts { values: BTreeMap::new(), path: String::new(), query: Map::new() };
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        for segment in url.path().split('/').skip(1) {
            parts.path.push('/');
            if !segment.is_empty() {
                let place = parts.property(decoded(segment));
                parts.path.push_str(&place);
            }
        }
        for (name, value) in url.query_pairs() {
            let place = parts.property(value.into_owned());
            parts.query.insert(name.into_owned(), Value::from(place));
        }
        parts
    }

    /// A new property; returns its placeholder.
    fn property(&mut self, value: String) -> String {
        let name = format!("part{}", self.values.len());
        let place = format!("{{{name}}}");
        self.values.insert(name, value);
        place
    }

    fn connector(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let property = |name: &String| (name.clone(), json!({ "type": "string", "secret": true }));
        json!({
            "version": Format::Connector.version(), "connector": HTTP, "title": host,
            "connection": self.values.keys().map(property).collect::<Map<_, _>>(),
            "base_url": url.origin().ascii_serialization(), "auth": "none",
        })
        .to_string()
    }

    fn operations(&self) -> String {
        let mut operation = json!({
            "title": "Post", "method": "mutate", "request": format!("POST {}", self.path),
            "items": { "send": "each" }, "response": { "result": "none" },
        });
        if let Some(map) = operation.as_object_mut().filter(|_| !self.query.is_empty()) {
            map.insert("fixed".to_owned(), json!({ "query": self.query }));
        }
        json!({ "version": Format::Operations.version(), "operations": { HTTP: operation } }).to_string()
    }
}
