//! Schemas of a description as JSON Schema 2020-12, and its named schemas as records that refer to each other. Pure.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::json;

use super::envelope::properties;
use super::names::{plain_name, short_hash};
use super::prose::sentences;
use super::refs::{Files, Spot};
use super::value::{Doc, Fields};
use crate::authoring::Schema;

/// Longer names of fields are left out: YAML has no such keys.
const KEY_MAX: usize = 1000;

/// The records of a connector, as far as operations refer to them.
pub(crate) struct Schemas<'f> {
    files: &'f Files,
    /// Whether texts of the document are used.
    has_texts: bool,
    /// Names by the place of the schema.
    names: HashMap<(&'f str, String), String>,
    taken: HashSet<String>,
    /// Records of the user's own files, which are not written.
    own: HashSet<String>,
    pub(crate) records: IndexMap<String, Doc>,
    open: Vec<(String, Spot<'f>)>,
    /// Whether patterns are regular expressions that can be used.
    patterns: HashMap<&'f str, bool>,
}

/// Deeper parts of an inline schema may have anything.
const DEPTH_MAX: usize = 14;
/// A longer list of values is not written.
const ENUM_MAX: usize = 250;
const PROPERTY_TEXT_MAX: usize = 140;

/// Keywords that are taken as they are.
const PLAIN: [&str; 17] = [
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "readOnly",
    "writeOnly",
    "deprecated",
];
const FORMATS: [&str; 11] =
    ["date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid", "binary"];

impl<'f> Schemas<'f> {
    pub(crate) fn new(files: &'f Files, has_texts: bool, own: HashSet<String>) -> Schemas<'f> {
        Schemas {
            files,
            has_texts,
            names: HashMap::new(),
            taken: HashSet::new(),
            own,
            records: IndexMap::new(),
            open: Vec::new(),
            patterns: HashMap::new(),
        }
    }

    /// The schema of a value.
    pub(crate) fn convert(&mut self, spot: Spot<'f>) -> Doc {
        self.within(spot, 0)
    }

    /// The record that a schema refers to, if it is one.
    pub(crate) fn record_of(&mut self, spot: Spot<'f>) -> Option<String> {
        let reference = spot.doc.get("$ref").and_then(Doc::text).or_else(|| only_part(spot.doc))?;
        let target = self.files.target(spot.file, reference).ok()?;
        let end = self.files.resolve(target).ok()?;
        is_record(self.files, end, 0).then(|| self.record(spot.file, reference, end))?
    }

    /// The record of a reply's items: its own, or one that is named after the operation.
    pub(crate) fn record_for(&mut self, spot: Spot<'f>, id: &str) -> Option<String> {
        if let Some(record) = self.record_of(spot) {
            return Some(record);
        }
        let end = self.files.resolve(spot).ok()?;
        if !is_record(self.files, end, 0) {
            return None;
        }
        let name = format!("{}Reply", super::names::pascal(id));
        if self.own.contains(&name) || self.taken.contains(&name) {
            return None;
        }
        self.taken.insert(name.clone());
        self.records.insert(name.clone(), Doc::Null);
        self.open.push((name.clone(), end));
        Some(name)
    }

    /// The names of the fields of a converted object.
    pub(crate) fn field_names(&self, schema: &Doc) -> Vec<String> {
        let record = schema.text_of("$ref").and_then(|target| target.strip_prefix("#/records/"));
        if let Some((_, spot)) = record.and_then(|name| self.open.iter().find(|(open, _)| open == name)) {
            return properties(self.files, *spot).into_iter().map(|(name, ..)| name.to_owned()).collect();
        }
        schema.get("properties").into_iter().flat_map(Doc::fields).map(|(name, _)| name.to_owned()).collect()
    }

    /// Converts the records that were named meanwhile.
    pub(crate) fn finish(&mut self) {
        while let Some((name, spot)) = self.open.pop() {
            let schema = self.within(spot, 1);
            self.records.insert(name, schema);
        }
        self.records.sort_keys();
    }

    fn record(&mut self, from: &'f str, reference: &str, spot: Spot<'f>) -> Option<String> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let target = self.files.target(from, reference).map_or(from, |target| target.file);
        let place = (target, pointer.to_owned());
        if let Some(known) = self.names.get(&place) {
            return Some(known.clone());
        }
        let last = pointer.rsplit('/').find(|token| !token.is_empty());
        let stem = file.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        let raw = crate::json_pointer::unescape(last.unwrap_or(stem));
        let raw = percent_encoding::percent_decode_str(&raw).decode_utf8_lossy().into_owned();
        let name = plain_name(&raw).unwrap_or_else(|| format!("Record{}", short_hash(&raw)));
        // Two schemas may have names that differ only in signs.
        let name = if self.taken.contains(&name) { format!("{name}-{}", short_hash(&place.1)) } else { name };
        self.taken.insert(name.clone());
        self.names.insert(place, name.clone());
        if !self.own.contains(&name) {
            self.records.insert(name.clone(), Doc::Null);
            self.open.push((name.clone(), spot));
        }
        Some(name)
    }

    fn within(&mut self, spot: Spot<'f>, depth: usize) -> Doc {
        if let Doc::Flag(flag) = spot.doc {
            return Doc::Flag(*flag);
        }
        if spot.doc.map().is_none() || depth > DEPTH_MAX {
            return Doc::Map(Fields::new());
        }
        if spot.doc.get("$ref").is_some() {
            return self.reference(spot, depth);
        }
        let mut out = Fields::new();
        if let Some(parts) = spot.get("allOf").filter(|parts| !parts.doc.list().is_empty()) {
            return self.all_of(spot, parts, depth);
        }
        let is_nullable = spot.doc.is_true("nullable") || spot.doc.is_true("x-nullable");
        self.head(spot, is_nullable, &mut out);
        for key in PLAIN {
            if let Some(value) = spot.doc.get(key)
                && (key != "pattern" || value.text().is_some_and(|pattern| self.is_pattern(pattern)))
            {
                keyword(spot.doc, key, value, &mut out);
            }
        }
        if let Some(items) = spot.get("items") {
            out.insert("items".to_owned(), self.within(items, depth + 1));
        }
        if let Some(properties) = spot.get("properties") {
            let mut converted = Fields::new();
            for (name, property) in properties.fields().filter(|(name, _)| name.len() <= KEY_MAX) {
                converted.insert(name.to_owned(), self.within(property, depth + 1));
            }
            if !converted.is_empty() {
                out.insert("properties".to_owned(), Doc::Map(converted));
            }
        }
        required(spot.doc, &mut out);
        if let Some(more) = spot.get("additionalProperties") {
            out.insert("additionalProperties".to_owned(), self.within(more, depth + 1));
        }
        for key in ["oneOf", "anyOf"] {
            let parts: Vec<Spot<'f>> = spot.get(key).into_iter().flat_map(Spot::list).collect();
            if !parts.is_empty() {
                let converted: Vec<Doc> = parts.into_iter().map(|part| self.within(part, depth + 1)).collect();
                // Alternatives of a description often overlap: one that fits is enough.
                out.insert("anyOf".to_owned(), Doc::List(converted));
            }
        }
        Doc::Map(out)
    }

    /// Whether a pattern can be used. Descriptions have those of many languages.
    fn is_pattern(&mut self, pattern: &'f str) -> bool {
        let compiles = || Schema::compile(json!({ "pattern": pattern })).is_ok();
        *self.patterns.entry(pattern).or_insert_with(compiles)
    }

    /// Type, format, description, values.
    fn head(&self, spot: Spot<'f>, is_nullable: bool, out: &mut Fields) {
        let doc = spot.doc;
        let kinds: Vec<&str> = match doc.get("type") {
            Some(Doc::Text(one)) => vec![one.as_str()],
            Some(Doc::List(list)) => list.iter().filter_map(Doc::text).collect(),
            _ if doc.get("properties").is_some() => vec!["object"],
            _ if doc.get("items").is_some() => vec!["array"],
            _ => Vec::new(),
        };
        let known = |kind: &&str| match *kind {
            "file" | "date" | "datetime" | "uuid" | "String" | "str" | "char" | "text" => Some("string"),
            "int" | "long" | "int32" | "int64" | "Integer" => Some("integer"),
            "float" | "double" | "decimal" => Some("number"),
            "bool" => Some("boolean"),
            "list" => Some("array"),
            "dict" | "map" | "json" => Some("object"),
            one => {
                ["string", "integer", "number", "boolean", "array", "object", "null"].into_iter().find(|k| *k == one)
            }
        };
        let mut types: Vec<&str> = kinds.iter().filter_map(known).collect();
        if is_nullable && !types.is_empty() && !types.contains(&"null") {
            types.push("null");
        }
        match types.as_slice() {
            [] => {}
            [one] => drop(out.insert("type".to_owned(), Doc::from(*one))),
            several => drop(out.insert("type".to_owned(), Doc::texts(several.iter().copied()))),
        }
        if let Some(format) = doc.text_of("format").filter(|format| FORMATS.contains(format)) {
            out.insert("format".to_owned(), Doc::from(format));
        }
        self.describe(doc, out);
        let values = doc.get("enum").map(Doc::list).unwrap_or_default();
        if !values.is_empty() && values.len() <= ENUM_MAX {
            let mut values: Vec<Doc> = Vec::new();
            for value in doc.get("enum").map(Doc::list).unwrap_or_default() {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            if is_nullable && !values.contains(&Doc::Null) {
                values.push(Doc::Null);
            }
            out.insert("enum".to_owned(), Doc::List(values));
        }
    }

    fn describe(&self, doc: &Doc, out: &mut Fields) {
        let text = doc.text_of("description").filter(|_| self.has_texts);
        if let Some(text) = text.and_then(|text| sentences(text, PROPERTY_TEXT_MAX)) {
            out.insert("description".to_owned(), Doc::Text(text));
        }
    }

    fn reference(&mut self, spot: Spot<'f>, depth: usize) -> Doc {
        let reference = spot.doc.text_of("$ref").unwrap_or_default().to_owned();
        let Ok(target) = self.files.target(spot.file, &reference) else { return Doc::Map(Fields::new()) };
        let Ok(end) = self.files.resolve(target) else { return Doc::Map(Fields::new()) };
        if !is_record(self.files, end, 0) {
            return self.within(end, depth + 1);
        }
        let Some(name) = self.record(spot.file, &reference, end) else { return Doc::Map(Fields::new()) };
        let mut out = Fields::new();
        let link = Doc::Text(format!("#/records/{name}"));
        // Beside a reference, older versions ignore it; it is meant all the same.
        if spot.doc.is_true("nullable") {
            let parts = vec![Doc::of([("$ref", link)]), Doc::of([("type", Doc::from("null"))])];
            out.insert("anyOf".to_owned(), Doc::List(parts));
        } else {
            out.insert("$ref".to_owned(), link);
        }
        self.describe(spot.doc, &mut out);
        if spot.doc.is_true("readOnly") {
            out.insert("readOnly".to_owned(), Doc::Flag(true));
        }
        Doc::Map(out)
    }

    /// All parts as one object, if they are objects.
    fn all_of(&mut self, spot: Spot<'f>, parts: Spot<'f>, depth: usize) -> Doc {
        if let (Some(_), 1) = (only_part(spot.doc), parts.doc.list().len())
            && let Some(part) = parts.list().next()
            && spot.get("properties").is_none()
        {
            let mut out = self.within(part, depth);
            if let Doc::Map(fields) = &mut out {
                if spot.doc.is_true("nullable")
                    && let Some(link) = fields.shift_remove("$ref")
                {
                    let parts = vec![Doc::of([("$ref", link)]), Doc::of([("type", Doc::from("null"))])];
                    fields.insert("anyOf".to_owned(), Doc::List(parts));
                }
                self.describe(spot.doc, fields);
                if spot.doc.is_true("readOnly") {
                    fields.insert("readOnly".to_owned(), Doc::Flag(true));
                }
            }
            return out;
        }
        let mut joined = Joined::default();
        let mut is_whole = true;
        for part in parts.list() {
            is_whole &= joined.add(self.files, part, 0);
        }
        is_whole &= joined.add_own(spot);
        let mut out = Fields::new();
        if !is_whole || joined.properties.is_empty() {
            let converted: Vec<Doc> = parts.list().map(|part| self.within(part, depth + 1)).collect();
            self.head(spot, false, &mut out);
            out.insert("allOf".to_owned(), Doc::List(converted));
            return Doc::Map(out);
        }
        self.head(spot, spot.doc.is_true("nullable"), &mut out);
        if !out.contains_key("type") {
            out.shift_insert(0, "type".to_owned(), Doc::from("object"));
        }
        let mut properties = Fields::new();
        for (name, property) in joined.properties {
            properties.insert(name.to_owned(), self.within(property, depth + 1));
        }
        out.insert("properties".to_owned(), Doc::Map(properties));
        if !joined.required.is_empty() {
            out.insert("required".to_owned(), Doc::texts(joined.required));
        }
        if joined.is_open {
            out.insert("additionalProperties".to_owned(), Doc::Flag(true));
        }
        Doc::Map(out)
    }
}

/// The fields of several objects.
#[derive(Default)]
struct Joined<'f> {
    properties: IndexMap<&'f str, Spot<'f>>,
    required: Vec<&'f str>,
    is_open: bool,
}

impl<'f> Joined<'f> {
    /// Adds the fields of a part; `false` if it says more than fields.
    fn add(&mut self, files: &'f Files, part: Spot<'f>, depth: usize) -> bool {
        let Ok(part) = files.resolve(part) else { return true };
        if depth > DEPTH_MAX || part.doc.get("oneOf").is_some() || part.doc.get("anyOf").is_some() {
            return false;
        }
        let inner = part.get("allOf").into_iter().flat_map(Spot::list).all(|inner| self.add(files, inner, depth + 1));
        inner && self.add_own(part)
    }

    fn add_own(&mut self, spot: Spot<'f>) -> bool {
        self.properties.extend(spot.get("properties").into_iter().flat_map(Spot::fields));
        for name in spot.get("required").into_iter().flat_map(Spot::list).filter_map(|name| name.doc.text()) {
            if !self.required.contains(&name) {
                self.required.push(name);
            }
        }
        self.is_open |= spot.doc.get("additionalProperties").is_some_and(|more| *more != Doc::Flag(false));
        let kind = spot.doc.text_of("type");
        kind.is_none_or(|kind| kind == "object") && spot.doc.get("oneOf").is_none() && spot.doc.get("anyOf").is_none()
    }
}

/// The only reference of an `allOf`, which older versions need for a description beside it.
fn only_part(doc: &Doc) -> Option<&str> {
    match doc.get("allOf")?.list() {
        [one] => one.get("$ref")?.text(),
        _ => None,
    }
}

/// Whether a named schema is a record: an object, or a choice of objects.
fn is_record(files: &Files, spot: Spot<'_>, depth: usize) -> bool {
    let doc = spot.doc;
    let kind = doc.get("type").and_then(Doc::text);
    if doc.get("properties").is_some_and(|p| !p.is_empty()) {
        return true;
    }
    let parts = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| spot.get(key)).flat_map(Spot::list);
    let mut parts = parts.filter_map(|part| files.resolve(part).ok());
    kind.is_none_or(|kind| kind == "object") && depth < 6 && parts.any(|part| is_record(files, part, depth + 1))
}

fn required(doc: &Doc, out: &mut Fields) {
    let names: Vec<&str> =
        doc.get("required").map(Doc::list).unwrap_or_default().iter().filter_map(Doc::text).collect();
    if !names.is_empty() {
        let mut unique: Vec<&str> = Vec::new();
        names.into_iter().for_each(|name| {
            if !unique.contains(&name) {
                unique.push(name)
            }
        });
        out.insert("required".to_owned(), Doc::texts(unique));
    }
}

/// A keyword, in its newer form.
fn keyword(doc: &Doc, key: &str, value: &Doc, out: &mut Fields) {
    let (other, number) = match (key, value) {
        ("exclusiveMinimum", Doc::Flag(flag)) => ("minimum", flag),
        ("exclusiveMaximum", Doc::Flag(flag)) => ("maximum", flag),
        _ => {
            // A wrong type would make the whole schema invalid.
            let fits = match key {
                "pattern" => value.text().is_some(),
                "const" => true,
                "uniqueItems" | "readOnly" | "writeOnly" | "deprecated" => {
                    if *value == Doc::Flag(false) {
                        return;
                    }
                    *value == Doc::Flag(true)
                }
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                    matches!(value, Doc::Number(_))
                }
                _ => value.whole().is_some() && matches!(value, Doc::Number(_)),
            };
            if fits {
                out.insert(key.to_owned(), value.clone());
            }
            return;
        }
    };
    if let (true, Some(bound)) = (*number, doc.get(other)) {
        out.shift_remove(other);
        out.insert(key.to_owned(), bound.clone());
    }
}
