//! The fields of a record, from its schema and its sample; and the order and selection that a caller requests. Pure.

use serde_json::Value;

use super::compare::Scalar;
use super::tree::Tree;
use crate::authoring::scalar;
use crate::definition::Record;

/// The fields of a record.
pub(in crate::sandbox) struct RecordFields {
    name: String,
    schema: Value,
    sample: Tree,
}

/// Whether a record has a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum KnownName {
    No,
    Yes,
    /// The field is in the elements of a list of the record.
    InList,
}

impl RecordFields {
    pub(in crate::sandbox) fn new(record: &Record) -> RecordFields {
        RecordFields { name: record.title.clone(), schema: record.schema.to_value(), sample: Tree::of(&record.sample) }
    }

    /// The name of the record for messages.
    pub(in crate::sandbox) fn title(&self) -> &str {
        &self.name
    }

    /// Its JSON Schema.
    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// A part without schema and sample may contain any field.
    pub(in crate::sandbox) fn find(&self, path: &[String]) -> KnownName {
        let (mut schema, mut sample, mut found) = (Some(&self.schema), Some(&self.sample), KnownName::Yes);
        for name in path {
            if let Some(Tree::List(list)) = sample {
                sample = list.first();
                found = KnownName::InList;
            }
            if let Some(items) = schema.and_then(|s| s.get("items")) {
                schema = Some(items);
                found = KnownName::InList;
            }
            let properties = schema.and_then(|s| s.get("properties"));
            if properties.is_none() && !matches!(sample, Some(Tree::Object(_))) {
                let scalar =
                    matches!(sample, Some(Tree::Leaf(text)) if text != "null") || schema.is_some_and(is_scalar);
                return if scalar { KnownName::No } else { found };
            }
            schema = properties.and_then(|p| p.get(name));
            sample = sample.and_then(|s| s.get(name));
            if schema.is_none() && sample.is_none() {
                return KnownName::No;
            }
        }
        found
    }
}

/// Whether a schema allows scalars only.
fn is_scalar(schema: &Value) -> bool {
    let structured = |t: &Value| matches!(t.as_str(), Some("object" | "array"));
    match schema.get("type") {
        Some(Value::Array(types)) => !types.iter().any(structured),
        Some(one) => !structured(one),
        None => false,
    }
}

/// Splits a path of field names at its slashes.
pub(in crate::sandbox) fn path(text: &str) -> Vec<String> {
    text.split('/').map(|name| name.trim().to_owned()).collect()
}

/// One field of a sort order.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct By {
    path: Vec<String>,
    descending: bool,
}

/// Parses a sort order: fields separated by commas, each followed by `asc` or `desc` or preceded by `-`; `Err` is the
/// fault. `key` is another name for the record's key, with its path.
pub(in crate::sandbox) fn order(
    value: &Value,
    fields: &RecordFields,
    key: Option<(&str, &[String])>,
) -> Result<Vec<By>, String> {
    let mut order = Vec::new();
    for part in names(value) {
        let mut words = part.split_whitespace();
        let Some(name) = words.next() else { continue };
        let direction = words.next().unwrap_or("asc").to_ascii_lowercase();
        if words.next().is_some() || !matches!(direction.as_str(), "asc" | "desc") {
            return Err(format!("`{part}` is not a field and a direction, such as `name asc`"));
        }
        let (name, minus) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        let path = key.filter(|(alias, _)| *alias == name).map_or_else(|| path(name), |(_, key)| key.to_vec());
        if fields.find(&path) == KnownName::No {
            return Err(unknown(name, fields));
        }
        order.push(By { path, descending: minus || direction == "desc" });
    }
    Ok(order)
}

/// The message for a name that the record does not have.
pub(in crate::sandbox) fn unknown(name: &str, fields: &RecordFields) -> String {
    format!("`{name}` is not a field of: {}", fields.title())
}

/// Sorts records stably; absent fields come first.
pub(in crate::sandbox) fn sort(records: &mut [&Tree], order: &[By]) {
    let value = |record: &Tree, by: &By| record.at(&by.path).and_then(Scalar::of).unwrap_or(Scalar::Null);
    records.sort_by(|a, b| {
        let mut steps = order.iter().map(|by| {
            let step = value(a, by).order(&value(b, by));
            if by.descending { step.reverse() } else { step }
        });
        steps.find(|step| step.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
}

/// The selected fields; `None` for all. Unknown names select nothing.
pub(in crate::sandbox) fn choice(value: Option<&Value>) -> Option<Vec<Vec<String>>> {
    let paths: Vec<Vec<String>> = names(value?).iter().map(|name| path(name)).collect();
    (!paths.is_empty()).then_some(paths)
}

/// The names in a text with commas, or in a list of texts.
fn names(value: &Value) -> Vec<String> {
    let texts: Vec<String> = match value {
        Value::Array(list) => list.iter().filter_map(scalar).collect(),
        other => scalar(other).into_iter().collect(),
    };
    texts.iter().flat_map(|t| t.split(',')).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()
}

#[cfg(test)]
pub(in crate::sandbox) mod tests {
    use serde_json::Value;

    use super::{KnownName, RecordFields, Tree, choice, order, path, sort};
    use crate::authoring::Json;
    use crate::definition::Record;

    /// A record for the tests of filters.
    pub(in crate::sandbox) fn ticket() -> RecordFields {
        let schema = r#"{"type":"object","properties":{"id":{"type":"integer"},"summary":{"type":"string"},"closed":{"type":"boolean"},
            "note":{"type":["string","null"]},"company":{"type":"object","properties":{"id":{"type":"integer"},"identifier":{"type":"string"}}},
            "_info":{"type":"object"},"contacts":{"type":"array","items":{"type":"object","properties":{"value":{"type":"string"}}}}}}"#;
        let sample = r#"{"id":1,"summary":"x","_info":{"lastUpdated":"2025-01-01T00:00:00Z"},"extra":1.5}"#;
        RecordFields::new(&Record {
            name: "Ticket".into(),
            title: "Ticket".into(),
            schema: Json(schema.into()),
            sample: Json(sample.into()),
        })
    }

    #[test]
    fn fields_are_known_from_schema_and_sample() {
        let fields = ticket();
        for (name, expected) in [
            ("id", KnownName::Yes),
            ("extra", KnownName::Yes),
            ("company/identifier", KnownName::Yes),
            ("_info/lastUpdated", KnownName::Yes),
            ("contacts/value", KnownName::InList),
            ("company/x", KnownName::No),
            ("id/x", KnownName::No),
            ("note/x", KnownName::No),
            ("ID", KnownName::No),
            ("", KnownName::No),
        ] {
            assert_eq!(fields.find(&path(name)), expected, "{name}");
        }
    }

    #[test]
    fn orders() {
        let records: Vec<Tree> = [
            r#"{"id":2,"summary":"b","company":{"identifier":"Z"}}"#,
            r#"{"id":10,"summary":"B","company":{"identifier":"a"}}"#,
            r#"{"id":1,"summary":"a"}"#,
        ]
        .iter()
        .map(|t| Tree::parse(t).unwrap())
        .collect();
        for (text, expected) in [
            ("id", [1, 2, 10]),
            ("id desc", [10, 2, 1]),
            ("-id", [10, 2, 1]),
            ("summary asc, id desc", [1, 10, 2]),
            ("company/identifier ASC", [1, 10, 2]),
            ("company/identifier DESC,id", [2, 10, 1]),
            ("", [2, 10, 1]),
        ] {
            let mut sorted: Vec<&Tree> = records.iter().collect();
            sort(&mut sorted, &order(&Value::from(text), &ticket(), None).unwrap());
            let ids: Vec<u64> = sorted.iter().map(|t| t.get("id").unwrap().to_json().parse().unwrap()).collect();
            assert_eq!(ids, expected, "{text}");
        }
        assert!(order(&Value::from("nope desc"), &ticket(), None).unwrap_err().contains("nope"));
        assert!(order(&Value::from("id up"), &ticket(), None).is_err());
        assert!(order(&Value::from("id asc x"), &ticket(), None).is_err());
    }

    #[test]
    fn choices() {
        assert_eq!(choice(Some(&Value::from("id, company/id"))), Some(vec![path("id"), path("company/id")]));
        assert_eq!(choice(Some(&serde_json::json!(["id", "a,b"]))).unwrap().len(), 3);
        assert_eq!(choice(Some(&Value::from(" ,"))), None);
    }
}
