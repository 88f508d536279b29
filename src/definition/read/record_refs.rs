//! Schemas that refer to records: `{ $ref: "#/records/User" }`. The records are put under `$defs`, so that the schema is
//! complete in itself; cycles are allowed. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::authoring::Checker;

/// Where a schema refers to a record.
const RECORDS: &str = "#/records/";
/// Where it is then.
const DEFS: &str = "#/$defs/";

/// The schema of another record, by name.
pub(super) type OtherRecord<'r> = &'r dyn Fn(&str) -> Option<Value>;

/// Where records are declared.
pub(super) const RECORDS_ARE: &str = "records are declared under `records:` in a file of the same connector";

/// A schema with the records that it refers to.
pub(super) fn embedded(c: &mut Checker<'_>, at: &str, schema: Value, other: OtherRecord<'_>) -> Value {
    embed(schema, other).unwrap_or_else(|name| {
        let message = format!("the schema refers to the record `{name}`, which does not exist");
        c.fault(at, message, Some(RECORDS_ARE.into()));
        Value::Bool(true)
    })
}

/// Whether a JSON text may refer to a record.
pub(in crate::definition) fn may_refer(json: &str) -> bool {
    json.contains(RECORDS)
}

/// Puts the records that a schema refers to under its `$defs`. `lookup` gives the schema of a record. `Err` is the name
/// of a record that does not exist.
fn embed(mut schema: Value, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, String> {
    let mut open = Vec::new();
    rewrite(&mut schema, None, &mut open);
    let mut defs: BTreeMap<String, Value> = BTreeMap::new();
    while let Some(name) = open.pop() {
        if defs.contains_key(&name) {
            continue;
        }
        let mut record = lookup(&name).ok_or_else(|| name.clone())?;
        let own = record.as_object_mut().and_then(|map| map.remove("$defs"));
        rewrite(&mut record, Some(&name), &mut open);
        if let Some(Value::Object(own)) = own {
            for (key, mut value) in own {
                rewrite(&mut value, Some(&name), &mut open);
                defs.insert(format!("{name}.{key}"), value);
            }
        }
        defs.insert(name, record);
    }
    if let (false, Some(map)) = (defs.is_empty(), schema.as_object_mut()) {
        let own = map.entry("$defs").or_insert_with(|| Value::Object(Map::new()));
        if let Some(own) = own.as_object_mut() {
            own.extend(defs);
        }
    }
    Ok(schema)
}

/// Rewrites the references of a schema; `within` is the record to which it belongs. Names of records are added to
/// `found`.
fn rewrite(schema: &mut Value, within: Option<&str>, found: &mut Vec<String>) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(|value| rewrite(value, within, found)),
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(target) if key == "$ref" => *target = moved(target, within, found),
                    other => rewrite(other, within, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn moved(target: &str, within: Option<&str>, found: &mut Vec<String>) -> String {
    if let Some(name) = target.strip_prefix(RECORDS) {
        let name = name.split('/').next().unwrap_or_default();
        found.push(crate::json_pointer::unescape(name));
        return target.replacen(RECORDS, DEFS, 1);
    }
    match (within, target.strip_prefix('#')) {
        (Some(record), Some(rest)) => match rest.strip_prefix("/$defs/") {
            Some(own) => format!("{DEFS}{record}.{own}"),
            None => format!("{DEFS}{record}{rest}"),
        },
        (_, _) => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::embed;

    #[test]
    fn records_refer_to_each_other() {
        let ticket = json!({"properties": {
            "owner": {"$ref": "#/records/User"}, "parent": {"$ref": "#"}, "kind": {"$ref": "#/$defs/Kind"},
        }, "$defs": {"Kind": {"enum": ["a"]}}});
        let user = json!({"properties": {"tickets": {"items": {"$ref": "#/records/Ticket"}}, "self": {"$ref": "#"}}});
        let lookup = |name: &str| match name {
            "Ticket" => Some(ticket.clone()),
            "User" => Some(user.clone()),
            _ => None,
        };
        let schema = embed(ticket.clone(), &lookup).unwrap();
        let at = |pointer: &str| schema.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        assert_eq!(at("/properties/owner/$ref"), "#/$defs/User");
        assert_eq!(at("/properties/parent/$ref"), "#");
        assert_eq!(at("/$defs/User/properties/tickets/items/$ref"), "#/$defs/Ticket");
        assert_eq!(at("/$defs/User/properties/self/$ref"), "#/$defs/User");
        assert_eq!(at("/$defs/Ticket/properties/kind/$ref"), "#/$defs/Ticket.Kind");
        assert_eq!(at("/$defs/Ticket/properties/parent/$ref"), "#/$defs/Ticket");
        assert!(schema.pointer("/$defs/Ticket.Kind").is_some() && schema.pointer("/$defs/Kind").is_some());
        let compiled = crate::authoring::Schema::compile(schema).unwrap();
        assert!(compiled.check(&json!({"owner": {"tickets": [{"kind": "a"}]}})).is_empty());
        assert_eq!(compiled.check(&json!({"owner": {"tickets": [{"kind": "b"}]}})).len(), 1);
        assert_eq!(embed(json!({"$ref": "#/records/Nobody"}), &lookup), Err("Nobody".to_owned()));
    }
}
