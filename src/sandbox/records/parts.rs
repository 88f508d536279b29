//! Replies that report on each item of a bulk write: which of them name a record that is there. Pure.

use super::collection::{Collection, place};
use super::tree::Tree;
use crate::definition::{Operation, PartMeans, PartsFile};

/// How the parts of one operation's reply are made.
pub(in crate::sandbox) struct Parts {
    /// The collection whose keys the items are, by index.
    pub(in crate::sandbox) collection: usize,
    /// The field of a part, and of an item that is no text itself, that names the item.
    item: Vec<String>,
    fails: Tree,
}

impl Parts {
    /// `Err` says what is wrong with the description.
    pub(in crate::sandbox) fn new(
        file: &PartsFile,
        operation: &Operation,
        collections: &[Collection],
    ) -> Result<Parts, String> {
        if operation.response.parts.is_none() {
            return Err(format!("the reply of {} does not report on parts", operation.id));
        }
        let collection = collections.iter().position(|c| c.name == file.collection);
        let collection = collection.ok_or_else(|| format!("no collection is called `{}`", file.collection))?;
        Ok(Parts { collection, item: place(&file.item)?, fails: Tree::of(&file.fails) })
    }

    /// One part per item: the record's sample under the item's name, with what a failure says over it where the item is not there.
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
