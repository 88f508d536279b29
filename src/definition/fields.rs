//! The known fields of a record, from its schema and its sample; the only place that decides whether a name can exist.
//! Pure.
//!
//! A schema with `properties` names all fields, unless it has `additionalProperties`. A sample alone is an example: an
//! unknown name is then a fault only if it is similar to a known one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::error::nearest;
use crate::json_pointer::escape;

/// Maximum depth: schemas may be recursive.
const DEPTH_MAX: usize = 8;

/// The known fields of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fields {
    /// Unknown: every name may exist.
    #[default]
    Any,
    /// Text, a number or a flag, which has no fields.
    Plain,
    /// A list, with the fields of its elements.
    List(Box<Fields>),
    /// An object.
    Object {
        /// Its fields by name.
        known: Arc<BTreeMap<String, Fields>>,
        /// Whether the list is complete.
        is_whole: bool,
    },
}

/// An unknown name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The path up to and including it.
    pub path: String,
    /// The nearest name, as a path.
    pub nearest: Option<String>,
}

impl Unknown {
    /// The same, relative to an outer value.
    fn within(self, at: &str) -> Unknown {
        let full = |path: String| format!("{at}/{path}").trim_start_matches('/').to_owned();
        Unknown { path: full(self.path), nearest: self.nearest.map(full) }
    }

    /// `; did you mean …?`, or nothing.
    #[must_use]
    pub fn hint(&self) -> String {
        self.nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
    }
}

impl Fields {
    /// The fields of a schema and a sample.
    #[must_use]
    pub fn of(schema: &Value, sample: Option<&Value>) -> Fields {
        let own = of_schema(schema, schema, 0);
        sample.map_or_else(|| own.clone(), |sample| own.clone().and(of_sample(sample, 0)))
    }

    /// The fields of complete values, such as literal items.
    #[cfg(feature = "batch")]
    #[must_use]
    pub fn of_values<'v>(values: impl IntoIterator<Item = &'v Value>) -> Fields {
        values.into_iter().map(|value| whole(of_sample(value, 0))).reduce(Fields::and).unwrap_or_default()
    }

    /// The union of two.
    #[must_use]
    pub fn and(self, other: Fields) -> Fields {
        match (self, other) {
            (Fields::Any, known) | (known, Fields::Any) => known,
            (Fields::Plain, known) | (known, Fields::Plain) => known,
            (Fields::List(a), Fields::List(b)) => Fields::List(Box::new(a.and(*b))),
            (Fields::Object { mut known, is_whole: a }, Fields::Object { known: more, is_whole: b }) => {
                let all = Arc::make_mut(&mut known);
                for (name, fields) in Arc::unwrap_or_clone(more) {
                    let before = all.remove(&name).unwrap_or_default();
                    all.insert(name, before.and(fields));
                }
                Fields::Object { known, is_whole: a || b }
            }
            // The value may be either; only one of them has names.
            (Fields::List(_), object @ Fields::Object { .. }) | (object @ Fields::Object { .. }, Fields::List(_)) => {
                object
            }
        }
    }

    /// The fields of a named field; for a list, those of its elements.
    fn at(&self, name: &str) -> Option<&Fields> {
        match self {
            Fields::Any => Some(&Fields::Any),
            Fields::Plain => None,
            Fields::List(element) if name.bytes().all(|b| b.is_ascii_digit()) || name == "*" => Some(element),
            Fields::List(element) => element.at(name),
            Fields::Object { known, is_whole } => match known.get(name) {
                Some(fields) => Some(fields),
                None if *is_whole || nearest(name, known.keys().map(String::as_str)).is_some() => None,
                None => Some(&Fields::Any),
            },
        }
    }

    /// The fields at a path.
    #[cfg(feature = "batch")]
    #[must_use]
    pub fn part(&self, path: &[String]) -> Fields {
        path.iter().try_fold(self, |fields, name| fields.at(name)).cloned().unwrap_or_default()
    }

    /// The first unknown name of a path. `between` joins names to a path.
    #[must_use]
    pub fn unknown(&self, path: &[String], between: &str) -> Option<Unknown> {
        let mut fields = self;
        for (depth, name) in path.iter().enumerate() {
            match fields.at(name) {
                Some(next) => fields = next,
                None => {
                    let before = path.get(..depth).unwrap_or_default();
                    let full = |name: &str| {
                        before
                            .iter()
                            .map(String::as_str)
                            .filter(|n| *n != "*")
                            .chain([name])
                            .collect::<Vec<_>>()
                            .join(between)
                    };
                    let nearest = nearest(name, fields.names()).map(full);
                    return Some(Unknown { path: full(name), nearest });
                }
            }
        }
        None
    }

    /// Whether all names of a path are known.
    #[cfg(feature = "cli")]
    pub(crate) fn is_certain(&self, path: &[String]) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        match self {
            Fields::Object { known, .. } => {
                known.get(name).is_some_and(|fields| rest.is_empty() || fields.is_certain(rest))
            }
            Fields::List(element) if name.bytes().all(|b| b.is_ascii_digit()) => {
                rest.is_empty() || element.is_certain(rest)
            }
            Fields::List(_) | Fields::Any | Fields::Plain => false,
        }
    }

    fn names(&self) -> Vec<&str> {
        match self {
            Fields::Any | Fields::Plain => Vec::new(),
            Fields::List(element) => element.names(),
            Fields::Object { known, .. } => known.keys().map(String::as_str).collect(),
        }
    }

    /// Unknown names in a value, each with its JSON Pointer.
    pub(super) fn unknown_in(&self, value: &Value, at: &str, found: &mut Vec<(String, Unknown)>) {
        match (self, value) {
            (Fields::Object { known, .. }, Value::Object(fields)) => {
                for (name, value) in fields {
                    match self.unknown(std::slice::from_ref(name), "/") {
                        Some(unknown) => found.push((format!("{at}/{}", escape(name)), unknown.within(at))),
                        None => {
                            known
                                .get(name)
                                .into_iter()
                                .for_each(|fields| fields.unknown_in(value, &format!("{at}/{}", escape(name)), found));
                        }
                    }
                }
            }
            (Fields::List(element), Value::Array(list)) => {
                list.iter()
                    .enumerate()
                    .for_each(|(index, value)| element.unknown_in(value, &format!("{at}/{index}"), found));
            }
            (Fields::Any | Fields::Plain | Fields::List(_) | Fields::Object { .. }, _) => {}
        }
    }
}

fn of_schema(schema: &Value, root: &Value, depth: usize) -> Fields {
    if depth > DEPTH_MAX {
        return Fields::Any;
    }
    let inner = |schema: &Value| of_schema(schema, root, depth + 1);
    let alternatives = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
    let referred = schema.get("$ref").and_then(Value::as_str).and_then(|r| root.pointer(r.strip_prefix('#')?));
    let parts = alternatives.chain(referred).map(inner);
    let own = match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => {
            let more = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false))
                || schema.get("patternProperties").is_some();
            let known = Arc::new(properties.iter().map(|(name, schema)| (name.clone(), inner(schema))).collect());
            Fields::Object { known, is_whole: !more }
        }
        None => match schema.get("items") {
            Some(element) => Fields::List(Box::new(inner(element))),
            None if is_plain(schema) => Fields::Plain,
            None => Fields::Any,
        },
    };
    parts.fold(own, Fields::and)
}

/// Whether its types have no fields.
fn is_plain(schema: &Value) -> bool {
    let plain = |kind: &Value| matches!(kind.as_str(), Some("string" | "integer" | "number" | "boolean" | "null"));
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().all(plain),
        Some(kind) => plain(kind),
        None => schema
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().all(|v| !v.is_object() && !v.is_array())),
    }
}

fn of_sample(sample: &Value, depth: usize) -> Fields {
    match sample {
        Value::Object(fields) if depth <= DEPTH_MAX && !fields.is_empty() => {
            let known =
                Arc::new(fields.iter().map(|(name, value)| (name.clone(), of_sample(value, depth + 1))).collect());
            Fields::Object { known, is_whole: false }
        }
        Value::Array(list) if !list.is_empty() => {
            let element = list.iter().map(|value| of_sample(value, depth + 1)).reduce(Fields::and).unwrap_or_default();
            Fields::List(Box::new(element))
        }
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Fields::Plain,
        // An empty one may have any.
        Value::Null | Value::Object(_) | Value::Array(_) => Fields::Any,
    }
}

/// The same with only these fields at the top.
#[cfg(feature = "batch")]
fn whole(fields: Fields) -> Fields {
    match fields {
        Fields::Object { known, .. } => Fields::Object { known, is_whole: true },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Fields;

    fn unknown(fields: &Fields, path: &str) -> Option<String> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        fields.unknown(&path, ".").map(|u| format!("{}{}", u.path, u.hint()))
    }

    #[test]
    fn names_come_from_schema_and_sample() {
        let schema = json!({"type": "object", "properties": {
            "id": {"type": "integer"}, "title": {"type": ["string", "null"]}, "info": {"type": "object"},
            "role": {"properties": {"id": {}, "name": {"type": "string"}}},
            "lines": {"type": "array", "items": {"properties": {"amount": {"type": "number"}}}},
            "open": {"properties": {"a": {}}, "additionalProperties": true},
            "any": {},
        }});
        let fields = Fields::of(&schema, Some(&json!({"id": 1, "extra": "x", "info": {"lastUpdated": "…"}})));
        for path in
            ["id", "extra", "role.name", "lines.0.amount", "lines.amount", "any.x.y", "open.z", "info.updatedBy"]
        {
            assert_eq!(unknown(&fields, path), None, "{path}");
        }
        for (path, told) in [
            ("titel", "titel; did you mean `title`?"),
            ("zzz", "zzz"),
            ("role.nmae", "role.nmae; did you mean `role.name`?"),
            ("title.text", "title.text"),
            ("lines.0.amuont", "lines.0.amuont; did you mean `lines.0.amount`?"),
            ("info.lastUpdate", "info.lastUpdate; did you mean `info.lastUpdated`?"),
        ] {
            assert_eq!(unknown(&fields, path).as_deref(), Some(told), "{path}");
        }
    }

    #[test]
    fn a_sample_alone_is_an_example() {
        let fields = Fields::of(&Value::Bool(true), Some(&json!({"title": "x", "empty": {}})));
        assert_eq!(unknown(&fields, "titel").as_deref(), Some("titel; did you mean `title`?"));
        assert_eq!(unknown(&fields, "somethingElse"), None);
        assert_eq!(unknown(&fields, "empty.a"), None);
        assert_eq!(
            unknown(&Fields::of_values([&json!({"id": 1}), &json!({"name": 2})]), "other").as_deref(),
            Some("other")
        );
    }

    #[test]
    fn a_schema_may_refer_to_itself() {
        let schema = json!({"properties": {"child": {"$ref": "#"}, "name": {}}});
        let fields = Fields::of(&schema, None);
        assert_eq!(unknown(&fields, "child.child.name"), None);
        assert_eq!(
            unknown(&fields, "child.child.nam").as_deref(),
            Some("child.child.nam; did you mean `child.child.name`?")
        );
    }
}
