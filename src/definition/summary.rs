//! What a listing shows of an operation.

use std::sync::Arc;

use super::method::Method;
use super::operation::Operation;

/// What a listing shows of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationSummary {
    /// The name of its connector.
    pub connector: Arc<str>,
    /// OperationId.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// Verb and path.
    pub request: String,
    /// Whether it is marked as outdated.
    pub deprecated: bool,
}

impl From<&Operation> for OperationSummary {
    fn from(operation: &Operation) -> OperationSummary {
        OperationSummary {
            connector: operation.connector.name.as_str().into(),
            id: operation.id.clone(),
            method: operation.method,
            title: operation.title.clone(),
            description: operation.description.clone(),
            request: operation.request_line(),
            deprecated: operation.deprecated.is_some(),
        }
    }
}
