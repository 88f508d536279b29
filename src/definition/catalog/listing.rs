//! Lists operations: those of a few candidates are checked in full, those of thousands are read only as far as shown.

use std::sync::Arc;

use super::Catalog;
use super::pack::{Pack, Words};
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
    /// The operations of these connectors that contain all the lower-case words in what `fits` looks at. It is only
    /// asked about those whose definition may contain the words.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub fn list_operations(
        &self,
        connectors: &[String],
        words: &[String],
        fits: &dyn Fn(&OperationSummary) -> bool,
    ) -> Result<OperationList> {
        let words = Words::new(words);
        let packs = connectors.iter().map(|name| self.pack(name)).collect::<Result<Vec<&Pack>>>()?;
        let candidates: Vec<Vec<&str>> = packs.iter().map(|pack| candidates(pack, &words)).collect();
        let mut is_checked = candidates.iter().map(Vec::len).sum::<usize>() <= CHECKED_MAX;
        let mut list = OperationList { found: Vec::new(), errors: Vec::new(), is_unchecked: false };
        for (pack, ids) in packs.iter().zip(&candidates) {
            if let Err(error) = pack.connector() {
                list.errors.push(error);
                continue;
            }
            list.errors.extend_from_slice(pack.broken());
            let name: Arc<str> = pack.name.as_str().into();
            for id in ids {
                let read = match is_checked {
                    true => pack.operation(id).map(|operation| operation.as_deref().map(OperationSummary::from)),
                    false => pack.summary(&name, id),
                };
                list.take(read, fits);
            }
        }
        if !is_checked && list.found.len() <= CHECKED_MAX {
            is_checked = true;
            for summary in std::mem::take(&mut list.found) {
                let read = self.pack(&summary.connector)?.operation(&summary.id);
                list.take(read.map(|_| Some(summary)), fits);
            }
        }
        list.is_unchecked = !is_checked;
        Ok(list)
    }
}

/// The operations whose definition may contain the words.
fn candidates<'p>(pack: &'p Pack, words: &Words<'_>) -> Vec<&'p str> {
    pack.names("operations").filter(|id| pack.may_contain("operations", id, words)).collect()
}

impl OperationList {
    fn take(&mut self, read: Result<Option<OperationSummary>>, fits: &dyn Fn(&OperationSummary) -> bool) {
        match read {
            Ok(summary) => self.found.extend(summary.filter(|summary| fits(summary))),
            Err(error) => self.errors.push(error),
        }
    }
}
