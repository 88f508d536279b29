//! Fields that refer to records of other collections: which they are, and the records that they get. Pure.

use std::sync::Arc;

use serde_json::Value;

use super::collection::{Collection, Values};
use super::made;
use super::tree::Tree;
use crate::json_pointer::unescape;
use crate::sandbox::http::PARAMETER;

/// Deeper fields keep the values of the sample.
const DEPTH_MAX: usize = 3;
/// Where the schemas of other records are.
const DEFS: &str = "#/$defs/";
/// Endings of the names of records that are references to others.
const ENDINGS: [&str; 2] = ["Reference", "Ref"];

/// A field that seems to refer to a record.
pub(in crate::sandbox) struct FieldLink {
    pub(in crate::sandbox) place: Vec<String>,
    /// The record of its schema, if it has a name.
    pub(in crate::sandbox) record: Option<String>,
    /// The records that it may refer to, the likeliest first.
    pub(in crate::sandbox) names: Vec<String>,
}

/// A field with the collection to whose records it refers.
pub(in crate::sandbox) struct Linked {
    pub(in crate::sandbox) place: Vec<String>,
    pub(in crate::sandbox) target: Arc<Collection>,
}

/// The existing records of a collection, and at most so many, by the values in its path.
pub(super) type Existing<'e> = &'e mut dyn FnMut(&Collection, &[(String, String)], usize) -> Vec<Tree>;

/// The fields of a collection's records that seem to refer to others and have no values of their own.
pub(in crate::sandbox) fn links(collection: &Collection) -> Vec<FieldLink> {
    let (schema, mut found) = (collection.fields().schema(), Vec::new());
    let defs = schema.get("$defs").unwrap_or(&Value::Null);
    walk((schema, defs), &collection.kind().sample, &mut Vec::new(), &mut found);
    found.retain(|link| !collection.varies(&link.place) && link.place != collection.key);
    found
}

fn walk((schema, defs): (&Value, &Value), sample: &Tree, at: &mut Vec<String>, found: &mut Vec<FieldLink>) {
    for (name, value) in sample.fields().iter().filter(|(name, _)| !name.starts_with('_')) {
        let mut inner = schema.get("properties").and_then(|all| all.get(name)).unwrap_or(&Value::Null);
        let depth = at.len();
        at.push(name.clone());
        let mut value = value;
        if let Tree::List(list) = value
            && let Some(first) = list.first()
        {
            (value, inner) = (first, inner.get("items").unwrap_or(&Value::Null));
            at.push("0".to_owned());
        }
        let record = referred(inner);
        let is_like_one = made::key(value, None).is_some();
        if is_like_one && (record.is_some() || value.get("name").is_some()) {
            let names = record.as_deref().map_or_else(|| vec![capitalized(name)], candidates);
            found.push(FieldLink { place: at.clone(), record, names });
        } else if matches!(value, Tree::Object(_)) && depth + 1 < DEPTH_MAX {
            let target = record.as_ref().and_then(|record| defs.get(record)).unwrap_or(inner);
            walk((target, defs), value, at, found);
        }
        at.truncate(depth);
    }
}

/// The name of the record that a schema refers to, alone or beside null.
fn referred(schema: &Value) -> Option<String> {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return target.strip_prefix(DEFS).map(unescape);
    }
    let parts = schema.get("anyOf").or_else(|| schema.get("oneOf")).or_else(|| schema.get("allOf"));
    parts.and_then(Value::as_array)?.iter().find_map(referred)
}

/// The names of the records to which one may refer: `Board` for `BoardReference`; `SystemLocation`, then `Location` for
/// `SystemLocationReference`.
fn candidates(record: &str) -> Vec<String> {
    let Some(own) = ENDINGS.iter().find_map(|ending| record.strip_suffix(ending)).filter(|own| !own.is_empty()) else {
        return vec![record.to_owned()];
    };
    let starts = own.char_indices().filter(|(at, c)| *at == 0 || c.is_uppercase());
    let mut names: Vec<String> = starts.filter_map(|(at, _)| own.get(at..)).map(str::to_owned).collect();
    // A last word of one letter, as in `SLA`, is no name.
    names.retain(|name| name.len() > 2 || name == own);
    names
}

fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The collections above a collection, each with the key of a record in the path.
fn above(collection: &Collection, path: &Values) -> Vec<(String, String)> {
    let prefixes = collection.shape.match_indices(PARAMETER).filter_map(|(at, _)| collection.shape.get(..at));
    prefixes.zip(path).map(|(prefix, (_, key))| (prefix.trim_end_matches('/').to_owned(), key.clone())).collect()
}

/// The values in the path of a target: of known records, else those of the first.
fn path_of(target: &Collection, known: &[(String, String)]) -> Vec<(String, String)> {
    let prefixes = target.shape.match_indices(PARAMETER).filter_map(|(at, _)| target.shape.get(..at));
    let value = |prefix: &str| {
        let found = known.iter().rev().find(|(shape, _)| shape == prefix.trim_end_matches('/'));
        found.map_or_else(|| "1".to_owned(), |(_, key)| key.clone())
    };
    target.pattern.names().into_iter().zip(prefixes.map(value)).collect()
}

/// Gives the references of a generated record to existing records; `number` chooses among them.
pub(super) fn fill(
    record: &mut Tree,
    number: usize,
    (own, path): (&Collection, &Values),
    linked: &[Linked],
    existing: Existing<'_>,
) {
    /// Records refer to the first ones of a collection.
    const MOST: usize = 5;
    let parents = above(own, path);
    let mut known = parents.clone();
    for link in linked {
        let target = &*link.target;
        let parent = parents.iter().find(|(shape, _)| *shape == target.shape);
        let most = if parent.is_some() { usize::MAX } else { MOST };
        let rows = existing(target, &path_of(target, &known), most);
        // A record does not refer to itself.
        let offset = usize::from(target.index == own.index);
        let row = match parent {
            Some((_, key)) => rows.iter().find(|row| target.is_called(row, key)),
            None => rows.get((number + offset) % rows.len().max(1)),
        };
        let Some(row) = row else { continue };
        put(record, link, row, None);
        known.extend(target.key_of(row).filter(|_| parent.is_none()).map(|key| (target.shape.clone(), key)));
    }
}

/// Adds to references that name an existing record by some of its fields what the sample has beside these.
pub(super) fn complete(
    record: &mut Tree,
    (own, path): (&Collection, &Values),
    linked: &[Linked],
    existing: Existing<'_>,
) {
    let mut known = above(own, path);
    for link in linked {
        let target = &*link.target;
        let Some(given @ Tree::Object(fields)) = record.at(&link.place) else { continue };
        let rows = existing(target, &path_of(target, &known), usize::MAX);
        let is_same = |row: &&Tree| {
            let own = |name: &str| row.get(name).or_else(|| row.at(&target.key).filter(|_| name == "id"));
            let mut said = fields.iter().filter(|(_, value)| is_scalar(value)).filter_map(|(n, v)| Some((own(n)?, v)));
            let first = said.next();
            first.is_some() && first.into_iter().chain(said).all(|(own, said)| own.plain() == said.plain())
        };
        let Some(row) = rows.iter().find(is_same) else { continue };
        known.extend(target.key_of(row).map(|key| (target.shape.clone(), key)));
        let missing = own.kind().sample.at(&link.place).map(|sample| {
            let fields = sample.fields().iter().filter(|(name, _)| given.get(name).is_none());
            Tree::Object(fields.cloned().collect())
        });
        if let Some(missing) = missing.filter(|missing| !missing.fields().is_empty()) {
            put(record, link, row, Some(missing));
        }
    }
}

/// Sets what a reference and the record have in common; `added` are fields that it does not have yet.
fn put(record: &mut Tree, link: &Linked, row: &Tree, added: Option<Tree>) {
    let target = &*link.target;
    let key = row.at(&target.key);
    let of_row = |name: &str| match row.get(name).filter(|value| is_scalar(value)) {
        Some(value) => Some(value),
        None if name == "id" => key,
        None if name == "name" => target.label(row),
        None => None,
    };
    let shown = added.as_ref().or_else(|| record.at(&link.place)).map(Tree::fields).unwrap_or_default();
    let is_open = |(name, value): &&(String, Tree)| !name.starts_with('_') && (is_scalar(value) || value.is_null());
    let set: Vec<(String, Tree)> =
        shown.iter().filter(is_open).filter_map(|(name, _)| Some((name.clone(), of_row(name)?.clone()))).collect();
    for (name, value) in set {
        let place: Vec<String> = link.place.iter().cloned().chain([name]).collect();
        record.set(&place, value);
    }
}

fn is_scalar(value: &Tree) -> bool {
    matches!(value, Tree::Leaf(_)) && !value.is_null()
}

#[cfg(test)]
mod tests {
    use super::{candidates, capitalized};

    #[test]
    fn names_of_references_tell_the_record() {
        assert_eq!(candidates("BoardReference"), ["Board"]);
        assert_eq!(candidates("SystemLocationRef"), ["SystemLocation", "Location"]);
        assert_eq!(candidates("SLAReference"), ["SLA"]);
        assert_eq!(candidates("Reference"), ["Reference"]);
        assert_eq!(candidates("Board"), ["Board"]);
        assert_eq!(capitalized("securityRole"), "SecurityRole");
    }
}
