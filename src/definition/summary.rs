//! What a listing shows of an operation.

use std::sync::Arc;

use super::method::Method;
use super::operation::Operation;

/// What a listing shows of an operation.
#[derive(Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) connector: Arc<str>,
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    /// Verb and path.
    pub(crate) request: String,
    /// Whether it is marked as outdated.
    pub(crate) deprecated: bool,
}

impl From<&Operation> for Summary {
    fn from(operation: &Operation) -> Summary {
        Summary {
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
