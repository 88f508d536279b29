//! Where the items of a reply are, and which field identifies them. Pure.

use super::names::{last_noun, singular};
use super::tree::{Tree, plain};
use crate::json_pointer::escape;

/// The items of a reply.
#[derive(Debug)]
pub(super) struct Found<'t> {
    pub(super) is_list: bool,
    pub(super) pointer: String,
    pub(super) rows: Vec<&'t Tree>,
    pub(super) why: String,
    /// Whether the reply has no other list of objects.
    pub(super) is_only: bool,
}

/// Names of lists in envelopes.
const LIST_NAMES: [&str; 18] = [
    "data",
    "items",
    "results",
    "result",
    "records",
    "value",
    "values",
    "entries",
    "rows",
    "list",
    "content",
    "elements",
    "objects",
    "hits",
    "docs",
    "nodes",
    "edges",
    "resources",
];
/// Names of objects around a single record.
const ONE_NAMES: [&str; 6] = ["data", "item", "result", "record", "value", "response"];
/// Objects inside objects around a list, such as /data/items.
const DEPTH_MAX: usize = 3;

/// The items of a reply to a request of this path.
pub(super) fn find<'t>(body: &'t Tree, path: &str) -> Found<'t> {
    let names_one = path.ends_with('}');
    match body {
        Tree::Array(list) => Found {
            is_list: true,
            pointer: String::new(),
            rows: list.iter().collect(),
            why: "the reply is a list".to_owned(),
            is_only: true,
        },
        Tree::Object(_) if !names_one => envelope(body, path).unwrap_or_else(|| one(body, path)),
        Tree::Object(_) | Tree::Scalar(_) => one(body, path),
    }
}

/// A list in an envelope.
fn envelope<'t>(body: &'t Tree, path: &str) -> Option<Found<'t>> {
    let mut lists = Vec::new();
    collect(body, "", 0, &mut lists);
    let noun = last_noun(path).map(plain).unwrap_or_default();
    let known = |name: &str| LIST_NAMES.contains(&name) || name == noun || singular(name) == singular(&noun);
    let rank = |(pointer, name, list): &(String, String, &[Tree])| {
        let depth = pointer.matches('/').count();
        (known(name), list.iter().any(Tree::is_object), std::cmp::Reverse(depth), list.len())
    };
    let best = lists.iter().max_by_key(|found| rank(found))?;
    let (pointer, name, list) = best;
    // A record may contain lists, too.
    let looks_like_record = body.get("id").is_some() || body.fields().len() > 12;
    if (looks_like_record || !list.iter().all(Tree::is_object)) && !known(name) {
        return None;
    }
    let others = lists.iter().filter(|(_, _, list)| list.iter().any(Tree::is_object)).count();
    let perhaps = lists.iter().filter(|(_, _, list)| list.is_empty() || list.iter().any(Tree::is_object)).count();
    let why = match (others, known(name)) {
        (0 | 1, _) => format!("{pointer} is the only list of objects in the reply"),
        (n, true) => format!("one of {n} lists; its name tells"),
        (n, false) => format!("the longest of {n} lists"),
    };
    Some(Found { is_list: true, pointer: pointer.clone(), rows: list.iter().collect(), why, is_only: perhaps < 2 })
}

fn collect<'t>(tree: &'t Tree, pointer: &str, depth: usize, found: &mut Vec<(String, String, &'t [Tree])>) {
    for (name, value) in tree.fields() {
        let at = format!("{pointer}/{}", escape(name));
        match value {
            Tree::Array(list) => found.push((at, plain(name), list)),
            Tree::Object(_) if depth < DEPTH_MAX => collect(value, &at, depth + 1, found),
            Tree::Object(_) | Tree::Scalar(_) => {}
        }
    }
}

/// One record, perhaps in an object around it.
fn one<'t>(body: &'t Tree, path: &str) -> Found<'t> {
    let noun = last_noun(path).map(|noun| plain(&singular(noun))).unwrap_or_default();
    let around = body.fields().iter().find(|(name, value)| {
        let name = plain(name);
        value.is_object() && (name == noun || ONE_NAMES.contains(&name.as_str()))
    });
    match around.filter(|_| body.get("id").is_none() && body.fields().len() <= 4) {
        Some((name, value)) => Found {
            is_list: false,
            pointer: format!("/{}", escape(name)),
            rows: vec![value],
            why: format!("the record is under {name}"),
            is_only: true,
        },
        None => Found {
            is_list: false,
            pointer: String::new(),
            rows: vec![body],
            why: "the reply is one record".to_owned(),
            is_only: true,
        },
    }
}

/// The field that identifies the records: a different value in every row.
pub(super) fn id_field(rows: &[&Tree], path: &str) -> Option<String> {
    let noun = last_noun(path).map(|noun| plain(&singular(noun))).unwrap_or_default();
    let first = rows.first()?;
    let rank = |name: &str| {
        let name = plain(name);
        let own = [format!("{noun}id"), format!("{noun}key"), format!("{noun}number"), format!("{noun}code")];
        ["id", "uuid", "guid", "key", "code", "number", "slug"]
            .iter()
            .position(|known| *known == name)
            .or_else(|| own.contains(&name).then_some(2))
    };
    let mut named: Vec<(usize, &str)> =
        first.fields().iter().filter_map(|(name, _)| Some((rank(name)?, name.as_str()))).collect();
    named.sort_unstable_by_key(|(rank, _)| *rank);
    named.into_iter().map(|(_, name)| name.to_owned()).find(|name| {
        let values: Vec<&Tree> = rows.iter().filter_map(|row| row.get(name)).collect();
        let distinct: std::collections::HashSet<String> = values.iter().filter_map(|v| scalar(v)).collect();
        values.len() == rows.len() && distinct.len() == rows.len()
    })
}

fn scalar(value: &Tree) -> Option<String> {
    match value {
        Tree::Scalar(raw) if raw != "null" => Some(raw.clone()),
        Tree::Scalar(_) | Tree::Object(_) | Tree::Array(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{find, id_field};
    use crate::draft::tree::Tree;

    #[test]
    fn items_are_found() {
        for (text, path, expected) in [
            (r#"[{"id":1}]"#, "/books", (true, "", 1)),
            (r#"{"data":[{"id":1},{"id":2}],"meta":{"page":1}}"#, "/books", (true, "/data", 2)),
            (
                r#"{"response":{"books":[{"id":1}],"facets":[{"n":1},{"n":2}]}}"#,
                "/v1/books",
                (true, "/response/books", 1),
            ),
            (r#"{"id":7,"tags":[{"t":1}]}"#, "/books/{id}", (false, "", 1)),
            (r#"{"book":{"id":7}}"#, "/books/{id}", (false, "/book", 1)),
            (r#"{"data":[]}"#, "/books", (true, "/data", 0)),
            (r#"{"id":7,"tags":[{"t":1}]}"#, "/me", (false, "", 1)),
        ] {
            let tree = Tree::read(text).unwrap();
            let found = find(&tree, path);
            assert_eq!((found.is_list, found.pointer.as_str(), found.rows.len()), expected, "{text}");
        }
    }

    #[test]
    fn the_id_differs_in_every_row() {
        let tree = Tree::read(r#"[{"id":1,"code":"a","bookId":5},{"id":1,"code":"b","bookId":6}]"#).unwrap();
        let rows: Vec<&Tree> = tree.list().unwrap().iter().collect();
        assert_eq!(id_field(&rows, "/books").as_deref(), Some("bookId"));
    }
}
