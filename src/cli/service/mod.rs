//! One JSON service over catalogue, connections, calls and batches, for the page and for other programs. Values are those
//! of `describe`, of the C interface, of receipts and of reports.

mod batch_runs;
mod batches;
mod calls;
mod commands;
mod completion;
mod connection_text;
mod connections;
mod connectors;
mod copies;
mod files;
mod history;
mod raw_calls;
mod rows;
mod running;
mod search;
mod sessions;
mod sign_ins;
mod values;
mod yaml_place;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};

pub(super) use batches::{BatchStart, BatchText};
pub(super) use calls::ServiceCall;
pub(super) use commands::CommandEnd;
pub(super) use completion::CompletionRequest;
pub(super) use connections::ConnectionToSave;
pub(super) use connectors::{DefinitionText, ImportRequest, NewConnector};
pub(super) use copies::CopyForm;
pub(super) use files::FileToWrite;
pub(super) use history::{ItemAction, ItemRequest};
pub(super) use raw_calls::{RawCallRequest, RawCallToSave};
pub(super) use search::SearchRequest;
pub(super) use sessions::NamedConnection;
pub(super) use values::{ConditionRequest, ValuesRequest};

use super::app::App;
use crate::connections::ConnectionFile;
use crate::definition::{Operation, operation_fields};
use crate::describe;
use crate::error::{Error, ErrorKind, Result};
use batch_runs::BatchRuns;
use running::ServiceRuns;
use sessions::ServiceSessions;
use sign_ins::SignIns;

/// The service.
pub(super) struct Service {
    app: Arc<App>,
    /// The file of this program, which may be replaced while it runs.
    program: PathBuf,
    current: RwLock<Arc<ServiceSessions>>,
    runs: ServiceRuns,
    batch_runs: BatchRuns,
    sign_ins: SignIns,
}

impl Service {
    /// # Errors
    /// Those of definitions that cannot be read.
    pub(super) fn new(app: App) -> Result<Service> {
        let app = Arc::new(app);
        let current = RwLock::new(Arc::new(ServiceSessions::new(&app)?));
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("opnode"));
        Ok(Service {
            app,
            program,
            current,
            runs: ServiceRuns::default(),
            batch_runs: BatchRuns::default(),
            sign_ins: SignIns::default(),
        })
    }

    /// The engines with the definitions as they were read last.
    fn current(&self) -> Arc<ServiceSessions> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the definitions again, if a file of them has changed. What runs goes on with the old ones.
    ///
    /// # Errors
    /// `definition` when a file cannot be read.
    fn refresh(&self) -> Result<Arc<ServiceSessions>> {
        let current = self.current();
        if current.is_current() {
            return Ok(current);
        }
        let fresh = Arc::new(ServiceSessions::new(&self.app)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// The sandbox as it is at its start, for the next call.
    ///
    /// # Errors
    /// Those of definitions that cannot be read.
    pub(super) fn reset_sandbox(&self) -> Result<()> {
        let fresh = Arc::new(ServiceSessions::new(&self.app)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The same after a file was written: faults of definitions are told where they are used.
    fn refresh_quietly(&self) {
        let _told_when_used = self.refresh();
    }

    /// What it has: version, connectors, connections, tags. Also sees changed definitions.
    ///
    /// # Errors
    /// Those of definitions that cannot be read.
    pub(super) fn about(&self) -> Result<Value> {
        let current = self.refresh()?;
        let catalog = current.catalog();
        let connectors: Vec<Value> = catalog
            .connector_names()
            .filter_map(|name| catalog.connector(name).ok())
            .map(|connector| json!({ "connector": connector.name, "title": connector.title }))
            .collect();
        let named = |(name, own): (&String, &ConnectionFile)| json!({ "connection": name, "connector": own.connector });
        let (connections, file, fault) = match current.connections() {
            Ok(Some(file)) => (file.file.connections.iter().map(named).collect(), Some(file.path), None),
            Ok(None) => (Vec::new(), None, None),
            Err(error) => (Vec::new(), None, Some(error)),
        };
        let folder = std::env::current_dir().unwrap_or_default();
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"), "api": 1, "connectors": connectors, "connections": connections,
            "connections_fault": fault, "connections_file": file, "tags": search::tags(catalog)?, "folder": folder,
        }))
    }

    /// Operations and templates that fit, the best first, with the reason of each. Without words: all of them, in order.
    ///
    /// # Errors
    /// `unknown_operation` for a connector that is not there.
    pub(super) fn search(&self, request: &SearchRequest) -> Result<Value> {
        request.hits(self.current().catalog())
    }

    /// All details of an operation: also its conditions, the fields of its record and items, and its templates with their
    /// values.
    ///
    /// # Errors
    /// `unknown_operation` when there is none.
    pub(super) fn describe(&self, connector: &str, id: &str) -> Result<Value> {
        let current = self.current();
        let operation = current.catalog().operation(Some(connector), id)?;
        let templates = current.catalog().templates(connector)?;
        let own = templates.iter().filter(|template| template.operation.id == operation.id);
        let with_values = |template| {
            let mut value = describe::template(template);
            if let Some(map) = value.as_object_mut() {
                map.insert("options".into(), template.options.to_value());
                map.insert("items".into(), template.items.iter().map(|item| item.to_value()).collect());
            }
            value
        };
        let mut details = describe::details(&operation);
        if let Some(map) = details.as_object_mut() {
            map.insert("templates".into(), own.map(with_values).collect());
            map.insert("conditions".into(), conditions(&operation));
            map.insert("fields".into(), operation_fields(&operation).iter().map(describe::record_field).collect());
        }
        Ok(details)
    }
}

/// The options that are conditions, with their operators.
fn conditions(operation: &Operation) -> Value {
    let of_option = |option: &crate::definition::OptionRule| {
        let (is_terms, operators) = option.operators()?;
        let kind = if is_terms { "terms" } else { "conditions" };
        Some(json!({ "option": option.name, "kind": kind, "operators": operators }))
    };
    operation.options.iter().filter_map(of_option).collect()
}

/// The error for a run that is not there.
fn unknown_run(id: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("there is no run {id}")).advise("start it again: runs end with the program")
}
