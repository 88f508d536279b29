//! The key `values` in the schema of a field: the query that returns what the field may be. Validation ignores it. Pure.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use super::file::ValuesFile;
use super::option_rule::ValueSource;
use crate::authoring::Pointer;
use crate::json_pointer::escape;
use crate::json_text::fields_of;

/// The key.
pub(super) const VALUES: &str = "values";

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
