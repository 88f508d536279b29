//! Lists operations: a few are checked in full, thousands are read only as far as shown.

use std::sync::Arc;

use super::Catalog;
use super::pack::Pack;
use crate::definition::summary::OperationSummary;
use crate::error::{Error, Result};

/// Most definitions that a listing checks in full; they take 0.1 ms each.
const CHECKED_MAX: usize = 500;

/// Operations of a listing.
#[derive(Debug)]
pub struct OperationList {
    /// In file order.
    pub found: Vec<OperationSummary>,
    /// Faults of those that are omitted.
    pub errors: Vec<Error>,
    /// Whether there are too many to check their definitions in full.
    pub is_unchecked: bool,
}

impl Catalog {
    /// All operations of these connectors, in file order; [`search`](Self::search) ranks those that fit some words.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub fn list_operations(&self, connectors: &[String]) -> Result<OperationList> {
        let packs = connectors.iter().map(|name| self.pack(name)).collect::<Result<Vec<&Pack>>>()?;
        let count: usize = packs.iter().map(|pack| pack.names("operations").count()).sum();
        let is_unchecked = count > CHECKED_MAX;
        let mut list = OperationList { found: Vec::new(), errors: Vec::new(), is_unchecked };
        for pack in packs {
            if let Err(error) = pack.connector() {
                list.errors.push(error);
                continue;
            }
            list.errors.extend_from_slice(pack.broken());
            let name: Arc<str> = pack.name.as_str().into();
            for id in pack.names("operations") {
                list.take(match is_unchecked {
                    true => pack.summary(&name, id),
                    false => pack.operation(id).map(|operation| operation.as_deref().map(OperationSummary::from)),
                });
            }
        }
        Ok(list)
    }
}

impl OperationList {
    fn take(&mut self, read: Result<Option<OperationSummary>>) {
        match read {
            Ok(summary) => self.found.extend(summary),
            Err(error) => self.errors.push(error),
        }
    }
}
