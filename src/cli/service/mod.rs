//! One JSON service over catalogue, connections and calls, for the page and for other programs: search, describe, plan,
//! run. Values are those of `describe`, of the C interface and of receipts.

mod calls;
mod copies;
mod rows;
mod running;
mod sessions;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use calls::ServiceCall;
pub(super) use copies::CopyForm;
use running::ServiceRuns;
use sessions::ServiceSessions;

use crate::Engine;
use crate::connections::Secrets;
use crate::definition::{Catalog, Hit, Hits, Method, OperationSummary, Search, Template};
use crate::describe;
use crate::error::{Error, ErrorKind, Result};

/// Hits of a search without a limit.
const HITS: usize = 50;

/// What a service works with.
pub(super) struct ServiceConfig {
    /// For connections.
    pub(super) engine: Engine,
    /// For the sandbox: it stores no tokens.
    pub(super) mock_engine: Engine,
    /// The connections file, if there is one.
    pub(super) connections: Option<PathBuf>,
    pub(super) secrets: Secrets,
}

/// The service.
pub(super) struct Service {
    catalog: Arc<Catalog>,
    sessions: ServiceSessions,
    runs: ServiceRuns,
}

/// A search.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SearchRequest {
    text: String,
    /// Only of these connectors.
    connectors: Vec<String>,
    method: Option<Method>,
    /// Only templates with this tag.
    tag: Option<String>,
    limit: Option<usize>,
}

impl Service {
    pub(super) fn new(config: ServiceConfig) -> Service {
        let catalog = Arc::clone(config.engine.catalog());
        Service { catalog, sessions: ServiceSessions::new(config), runs: ServiceRuns::default() }
    }

    /// What it has: version, connectors, connections.
    ///
    /// # Errors
    /// Those of a connections file that cannot be read.
    pub(super) fn about(&self) -> Result<Value> {
        let connectors: Vec<Value> = self
            .catalog
            .connector_names()
            .filter_map(|name| self.catalog.connector(name).ok())
            .map(|connector| json!({ "connector": connector.name, "title": connector.title }))
            .collect();
        let (connections, fault) = match self.sessions.connections() {
            Ok(connections) => (connections, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"), "api": 1, "connectors": connectors, "connections": connections,
            "connections_fault": fault,
        }))
    }

    /// Operations and templates that fit, the best first, with the reason of each. Without words: all of them, in order.
    ///
    /// # Errors
    /// `unknown_operation` for a connector that is not there.
    pub(super) fn search(&self, request: &SearchRequest) -> Result<Value> {
        let limit = request.limit.unwrap_or(HITS);
        if request.text.trim().is_empty() {
            return self.all(request, limit);
        }
        // Facets leave hits out, so that more are needed.
        let search = Search { text: request.text.clone(), connectors: request.connectors.clone(), limit: None };
        let operations = self.catalog.search(&search)?;
        let templates = self.catalog.search_templates(&search)?;
        let unknown: Vec<Value> =
            operations.unknown.iter().map(|word| json!({ "word": word.word, "nearest": word.nearest })).collect();
        let mut hits: Vec<(f32, Value)> = Vec::new();
        if request.tag.is_none() {
            hits.extend(fitting(
                &operations,
                |entry: &OperationSummary| request.is_method(entry.method),
                describe::found_operation,
            ));
        }
        let fits = |entry: &Template| {
            request.is_method(entry.operation.method) && request.tag.as_ref().is_none_or(|tag| entry.tags.contains(tag))
        };
        hits.extend(fitting(&templates, fits, describe::found_template));
        hits.sort_by(|a, b| b.0.total_cmp(&a.0));
        let total = hits.len();
        let hits: Vec<Value> = hits.into_iter().take(limit).map(|(_, value)| value).collect();
        Ok(json!({ "hits": hits, "total": total, "unknown": unknown }))
    }

    fn all(&self, request: &SearchRequest, limit: usize) -> Result<Value> {
        let chosen = |name: &&str| request.connectors.is_empty() || request.connectors.iter().any(|own| own == name);
        let (mut hits, mut total) = (Vec::new(), 0);
        for name in self.catalog.connector_names().filter(chosen) {
            for template in self.catalog.templates(name)? {
                let has_tag = request.tag.as_ref().is_none_or(|tag| template.tags.contains(tag));
                if request.is_method(template.operation.method) && has_tag && is_own_name(&template) {
                    total += 1;
                    if hits.len() < limit {
                        hits.push(describe::template(&template));
                    }
                }
            }
            if request.tag.is_some() {
                continue;
            }
            for operation in self.catalog.operations(name)? {
                if request.is_method(operation.method) {
                    total += 1;
                    if hits.len() < limit {
                        hits.push(describe::operation(&operation));
                    }
                }
            }
        }
        Ok(json!({ "hits": hits, "total": total, "unknown": [] }))
    }

    /// All details of an operation, and its templates with their values.
    ///
    /// # Errors
    /// `unknown_operation` when there is none.
    pub(super) fn describe(&self, connector: &str, id: &str) -> Result<Value> {
        let operation = self.catalog.operation(Some(connector), id)?;
        let mut details = describe::details(&operation);
        let templates = self.catalog.templates(connector)?;
        let own = templates.iter().filter(|template| template.operation.id == operation.id);
        let templates: Vec<Value> = own
            .map(|template| {
                let mut value = describe::template(template);
                if let Some(map) = value.as_object_mut() {
                    map.insert("options".into(), template.options.to_value());
                    map.insert("items".into(), template.items.iter().map(|item| item.to_value()).collect());
                }
                value
            })
            .collect();
        if let Some(map) = details.as_object_mut() {
            map.insert("templates".into(), templates.into());
        }
        Ok(details)
    }

    fn unknown_run(id: &str) -> Error {
        Error::new(ErrorKind::Usage, format!("there is no run {id}"))
            .advise("start it again: runs end with the program")
    }
}

impl SearchRequest {
    fn is_method(&self, method: Method) -> bool {
        self.method.is_none_or(|own| own == method)
    }
}

/// Whether it is more than the operation under its own name.
fn is_own_name(template: &Template) -> bool {
    template.name != template.operation.id
}

fn fitting<'h, T: 'h>(
    found: &'h Hits<T>,
    fits: impl Fn(&T) -> bool + 'h,
    shown: impl Fn(&Hit<T>) -> Value + 'h,
) -> impl Iterator<Item = (f32, Value)> + 'h {
    found.hits.iter().filter(move |hit| fits(&hit.entry)).map(move |hit| (hit.score, shown(hit)))
}
