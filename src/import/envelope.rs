//! What lies around the items of a reply, by its schema: lists, and fields beside them with their pointers. Pure.

use super::refs::{Files, Spot};
use super::value::Doc;
use crate::draft::plain;
use crate::json_pointer::escape;

/// A field of a reply that is not within a list.
#[derive(Clone, Debug)]
pub(crate) struct ReplyLeaf<'f> {
    pub(crate) pointer: String,
    /// In lower case without separators.
    pub(crate) name: String,
    /// The name of the object that it is in, likewise.
    pub(crate) parent: String,
    /// As it is written: perhaps a reference.
    pub(crate) spot: Spot<'f>,
    /// What it is after its references.
    pub(crate) end: Spot<'f>,
    /// Whether the schema says that it is always there.
    pub(crate) is_required: bool,
    pub(crate) depth: usize,
}

/// The fields of a reply.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'f> {
    pub(crate) lists: Vec<ReplyLeaf<'f>>,
    pub(crate) objects: Vec<ReplyLeaf<'f>>,
    pub(crate) scalars: Vec<ReplyLeaf<'f>>,
}

/// Deeper fields of an envelope do not tell about its items.
const DEPTH_MAX: usize = 3;

impl ReplyLeaf<'_> {
    pub(crate) fn kind(&self) -> &str {
        kind(self.end.doc)
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind(), "string" | "")
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self.kind(), "integer" | "number")
    }

    pub(crate) fn description(&self) -> String {
        let own = self.spot.doc.text_of("description").or_else(|| self.end.doc.text_of("description"));
        own.unwrap_or_default().to_lowercase()
    }
}

/// The type of a schema; empty if it says none.
pub(crate) fn kind(doc: &Doc) -> &str {
    match doc.get("type") {
        Some(Doc::Text(kind)) => kind,
        Some(Doc::List(kinds)) => kinds.iter().filter_map(Doc::text).find(|kind| *kind != "null").unwrap_or_default(),
        _ if doc.get("items").is_some() => "array",
        _ if ["properties", "allOf", "additionalProperties"].iter().any(|key| doc.get(key).is_some()) => "object",
        _ => "",
    }
}

/// The fields of an object with those of its parts, and the names of those that are always there.
pub(crate) fn properties<'f>(files: &'f Files, spot: Spot<'f>) -> Vec<(&'f str, Spot<'f>, bool)> {
    let mut found: Vec<(&'f str, Spot<'f>)> = Vec::new();
    let mut required: Vec<&'f str> = Vec::new();
    collect(files, spot, 0, &mut found, &mut required);
    let mut unique: Vec<(&'f str, Spot<'f>, bool)> = Vec::new();
    for (name, spot) in found {
        if !unique.iter().any(|(known, ..)| *known == name) {
            unique.push((name, spot, required.contains(&name)));
        }
    }
    unique
}

fn collect<'f>(
    files: &'f Files,
    spot: Spot<'f>,
    depth: usize,
    found: &mut Vec<(&'f str, Spot<'f>)>,
    required: &mut Vec<&'f str>,
) {
    let Ok(spot) = files.resolve(spot) else { return };
    if depth > 8 {
        return;
    }
    found.extend(spot.get("properties").into_iter().flat_map(Spot::fields));
    required.extend(spot.get("required").into_iter().flat_map(Spot::list).filter_map(|name| name.doc.text()));
    for part in spot.get("allOf").into_iter().flat_map(Spot::list) {
        collect(files, part, depth + 1, found, required);
    }
    // Of alternatives, the first object counts, or the only one beside null.
    if found.is_empty() {
        let alternatives = ["oneOf", "anyOf"].into_iter().filter_map(|key| spot.get(key)).flat_map(Spot::list);
        let first = alternatives.filter_map(|part| files.resolve(part).ok()).find(|part| kind(part.doc) == "object");
        if let Some(first) = first {
            collect(files, first, depth + 1, found, required);
        }
    }
}

/// A schema after its references; of a choice between it and null, it.
pub(crate) fn settled<'f>(files: &'f Files, spot: Spot<'f>) -> Option<Spot<'f>> {
    let end = files.resolve(spot).ok()?;
    let alternatives: Vec<Spot<'f>> =
        ["oneOf", "anyOf"].into_iter().filter_map(|key| end.get(key)).flat_map(Spot::list).collect();
    if alternatives.is_empty() {
        return match end.get("allOf").map(|parts| parts.list().collect::<Vec<_>>()).as_deref() {
            Some([one]) if end.get("properties").is_none() => files.resolve(*one).ok(),
            _ => Some(end),
        };
    }
    let mut others = alternatives.into_iter().filter(|part| part.doc.text_of("type") != Some("null"));
    match (others.next(), others.next()) {
        (Some(one), None) => files.resolve(one).ok(),
        _ => Some(end),
    }
}

impl<'f> Envelope<'f> {
    pub(crate) fn of(files: &'f Files, body: Spot<'f>) -> Envelope<'f> {
        let mut envelope = Envelope::default();
        envelope.add(files, body, ("", "", true), 0);
        envelope
    }

    fn add(
        &mut self,
        files: &'f Files,
        spot: Spot<'f>,
        (pointer, parent, is_required): (&str, &str, bool),
        depth: usize,
    ) {
        for (key, spot, is_own) in properties(files, spot) {
            let Some(end) = settled(files, spot) else { continue };
            let leaf = ReplyLeaf {
                pointer: format!("{pointer}/{}", escape(key)),
                name: plain(key),
                parent: parent.to_owned(),
                spot,
                end,
                is_required: is_required && is_own,
                depth,
            };
            match kind(end.doc) {
                "array" => self.lists.push(leaf),
                "object" => {
                    if depth < DEPTH_MAX {
                        self.add(files, end, (&leaf.pointer, &leaf.name, leaf.is_required), depth + 1);
                    }
                    self.objects.push(leaf);
                }
                _ => self.scalars.push(leaf),
            }
        }
    }
}
