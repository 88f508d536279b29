//! The columns that a record declares, with their types and texts. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::mode::Nested;
use super::shape::{DeclaredColumn, ListTable, TableForm};
use super::value_kind::ValueKind;
use crate::definition::Operation;
use crate::json_pointer::path_of;
use crate::json_text::fields_of;

/// Deeper objects of a record are columns of JSON.
const DEPTH_MAX: usize = 4;

/// What a record declares.
pub(crate) struct RecordForm {
    schema: Value,
    nested: Nested,
}

impl RecordForm {
    /// Of the record that an operation returns; without one, nothing is declared.
    pub(crate) fn of(operation: Option<&Operation>, nested: Nested) -> RecordForm {
        let record = operation.and_then(Operation::record);
        let schema = record.and_then(|record| serde_json::from_str(&record.schema.0).ok());
        RecordForm { schema: schema.unwrap_or_default(), nested }
    }

    /// Of the outcomes of the items of a write, with the names of what is declared of them.
    pub(crate) fn of_outcomes(nested: Nested) -> (RecordForm, Vec<String>) {
        let error = json!({ "properties": { "kind": { "type": "string" }, "message": { "type": "string" } } });
        let object = json!({ "type": "object" });
        let schema = json!({ "properties": {
            "index": { "type": "integer", "description": "Number of the item, from 0" },
            "outcome": { "type": "string", "description": "ok, failed, unknown or settled" },
            "item": object, "record": object, "error": error,
        } });
        let all = ["index", "outcome", "item", "record", "error"];
        let is_declared = |name: &&str| nested == Nested::Json || !matches!(*name, "item" | "record");
        (RecordForm { schema, nested }, all.into_iter().filter(is_declared).map(str::to_owned).collect())
    }

    /// The form of a table: with the chosen columns, or else with those of these fields.
    pub(crate) fn table(
        &self,
        names: &[String],
        (chosen, lists): (&[String], &[String]),
        kinds: BTreeMap<String, ValueKind>,
    ) -> TableForm {
        let is_chosen = !chosen.is_empty();
        let declared = if is_chosen { self.chosen(chosen) } else { self.columns(names) };
        TableForm { declared, is_chosen, nested: self.nested, lists: self.lists(lists), kinds }
    }

    /// The columns of these fields, in this order.
    fn columns(&self, names: &[String]) -> Vec<DeclaredColumn> {
        let mut columns = Vec::new();
        for name in names {
            let property = self.schema.get("properties").and_then(|properties| properties.get(name));
            self.add(&mut columns, vec![name.clone()], property);
        }
        columns
    }

    /// Columns that were chosen by their paths.
    fn chosen(&self, paths: &[String]) -> Vec<DeclaredColumn> {
        let one = |text: &String| {
            let path = path_of(text);
            let found = path.iter().try_fold(&self.schema, |schema, name| {
                self.resolved(schema).get("properties").and_then(|properties| properties.get(name))
            });
            self.column(path, found)
        };
        paths.iter().map(one).collect()
    }

    /// Lists that get a table of their own, with what is declared of their elements.
    fn lists(&self, names: &[String]) -> Vec<ListTable> {
        let one = |name: &String| {
            let path = path_of(name);
            let found = path.iter().try_fold(&self.schema, |schema, name| {
                self.resolved(schema).get("properties").and_then(|properties| properties.get(name))
            });
            let element = found.and_then(|list| self.resolved(list).get("items")).map(|element| self.resolved(element));
            let fields = element.and_then(|element| element.get("properties")).and_then(Value::as_object);
            let mut elements = Vec::new();
            for (name, schema) in fields.into_iter().flatten() {
                self.add(&mut elements, vec![name.clone()], Some(schema));
            }
            ListTable { path, elements }
        };
        names.iter().map(one).collect()
    }

    fn add(&self, columns: &mut Vec<DeclaredColumn>, path: Vec<String>, schema: Option<&Value>) {
        let fields = schema.map(|schema| self.resolved(schema)).and_then(|schema| schema.get("properties"));
        let fields = fields.and_then(Value::as_object).filter(|_| self.nested == Nested::Flatten);
        match fields {
            Some(fields) if path.len() < DEPTH_MAX && !fields.is_empty() => {
                for (name, schema) in fields {
                    let inner = path.iter().cloned().chain([name.clone()]).collect();
                    self.add(columns, inner, Some(schema));
                }
            }
            _ => columns.push(self.column(path, schema)),
        }
    }

    fn column(&self, path: Vec<String>, schema: Option<&Value>) -> DeclaredColumn {
        let own = schema.map(|schema| self.resolved(schema));
        let about = schema.into_iter().chain(own).find_map(|schema| schema.get("description"));
        DeclaredColumn {
            path,
            kind: own.and_then(ValueKind::of_schema),
            about: about.and_then(Value::as_str).map(str::to_owned),
        }
    }

    /// The schema that a reference means.
    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let mut schema = schema;
        for _ in 0..DEPTH_MAX {
            let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            match pointer.and_then(|pointer| self.schema.pointer(pointer)) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }
}

/// The names of the fields of the record that an operation returns, in the order of its rows.
pub(crate) fn record_names(operation: &Operation) -> Vec<String> {
    let Some(record) = operation.record() else { return Vec::new() };
    let properties = fields_of(&record.schema.0).and_then(|keys| keys.into_iter().find(|(k, _)| k == "properties"));
    let properties = properties.and_then(|(_, raw)| fields_of(raw.get())).unwrap_or_default();
    let sample = fields_of(&record.sample.0).unwrap_or_default();
    let mut once = std::collections::BTreeSet::new();
    let names = sample.into_iter().chain(properties).map(|(name, _)| name);
    names.filter(|name| once.insert(name.clone())).collect()
}
