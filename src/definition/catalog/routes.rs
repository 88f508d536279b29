//! What the sandbox needs to know of all operations of a connector: how their requests are found. The rest of an
//! operation is read when it is asked for.

use std::sync::Arc;

use http::Method as Verb;

use super::Catalog;
use crate::authoring::Text;
use crate::definition::operation::{LaterRecord, Operation};
use crate::error::Result;

/// How the request of an operation is found.
pub(crate) struct OperationRoute {
    pub(crate) id: String,
    pub(crate) verb: Verb,
    pub(crate) path: Text,
    /// The operation, if more than verb and path matters: an own address, a job, a path with slashes.
    pub(crate) operation: Option<Arc<Operation>>,
}

impl Catalog {
    /// The routes of a connector's operations, in file order, without those that are seen to be faulty.
    pub(crate) fn routes(&self, connector: &str) -> Result<Vec<OperationRoute>> {
        let pack = self.pack(connector)?;
        let route = |id: &str| {
            if let Some((verb, path)) = pack.request_of(id) {
                return Some(OperationRoute { id: id.to_owned(), verb, path, operation: None });
            }
            let operation = pack.operation(id).ok().flatten()?;
            let (verb, path) = (operation.verb.clone(), operation.path.clone());
            Some(OperationRoute { id: id.to_owned(), verb, path, operation: Some(operation) })
        };
        Ok(pack.names("operations").filter_map(route).collect())
    }

    /// A record that is put together on first use; it is checked.
    pub(crate) fn later_record(&self, connector: &str, name: &str) -> Result<Option<Arc<LaterRecord>>> {
        self.pack(connector)?.later_record(name)
    }

    /// Whether an operation returns or takes a record. Its other keys are not read.
    pub(crate) fn names_record(&self, connector: &str, id: &str, record: &str) -> bool {
        self.pack(connector).is_ok_and(|pack| pack.names_record(id, record))
    }
}
