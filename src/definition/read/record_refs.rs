//! Schemas that refer to records: `{ $ref: "#/records/User" }`. The records are put under `$defs`, so that the schema is
//! complete in itself; cycles are allowed. Pure.

use std::collections::{BTreeMap, VecDeque};

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

/// The records of a connector, for schemas that refer to them.
pub(in crate::definition) struct OtherRecords<'r> {
    pub(in crate::definition) schema: OtherRecord<'r>,
    pub(in crate::definition) exists: &'r dyn Fn(&str) -> bool,
    /// Only the records to which a schema refers itself; beyond these, everything is valid. Enough for a check of
    /// definitions: each record is checked by itself, and a graph of a thousand records is not joined a thousand times.
    pub(in crate::definition) are_near: bool,
}

/// A schema with the records that it refers to.
pub(super) fn embedded(c: &mut Checker<'_>, at: &str, schema: Value, other: &OtherRecords<'_>) -> Value {
    let levels = if other.are_near { 1 } else { usize::MAX };
    embed(schema, other.schema, levels).unwrap_or_else(|name| lost(c, at, &name))
}

/// Reports an invalid schema. The records to which it refers need only exist: they are checked by themselves.
pub(super) fn check(c: &mut Checker<'_>, at: &str, what: &str, schema: Value, other: &OtherRecords<'_>) {
    let alone = embed(schema, &|name| (other.exists)(name).then_some(Value::Bool(true)), 0);
    let alone = alone.unwrap_or_else(|name| lost(c, at, &name));
    c.schema(at, what, || alone);
}

fn lost(c: &mut Checker<'_>, at: &str, name: &str) -> Value {
    let message = format!("the schema refers to the record `{name}`, which does not exist");
    c.fault(at, message, Some(RECORDS_ARE.into()));
    Value::Bool(true)
}

/// Whether a JSON text may refer to a record.
pub(in crate::definition) fn may_refer(json: &str) -> bool {
    json.contains(RECORDS)
}

/// Puts the records that a schema refers to under its `$defs`, with those to which these refer, for so many `levels`;
/// further records are not described. `lookup` gives the schema of a record. `Err` is the name of a record that does not
/// exist.
fn embed(mut schema: Value, lookup: &dyn Fn(&str) -> Option<Value>, levels: usize) -> Result<Value, String> {
    let mut names = Vec::new();
    rewrite(&mut schema, None, &mut names);
    let mut open: VecDeque<(String, usize)> = names.into_iter().map(|name| (name, 1)).collect();
    let mut defs: BTreeMap<String, Value> = BTreeMap::new();
    while let Some((name, level)) = open.pop_front() {
        if defs.contains_key(&name) {
            continue;
        }
        if level > levels.max(1) {
            defs.insert(name, Value::Bool(true));
            continue;
        }
        let mut record = lookup(&name).ok_or_else(|| name.clone())?;
        let mut names = Vec::new();
        let own = record.as_object_mut().and_then(|map| map.remove("$defs"));
        rewrite(&mut record, Some(&name), &mut names);
        if let Some(Value::Object(own)) = own {
            for (key, mut value) in own {
                rewrite(&mut value, Some(&name), &mut names);
                defs.insert(format!("{name}.{key}"), value);
            }
        }
        open.extend(names.into_iter().map(|name| (name, level + 1)));
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
        let schema = embed(ticket.clone(), &lookup, usize::MAX).unwrap();
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
        assert_eq!(embed(json!({"$ref": "#/records/Nobody"}), &lookup, usize::MAX), Err("Nobody".to_owned()));
        let near = embed(user.clone(), &lookup, 1).unwrap();
        assert_eq!(
            (near.pointer("/$defs/User"), near.pointer("/$defs/Ticket/properties").is_some()),
            (Some(&json!(true)), true)
        );
    }
}
