//! The key `values` in the schema of a field: the query that returns what the field may be. Validation ignores it. Pure.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use super::file::ValuesFile;
use super::operation::{Operation, Record};
use super::option_rule::ValueSource;
use super::record_fields::{RecordField, record_fields};
use crate::authoring::{Json, Pointer};
use crate::json_pointer::escape;
use crate::json_text::fields_of;

/// The key.
const VALUES: &str = "values";

/// The values of a field, from its schema.
pub(super) fn values_of(schema: &str) -> Option<Arc<ValueSource>> {
    if !schema.contains("\"values\"") {
        return None;
    }
    let fields: Vec<(String, &RawValue)> = fields_of(schema)?;
    let (_, raw) = fields.into_iter().find(|(name, _)| name == VALUES)?;
    value_source(raw.get()).ok().map(Arc::new)
}

/// What the key says; `Err` is the fault.
pub(super) fn value_source(json: &str) -> Result<ValueSource, String> {
    let file: ValuesFile = serde_json::from_str(json).map_err(|e| {
        // The place is that of the key in the file.
        let words = crate::json_error::words(&e, json);
        words.split(" at line ").next().unwrap_or_default().to_owned()
    })?;
    let label = file.label.as_deref().map(Pointer::parse).transpose()?;
    let value = Pointer::parse(&file.value)?;
    Ok(ValueSource { operation: file.operation, value, label, options: file.options.into_iter().collect() })
}

/// Each key `values` of a property within a schema, with its JSON Pointer; `at` is that of the schema.
pub(super) fn each_values(schema: &Value, at: &str, found: &mut impl FnMut(String, &Value)) {
    for key in ["properties", "$defs"] {
        for (name, property) in schema.get(key).and_then(Value::as_object).into_iter().flatten() {
            let at = format!("{at}/{key}/{}", escape(name));
            if let Some(values) = property.get(VALUES).filter(|_| key == "properties") {
                found(format!("{at}/{VALUES}"), values);
            }
            each_values(property, &at, found);
        }
    }
    if let Some(items) = schema.get("items") {
        each_values(items, &format!("{at}/items"), found);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (number, part) in schema.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
            each_values(part, &format!("{at}/{key}/{number}"), found);
        }
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{each_values, field_values, value_source};
    use crate::authoring::Json;
    use crate::definition::operation::Record;
    use crate::definition::record_fields::record_fields;

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
