//! All fields of a record with their paths, also those of records that it refers to. Pure.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::field_values::values_of;
use super::operation::{Operation, Record};
use super::option_rule::ValueSource;
use crate::authoring::Json;
use crate::json_text::fields_of;

/// Where the schema of another record is; see `read/record_refs.rs`.
const DEFS: &str = "#/$defs/";
/// Deeper fields are left out.
const DEPTH_MAX: usize = 8;
/// More fields are left out: records that refer to each other have thousands.
const FIELDS_MAX: usize = 5_000;

/// A field of a record.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordField {
    /// Names with slashes, such as `company/name`; the elements of a list have none of their own.
    pub path: String,
    /// Its JSON Schema, without that of a record it refers to.
    pub schema: Json,
    /// Whether the object that has it must have it.
    pub required: bool,
    /// The record that it is, or has in a list.
    pub record: Option<String>,
    /// The query that returns what it may be, from the key `values` of its schema.
    pub values: Option<Arc<ValueSource>>,
    /// Whether its own fields are left out, because the record contains itself.
    pub is_cycle: bool,
}

/// The fields, each before those within it: in the order of the definition, or sorted if it refers to other records.
#[must_use]
pub fn record_fields(record: &Record) -> Vec<RecordField> {
    let defs = part(&record.schema.0, "$defs").map(RawValue::get).unwrap_or_default();
    let mut walk = FieldWalk { record: &record.name, root: &record.schema.0, defs, fields: Vec::new() };
    walk.object(&record.schema.0, "", &mut vec![record.name.clone()]);
    walk.fields
}

/// The fields of the items of an operation, then those of the record that it returns which these do not have.
#[must_use]
pub fn operation_fields(operation: &Operation) -> Vec<RecordField> {
    let record = operation.record();
    let items = operation.items.as_ref().map(|rule| Record {
        name: record.map_or_else(|| operation.id.clone(), |record| record.name.clone()),
        title: String::new(),
        schema: Json::from(rule.schema.clone()),
        sample: Json("{}".to_owned()),
    });
    let mut fields = items.as_ref().map(record_fields).unwrap_or_default();
    let known: std::collections::HashSet<String> = fields.iter().map(|field| field.path.clone()).collect();
    let others = record.map(record_fields).unwrap_or_default();
    fields.extend(others.into_iter().filter(|field| !known.contains(&field.path)));
    fields
}

/// The values of the field of this name. Those of a reference are those of its key: `board` and `board/id` have the same,
/// whichever of them the definition gives them to.
#[must_use]
pub fn field_values(fields: &[RecordField], name: &str) -> Option<Arc<ValueSource>> {
    let of = |path: &str| fields.iter().find(|field| field.path == path)?.values.clone();
    let is_key = |values: &ValueSource, last: &str| values.value.tokens().last().is_some_and(|token| token == last);
    if let Some(values) = of(name) {
        return Some(values);
    }
    if let Some((above, last)) = name.rsplit_once('/')
        && let Some(values) = of(above)
    {
        return Some(values).filter(|values| is_key(values, last));
    }
    let within = fields.iter().filter_map(|field| Some((field.path.strip_prefix(name)?.strip_prefix('/')?, field)));
    within.filter_map(|(last, field)| field.values.clone().filter(|values| is_key(values, last))).next()
}

struct FieldWalk<'r> {
    record: &'r str,
    root: &'r str,
    defs: &'r str,
    fields: Vec<RecordField>,
}

impl<'r> FieldWalk<'r> {
    /// The fields of an object schema, and of its alternatives; `open` are the records around it.
    fn object(&mut self, schema: &'r str, at: &str, open: &mut Vec<String>) {
        let required: Vec<String> =
            part(schema, "required").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let properties = part(schema, "properties").and_then(|raw| fields_of(raw.get())).unwrap_or_default();
        for (name, raw) in properties {
            let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
            // An alternative may have named it already.
            if self.fields.len() < FIELDS_MAX && self.fields.iter().rev().all(|field| field.path != path) {
                self.field(path, raw.get(), required.contains(&name), open);
            }
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            let parts = part(schema, key).and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
            for raw in parts.unwrap_or_default() {
                let (schema, record) = self.resolved(raw.get());
                self.within(schema, record, at, open);
            }
        }
    }

    fn field(&mut self, path: String, raw: &'r str, required: bool, open: &mut Vec<String>) {
        let mut element = raw;
        while let Some(items) = part(element, "items") {
            element = items.get();
        }
        let (target, record) = self.resolved(element);
        let is_cycle = record.as_ref().is_some_and(|record| open.contains(record));
        let schema = Json(raw.to_owned());
        let values = values_of(raw).or_else(|| values_of(element));
        self.fields.push(RecordField {
            path: path.clone(),
            schema,
            required,
            record: record.clone(),
            values,
            is_cycle,
        });
        if !is_cycle && path.matches('/').count() + 1 < DEPTH_MAX {
            self.within(target, record, &path, open);
        }
    }

    /// The fields of a schema within another, unless that is a record that is open.
    fn within(&mut self, schema: &'r str, record: Option<String>, at: &str, open: &mut Vec<String>) {
        match record {
            Some(record) if open.contains(&record) => {}
            Some(record) => {
                open.push(record);
                self.object(schema, at, open);
                open.pop();
            }
            None => self.object(schema, at, open),
        }
    }

    /// What a schema refers to, with the name of its record.
    fn resolved(&self, schema: &'r str) -> (&'r str, Option<String>) {
        let target = part(schema, "$ref").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let Some(target) = target else {
            // A record or null.
            let alternatives = part(schema, "anyOf").or_else(|| part(schema, "oneOf"));
            let all = alternatives.and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
            let all = all.unwrap_or_default();
            let mut refers = all.iter().filter(|raw| part(raw.get(), "$ref").is_some());
            return match (refers.next(), refers.next()) {
                (Some(one), None) => self.resolved(one.get()),
                _ => (schema, None),
            };
        };
        if target == "#" {
            return (self.root, Some(self.record.to_owned()));
        }
        let name = crate::json_pointer::unescape(target.strip_prefix(DEFS).unwrap_or_default());
        match part(self.defs, &name) {
            Some(raw) => (raw.get(), Some(name)),
            None => (schema, None),
        }
    }
}

fn part<'t>(schema: &'t str, key: &str) -> Option<&'t RawValue> {
    fields_of(schema)?.into_iter().find_map(|(name, raw)| (name == key).then_some(raw))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{field_values, record_fields};
    use crate::authoring::Json;
    use crate::definition::field_values::{each_values, value_source};
    use crate::definition::operation::Record;

    #[test]
    fn nested_fields_have_paths_and_cycles_are_cut() {
        let schema = r##"{"required":["z"],"properties":{"z":{"type":"string"},"owner":{"$ref":"#/$defs/User"},
            "notes":{"type":"array","items":{"type":"object","properties":{"text":{"type":"string"}}}},
            "parent":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},
            "$defs":{"User":{"properties":{"name":{},"boss":{"$ref":"#/$defs/User"},"tickets":{"items":{"$ref":"#/$defs/Ticket"}}}},"Ticket":{"properties":{"z":{}}}}}"##;
        let text = |text: &str| Json(text.to_owned());
        let record = Record { name: "Ticket".into(), title: "Ticket".into(), schema: text(schema), sample: text("{}") };
        let shown: Vec<String> = record_fields(&record)
            .into_iter()
            .map(|f| {
                let record = f.record.map(|name| format!(" = {name}")).unwrap_or_default();
                format!("{}{}{record}{}", f.path, if f.required { "*" } else { "" }, if f.is_cycle { "!" } else { "" })
            })
            .collect();
        let expected = [
            "z*",
            "owner = User",
            "owner/name",
            "owner/boss = User!",
            "owner/tickets = Ticket!",
            "notes",
            "notes/text",
            "parent = Ticket!",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_reference_has_the_values_of_its_key() {
        let schema = json!({"properties": {
            "board": {"$ref": "#/$defs/Ref", "values": {"operation": "listBoards", "value": "/id", "label": "/name"}},
            "owner": {"properties": {"id": {"values": {"operation": "listUsers", "value": "/id"}}, "name": {}}},
            "kind": {"type": "string", "values": {"operation": "listKinds", "value": "/code"}}, "values": {"type": "array"},
        }, "$defs": {"Ref": {"properties": {"id": {}, "name": {}}}}});
        let mut found = Vec::new();
        each_values(&schema, "", &mut |at, _| found.push(at));
        assert_eq!(
            found,
            ["/properties/board/values", "/properties/kind/values", "/properties/owner/properties/id/values"]
        );
        let record =
            Record { name: "T".into(), title: "T".into(), schema: Json::from(schema), sample: Json("{}".into()) };
        let fields = record_fields(&record);
        for (name, operation) in [
            ("board", Some("listBoards")),
            ("board/id", Some("listBoards")),
            ("board/name", None),
            ("owner", Some("listUsers")),
            ("owner/id", Some("listUsers")),
            ("owner/name", None),
            ("kind", Some("listKinds")),
            ("values", None),
            ("nothing", None),
        ] {
            assert_eq!(field_values(&fields, name).map(|v| v.operation.clone()).as_deref(), operation, "{name}");
        }
        assert!(value_source(r#"{"operation": "a", "vale": "/id"}"#).unwrap_err().contains("vale"));
        assert!(value_source(r#"{"operation": "a", "value": "id"}"#).is_err());
    }
}
