//! One page of a list as an API has sent it: where its items are, what identifies them, and what asks for the next page.
//! Pure.

use std::collections::HashSet;

use http::HeaderMap;

use super::items::{find, id_field};
use super::paging::{KnownParameters, ListSeen, PagingDraft, candidates, total};
use super::raw::RawRequest;
use super::tree::{Leaf, Tree, json, leaves};

/// A page of a list.
#[derive(Clone, Debug)]
pub(crate) struct SeenPage {
    /// Where the items are.
    pub(crate) pointer: String,
    /// Why they are there, and whether there is no other list of objects.
    pub(crate) why: String,
    pub(crate) is_only: bool,
    /// The field that identifies the items.
    pub(crate) id: Option<String>,
    /// Each item: its id, else all of it.
    pub(crate) rows: Vec<String>,
    /// Fields beside the items that are named as the next page.
    pub(crate) nexts: Vec<String>,
    /// What the reply suggests, the best first.
    pub(crate) candidates: Vec<PagingDraft>,
}

impl SeenPage {
    /// Reads a reply. `at` is where the items are, if that is known; `Err` says why it is no page.
    pub(crate) fn read(
        (request, at): (&RawRequest, Option<&str>),
        headers: &HeaderMap,
        body: &str,
        known: &KnownParameters,
    ) -> Result<SeenPage, String> {
        let tree = Tree::read(body).ok_or("the reply is no JSON")?;
        let mut found = find(&tree, &request.path);
        if let Some(at) = at.filter(|at| *at != found.pointer || !found.is_list) {
            let rows = tree.at(at).and_then(Tree::list).ok_or_else(|| format!("the reply has no list at `{at}`"))?;
            (found.is_list, found.is_only) = (true, false);
            (found.pointer, found.rows) = (at.to_owned(), rows.iter().collect());
        }
        if !found.is_list {
            return Err("the reply has no list".to_owned());
        }
        let objects: Vec<&Tree> = found.rows.iter().copied().filter(|row| row.is_object()).collect();
        let id = id_field(&objects, &request.path).filter(|_| objects.len() == found.rows.len());
        let total = total(headers, &tree, found.rows.len());
        let seen = ListSeen {
            request,
            headers,
            body: &tree,
            rows: found.rows.len(),
            total: total.map(|(_, n)| n),
            place: "query",
            given: Vec::new(),
            known: Some(known),
        };
        let key = |row: &&Tree| id.as_ref().and_then(|id| row.get(id)).map_or_else(|| json(row), json);
        let next = |leaf: &Leaf<'_>| leaf.name.contains("next") && !leaf.value.is_null();
        Ok(SeenPage {
            nexts: leaves(&tree).into_iter().filter(next).map(|leaf| leaf.pointer).collect(),
            candidates: candidates(&seen),
            rows: found.rows.iter().map(key).collect(),
            pointer: found.pointer,
            why: found.why,
            is_only: found.is_only,
            id,
        })
    }

    /// The id of the last item as a parameter's value.
    pub(crate) fn last_id(&self) -> Option<String> {
        let raw = self.id.as_ref().and(self.rows.last())?;
        Some(serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.clone()))
    }

    /// How many items are not on the other page.
    pub(crate) fn others(&self, first: &SeenPage) -> usize {
        let known: HashSet<&String> = first.rows.iter().collect();
        self.rows.iter().filter(|row| !known.contains(row)).count()
    }
}
