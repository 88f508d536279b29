//! Replies with a report for each item of a bulk write, depending on whether the record exists. Pure.

use std::sync::Arc;

use super::collection::{Collection, place};
use super::tree::Tree;
use crate::definition::{Operation, PartMeans, PartsFile};

/// How the parts of an operation's reply are built.
#[derive(Clone)]
pub(in crate::sandbox) struct Parts {
    /// The collection whose keys identify the items.
    pub(in crate::sandbox) collection: Arc<Collection>,
    /// The field that identifies the item, in a part and in an item that is not a text.
    item: Vec<String>,
    fails: Tree,
}

impl Parts {
    /// `Err` is the fault in the description.
    pub(in crate::sandbox) fn new(
        file: &PartsFile,
        operation: &Operation,
        collections: &[Arc<Collection>],
    ) -> Result<Parts, String> {
        if operation.response.parts.is_none() {
            return Err(format!("the reply of {} does not report on parts", operation.id));
        }
        let collection = collections.iter().find(|c| c.name == file.collection).map(Arc::clone);
        let collection = collection.ok_or_else(|| format!("no collection is called `{}`", file.collection))?;
        Ok(Parts { collection, item: place(&file.item)?, fails: Tree::of(&file.fails) })
    }

    /// One part per item: the sample with the item's key, overwritten by the failure's fields if the record does not
    /// exist.
    pub(in crate::sandbox) fn report(
        &self,
        operation: &Operation,
        items: &[Tree],
        exists: impl Fn(&str) -> bool,
    ) -> Tree {
        let sample = operation.record().map_or_else(Tree::object, |record| Tree::of(&record.sample));
        let rule = operation.response.parts.as_ref();
        let part = |(index, item): (usize, &Tree)| {
            let named = if matches!(item, Tree::Object(_)) { item.at(&self.item) } else { Some(item) };
            let mut part = sample.clone();
            if let Some(PartMeans::Index(pointer)) = rule.map(|r| &r.means) {
                part.put(pointer, Tree::number(index as u64));
            }
            if let Some(named) = named {
                part.set(&self.item, named.clone());
            }
            if !named.and_then(Tree::plain).is_some_and(|key| exists(&key)) {
                self.fails
                    .fields()
                    .iter()
                    .for_each(|(name, value)| part.set(std::slice::from_ref(name), value.clone()));
            }
            part
        };
        Tree::List(items.iter().enumerate().map(part).collect())
    }
}
