//! What a newer description changes for those who use the connector. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::settings::identity;
use super::value::{Doc, Fields};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The operation or record.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether calls that worked may fail, or return less.
    pub(crate) is_breaking: bool,
}

/// The definitions of a connector: the entries of all its files.
#[derive(Debug, Default)]
pub(crate) struct ImportedEntries {
    pub(crate) connector: Doc,
    pub(crate) operations: Fields,
    pub(crate) records: Fields,
}

impl ImportedEntries {
    /// Reads files; those that are no YAML are left out.
    pub(crate) fn read<'t>(files: impl Iterator<Item = (&'t str, &'t str)>) -> ImportedEntries {
        let mut all = ImportedEntries::default();
        for (name, text) in files {
            let Ok(doc) = Doc::read(text) else { continue };
            if name == "connector.yaml" {
                all.connector = doc;
                continue;
            }
            for (section, into) in [("operations", &mut all.operations), ("records", &mut all.records)] {
                into.extend(
                    doc.get(section)
                        .into_iter()
                        .flat_map(Doc::fields)
                        .map(|(name, entry)| (name.to_owned(), entry.clone())),
                );
            }
        }
        all
    }
}

/// What changed, in order of the names.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) changed: Vec<Change>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    pub(crate) fn breaking(&self) -> usize {
        self.removed.len() + self.changed.iter().filter(|change| change.is_breaking).count()
    }
}

/// Compares two imports: operations by verb and path, records by name.
pub(crate) fn compare(old: &ImportedEntries, new: &ImportedEntries) -> Changes {
    let mut changes = Changes::default();
    let (before, after) = (by_identity(old), by_identity(new));
    // An operation that keeps its id is the same at another address.
    let moved = |key: &str, id: &str, there: &BTreeMap<String, (&str, &Doc)>, own: &BTreeMap<String, (&str, &Doc)>| {
        there
            .iter()
            .find(|(other, (name, _))| *name == id && *other != key && !own.contains_key(*other))
            .map(|(other, _)| other.clone())
    };
    for (key, (id, _)) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        if moved(key, id, &after, &before).is_none() {
            changes.removed.push((*id).to_owned());
        }
    }
    for (key, (id, entry)) in &after {
        let old_key = if before.contains_key(key) { Some(key.clone()) } else { moved(key, id, &before, &after) };
        let Some((old_id, old_entry)) = old_key.and_then(|key| before.get(&key)) else {
            changes.added.push((*id).to_owned());
            continue;
        };
        let mut found = ChangeList { name: (*id).to_owned(), changes: &mut changes.changed };
        if old_id != id {
            found.add(true, format!("its OperationId was {old_id}"));
        }
        // Where both have the connector's, it is compared once.
        match (old_entry.get("paging"), entry.get("paging")) {
            (None, None) => operation(old_entry, entry, &mut found),
            _ => operation(&whole(old_entry, &old.connector), &whole(entry, &new.connector), &mut found),
        }
    }
    for (name, entry) in &new.records {
        if let Some(old_entry) = old.records.get(name) {
            let mut found = ChangeList { name: name.clone(), changes: &mut changes.changed };
            schema(&entry_schema(old_entry), &entry_schema(entry), "", &mut found);
        }
    }
    let mut found = ChangeList { name: "connector".to_owned(), changes: &mut changes.changed };
    connector(&old.connector, &new.connector, &mut found);
    changes.added.sort();
    changes.removed.sort();
    changes.changed.sort_by(|a, b| (!a.is_breaking, &a.name, &a.text).cmp(&(!b.is_breaking, &b.name, &b.text)));
    changes.changed.dedup();
    changes
}

/// An entry with the paging of the connector, if it has none of its own.
fn whole(entry: &Doc, connector: &Doc) -> Doc {
    let mut entry = entry.clone();
    let is_list = entry.at(&["response", "result"]) == Some(&Doc::from("list"));
    if let Some(paging) = connector.get("paging").filter(|_| is_list && entry.get("paging").is_none()) {
        entry.put("paging", paging.clone());
    }
    if is_list && entry.get("paging").is_none() {
        entry.put("paging", "none");
    }
    entry
}

fn entry_schema(entry: &Doc) -> Doc {
    entry.get("schema").cloned().unwrap_or_default()
}

/// Whether a paging sends a parameter.
fn takes(paging: Option<&Doc>, name: &str) -> bool {
    paging.is_some_and(|paging| match paging {
        Doc::Map(fields) => fields.iter().any(|(key, value)| {
            (matches!(key.as_str(), "query" | "header" | "body") && value.text() == Some(name))
                || takes(Some(value), name)
        }),
        _ => false,
    })
}

fn identity_of(entry: &Doc) -> Option<String> {
    entry.text_of("request").and_then(|line| line.split_once(' ')).map(|(verb, path)| identity(verb, path))
}

fn by_identity(all: &ImportedEntries) -> BTreeMap<String, (&str, &Doc)> {
    all.operations.iter().filter_map(|(id, entry)| Some((identity_of(entry)?, (id.as_str(), entry)))).collect()
}

struct ChangeList<'c> {
    name: String,
    changes: &'c mut Vec<Change>,
}

impl ChangeList<'_> {
    fn add(&mut self, is_breaking: bool, text: String) {
        self.changes.push(Change { name: self.name.clone(), text, is_breaking });
    }
}

fn connector(old: &Doc, new: &Doc, found: &mut ChangeList<'_>) {
    let names = |doc: &Doc| -> BTreeSet<String> {
        doc.get("connection").into_iter().flat_map(Doc::fields).map(|(name, _)| name.to_owned()).collect()
    };
    let (before, after) = (names(old), names(new));
    for name in before.difference(&after) {
        found.add(true, format!("the property `{name}` of a connection is gone"));
    }
    for name in after.difference(&before) {
        let rules = new.at(&["connection", name.as_str()]);
        let is_needed = rules.is_some_and(|rules| rules.get("default").is_none() && !rules.is_true("optional"));
        found.add(is_needed, format!("a connection has the new property `{name}`"));
    }
    for name in before.intersection(&after) {
        let rules = |doc: &Doc| doc.at(&["connection", name.as_str()]).cloned().unwrap_or_default();
        values(&rules(old), &rules(new), &format!("the property `{name}` of a connection"), found);
    }
    for (key, what) in [
        ("base_url", "the address"),
        ("auth", "the sign-in"),
        ("paging", "the paging of lists"),
        ("errors", "the place of errors"),
    ] {
        if old.get(key) != new.get(key) {
            found.add(matches!(key, "base_url" | "auth"), format!("{what} changed"));
        }
    }
    others(old, new, &["connection", "base_url", "auth", "paging", "errors", "version"], "", found);
}

/// Keys that are texts for people.
const TEXTS: [&str; 6] = ["title", "description", "examples", "vendor_id", "docs", "deprecated"];

/// Keys that differ, besides those that were looked at: nothing changes without a word.
fn others(old: &Doc, new: &Doc, seen: &[&str], of: &str, found: &mut ChangeList<'_>) {
    let keys: BTreeSet<&str> = old.fields().chain(new.fields()).map(|(key, _)| key).collect();
    for key in keys.into_iter().filter(|key| !seen.contains(key) && !TEXTS.contains(key)) {
        if old.get(key) != new.get(key) {
            let shown = |doc: &Doc| doc.get(key).map_or_else(|| "none".to_owned(), super::write::flow);
            found.add(false, format!("`{key}`{of} was {}, is {}", shown(old), shown(new)));
        }
    }
}

fn operation(old: &Doc, new: &Doc, found: &mut ChangeList<'_>) {
    for key in ["method", "request", "paging", "job", "body"] {
        if old.get(key) != new.get(key) {
            let shown = |doc: &Doc| doc.get(key).map_or_else(|| "none".to_owned(), super::write::flow);
            // Of a list whose paging is no longer known, one page is read.
            let is_lost = key == "paging" && new.get(key) == Some(&Doc::from("unknown"));
            let is_breaking = is_lost || matches!(key, "method" | "body");
            if key == "request" && identity_of(old) == identity_of(new) {
                continue;
            }
            found.add(is_breaking, format!("`{key}` was {}, is {}", shown(old), shown(new)));
        }
    }
    for key in ["result", "items", "record"] {
        let (before, after) = (old.at(&["response", key]), new.at(&["response", key]));
        if before != after {
            let shown = |doc: Option<&Doc>| doc.map_or_else(|| "none".to_owned(), super::write::flow);
            let is_list = |doc: &Doc| doc.at(&["response", "result"]) == Some(&Doc::from("list"));
            let is_breaking = match key {
                "result" => true,
                // The items of a list are the same wherever they are.
                "items" => !(is_list(old) && is_list(new)),
                _ => after.is_none(),
            };
            found.add(is_breaking, format!("`{key}` of its reply was {}, is {}", shown(before), shown(after)));
        }
    }
    let reply = |doc: &Doc| doc.get("response").cloned().unwrap_or_default();
    others(&reply(old), &reply(new), &["result", "items", "record"], " of its reply", found);
    let seen = ["method", "request", "paging", "job", "body", "response", "use", "options", "required", "items"];
    others(old, new, &seen, "", found);
    if old.get("deprecated").is_none() && new.get("deprecated").is_some() {
        found.add(false, "it is deprecated".to_owned());
    }
    let sets = |doc: &Doc| doc.get("use").cloned();
    if sets(old) != sets(new) {
        found.add(false, "it uses other option sets".to_owned());
    }
    options(old, new, found);
    items(old, new, found);
}

fn texts(doc: Option<&Doc>) -> Vec<&str> {
    doc.map(Doc::list).unwrap_or_default().iter().filter_map(Doc::text).collect()
}

fn options(old: &Doc, new: &Doc, found: &mut ChangeList<'_>) {
    let entries = |doc: &Doc| -> Fields { doc.get("options").and_then(Doc::map).cloned().unwrap_or_default() };
    let (before, after) = (entries(old), entries(new));
    let (old_required, new_required) = (texts(old.get("required")), texts(new.get("required")));
    for (name, rules) in &before {
        match after.get(name) {
            None if takes(new.get("paging"), name) => {
                found.add(false, format!("the option `{name}` is now the paging's"));
            }
            None if new.get("use") == old.get("use") => found.add(true, format!("the option `{name}` is gone")),
            None => {}
            Some(other) => {
                if rules.get("in") != other.get("in")
                    || rules.get("as") != other.get("as")
                    || rules.get("style") != other.get("style")
                {
                    found.add(false, format!("the option `{name}` is sent in another way"));
                }
                values(rules, other, &format!("the option `{name}`"), found);
            }
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        let is_needed = new_required.contains(&name.as_str())
            || new.text_of("request").is_some_and(|line| line.contains(&format!("{{{name}}}")));
        let what = if is_needed { "needs the new option" } else { "has the new option" };
        found.add(is_needed, format!("it {what} `{name}`"));
    }
    for name in new_required.iter().filter(|name| !old_required.contains(name) && before.contains_key(**name)) {
        found.add(true, format!("the option `{name}` is now required"));
    }
    for name in old_required.iter().filter(|name| !new_required.contains(name) && after.contains_key(**name)) {
        found.add(false, format!("the option `{name}` is no longer required"));
    }
}

fn items(old: &Doc, new: &Doc, found: &mut ChangeList<'_>) {
    match (old.get("items"), new.get("items")) {
        (None, None) => {}
        (Some(_), None) => found.add(true, "it takes no items any more".to_owned()),
        (None, Some(_)) => found.add(true, "it takes items".to_owned()),
        (Some(before), Some(after)) => {
            for key in ["send", "record", "wrap"] {
                if before.get(key) != after.get(key) {
                    found.add(key != "record", format!("`{key}` of its items changed"));
                }
            }
            others(before, after, &["send", "record", "wrap", "schema"], " of its items", found);
            let schemas = [before, after].map(|items| items.get("schema").cloned().unwrap_or_default());
            schema(&schemas[0], &schemas[1], "", found);
        }
    }
}

/// Fields of a record or of items.
fn schema(old: &Doc, new: &Doc, at: &str, found: &mut ChangeList<'_>) {
    let fields = |doc: &Doc| -> Fields { doc.get("properties").and_then(Doc::map).cloned().unwrap_or_default() };
    let (before, after) = (fields(old), fields(new));
    for (name, rules) in &before {
        let path = format!("{at}{name}");
        match after.get(name) {
            None => found.add(true, format!("the field `{path}` is gone")),
            Some(other) => {
                values(rules, other, &format!("the field `{path}`"), found);
                schema(rules, other, &format!("{path}/"), found);
            }
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        let is_needed = texts(new.get("required")).contains(&name.as_str());
        found.add(is_needed, format!("it has the new {}field `{at}{name}`", if is_needed { "required " } else { "" }));
    }
    for name in texts(new.get("required"))
        .into_iter()
        .filter(|name| !texts(old.get("required")).contains(name) && before.contains_key(*name))
    {
        found.add(true, format!("the field `{at}{name}` is now required"));
    }
    for name in texts(old.get("required"))
        .into_iter()
        .filter(|name| !texts(new.get("required")).contains(name) && after.contains_key(*name))
    {
        found.add(false, format!("the field `{at}{name}` is no longer required"));
    }
    if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
        schema(old, new, &format!("{at}-/"), found);
    }
}

/// Values that are no longer allowed, or are now.
fn values(old: &Doc, new: &Doc, what: &str, found: &mut ChangeList<'_>) {
    let types = |doc: &Doc| -> BTreeSet<String> {
        match doc.get("type") {
            Some(Doc::Text(one)) => BTreeSet::from([one.clone()]),
            Some(list) => list.list().iter().filter_map(|kind| kind.text().map(str::to_owned)).collect(),
            None => BTreeSet::new(),
        }
    };
    let (mut before, after) = (types(old), types(new));
    if before != after && !(before.is_empty() && after.is_empty()) {
        // Every whole number is a number.
        if after.contains("number") {
            before.remove("integer");
        }
        let is_narrower = !after.is_empty() && !before.is_subset(&after) || before.is_empty();
        let shown = |doc: &Doc| doc.get("type").map_or_else(|| "any".to_owned(), super::write::flow);
        found.add(is_narrower, format!("{what} was {}, is {}", shown(old), shown(new)));
    }
    if old.get("$ref") != new.get("$ref") {
        found.add(true, format!("{what} is another record"));
    }
    words(old, new, what, found);
    limits(old, new, what, found);
    for key in ["pattern", "format"] {
        if old.get(key) != new.get(key) {
            found.add(new.get(key).is_some(), format!("`{key}` of {what} changed"));
        }
    }
    if old.is_true("readOnly") != new.is_true("readOnly") {
        let is_closed = new.is_true("readOnly");
        let says = if is_closed { "can no longer be written" } else { "can be written" };
        found.add(is_closed, format!("{what} {says}"));
    }
    let seen = [
        "type",
        "$ref",
        "enum",
        "maximum",
        "maxLength",
        "maxItems",
        "minimum",
        "minLength",
        "minItems",
        "pattern",
        "format",
        "readOnly",
        "properties",
        "required",
        "items",
        "in",
        "as",
        "style",
    ];
    others(old, new, &seen, &format!(" of {what}"), found);
}

/// Lists of allowed values.
fn words(old: &Doc, new: &Doc, what: &str, found: &mut ChangeList<'_>) {
    let list = |doc: &Doc| doc.get("enum").map(Doc::list).unwrap_or_default().to_vec();
    let (old_values, new_values) = (list(old), list(new));
    let gone: Vec<String> =
        old_values.iter().filter(|value| !new_values.contains(value)).map(super::write::flow).collect();
    let fresh: Vec<String> =
        new_values.iter().filter(|value| !old_values.contains(value)).map(super::write::flow).collect();
    match (old_values.is_empty(), new_values.is_empty()) {
        (true, false) => found.add(true, format!("{what} has a list of allowed values")),
        (false, true) => found.add(false, format!("{what} may have any value")),
        (_, _) => {
            if !gone.is_empty() {
                found.add(true, format!("{what} may not be {} any more", gone.join(", ")));
            }
            if !fresh.is_empty() {
                found.add(false, format!("{what} may be {}", fresh.join(", ")));
            }
        }
    }
}

/// Limits of numbers, texts and lists.
fn limits(old: &Doc, new: &Doc, what: &str, found: &mut ChangeList<'_>) {
    let number = |doc: &Doc, key: &str| match doc.get(key) {
        Some(Doc::Number(number)) => number.as_f64(),
        _ => None,
    };
    for (key, is_upper) in [
        ("maximum", true),
        ("maxLength", true),
        ("maxItems", true),
        ("minimum", false),
        ("minLength", false),
        ("minItems", false),
    ] {
        let (before, after) = (number(old, key), number(new, key));
        if before != after {
            let is_narrower = match (before, after) {
                (None, Some(_)) => true,
                (Some(before), Some(after)) => (after < before) == is_upper,
                (_, None) => false,
            };
            let shown = |doc: &Doc| doc.get(key).map_or_else(|| "none".to_owned(), super::write::flow);
            found.add(is_narrower, format!("`{key}` of {what} was {}, is {}", shown(old), shown(new)));
        }
    }
}

/// The changes that lead from one value to another, as in RFC 7396; `None` if there are none.
pub(crate) fn difference(from: &Doc, to: &Doc) -> Option<Doc> {
    match (from, to) {
        (Doc::Map(from), Doc::Map(to)) => {
            let mut changes = Fields::new();
            for (key, value) in to {
                match from.get(key) {
                    None => drop(changes.insert(key.clone(), value.clone())),
                    Some(old) => changes.extend(difference(old, value).map(|change| (key.clone(), change))),
                }
            }
            changes.extend(from.keys().filter(|key| !to.contains_key(*key)).map(|key| (key.clone(), Doc::Null)));
            (!changes.is_empty()).then_some(Doc::Map(changes))
        }
        (from, to) => (from != to).then(|| to.clone()),
    }
}
